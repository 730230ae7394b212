"""Says which Headrace this is."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version


def installed() -> str | None:
    """The version of the installed package; None in a checkout that is not installed."""
    try:
        return version("headrace")
    except PackageNotFoundError:
        return None
