"""`headrace run` as a shell starts it: in a process of its own, in a folder with these files."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.warm import headrace

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


def process(folder: Path, *arguments: str, **more: str) -> subprocess.Popen[str]:
    """The program as it is installed, for what signals and the interpreter's own variables do to it."""
    return subprocess.Popen(
        [HEADRACE, "run", *arguments],
        cwd=folder,
        env=environment(folder, **more),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def run(folder: Path, *arguments: str, given: str = "", **more: str) -> Ran:
    """To its end, whatever it is given to read."""
    with tempfile.TemporaryDirectory() as streams:
        stdin, stdout, stderr = (Path(streams, name) for name in ("in", "out", "err"))
        stdin.write_text(given)
        stdout.touch()
        stderr.touch()
        started = headrace(
            folder,
            "run",
            *arguments,
            variables=environment(folder, **more),
            stdin=stdin,
            stdout=stdout,
            stderr=stderr,
        )
        started.join(PATIENCE)
        assert started.exitcode is not None, "it does not end"
        return Ran(started.exitcode, stdout.read_text(), stderr.read_text())
