"""`headrace run` as a shell starts it: in a process of its own, in a folder with these files."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

HEADRACE = Path(sys.executable).with_name("headrace")
PATIENCE = 60.0


@dataclass(frozen=True)
class Ran:
    """What it printed, and how it ended."""

    status: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)

    @property
    def told(self) -> list[str]:
        """The lines before the summary, without their times."""
        return [line.split(" ", 1)[1] for line in self.out.partition("\n\n")[0].splitlines()]


def environment(folder: Path, **more: str) -> dict[str, str]:
    """Nothing of whoever runs the tests."""
    return {"PATH": os.environ["PATH"], "HOME": str(folder), "LANG": "C.UTF-8", "LOGNAME": "sam", **more}


def write(folder: Path, files: Mapping[str, str]) -> None:
    for name, text in files.items():
        (folder / name).write_text(text)


def process(folder: Path, *arguments: str, stdin: int = subprocess.DEVNULL, **more: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [HEADRACE, "run", *arguments],
        cwd=folder,
        env=environment(folder, **more),
        stdin=stdin,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def run(folder: Path, *arguments: str, given: str | None = None, **more: str) -> Ran:
    started = process(folder, *arguments, stdin=subprocess.DEVNULL if given is None else subprocess.PIPE, **more)
    out, err = started.communicate(given, timeout=PATIENCE)
    return Ran(started.returncode, out, err)
