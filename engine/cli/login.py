"""Who sits at this command line."""

from __future__ import annotations

import getpass


def login_name() -> str:
    """Their login name; `cli` where the system has no name for them (a container's bare user id)."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "cli"
