"""Headrace as others get it: a copy of the files that git has, and an environment to install them into without a network."""

from __future__ import annotations

import os
import shutil
import subprocess
import sysconfig
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = sysconfig.get_path("purelib")

BAD = "name: ship\n\ntasks:\n  test: {run: make test}\n  ship: {needs: tset, run: make ship}\n"
GOOD = BAD.replace("tset", "test")
CASES = "workflow: ship\ncases:\n  - name: ships\n    mocks: {test: {}, ship: {}}\n    expect: {state: succeeded}\n"


def copied(to: Path) -> Path:
    """Everything that is tracked or would be, copied."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    for name in filter(None, listed.split("\0")):
        if (ROOT / name).is_file():
            (to / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, to / name)
    return to


def environment(home: Path, **more: str) -> dict[str, str]:
    """What installs find: the packages of this environment in place of a registry's."""
    return {
        "PATH": os.pathsep.join((sysconfig.get_path("scripts"), "/usr/local/bin", "/usr/bin", "/bin")),
        "HOME": str(home),
        "GIT_CONFIG_NOSYSTEM": "1",
        "PIP_NO_INDEX": "1",
        "PIP_NO_DEPS": "1",
        "PIP_NO_BUILD_ISOLATION": "0",  # pip turns the sense of this one around
        **more,
    }
