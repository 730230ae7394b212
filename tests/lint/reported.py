"""Findings for the tests of reporters: those of the golden files, and one that an attacker wrote."""

from __future__ import annotations

from pathlib import Path

from engine.lint.linter import lint
from engine.spec.findings import Edit, Finding

GOLDEN = Path(__file__).with_name("golden")
FOLDERS = sorted(GOLDEN.iterdir())

NASTY = "\x1b]0;owned\x07 \r\n::error::x\n##[error]y\u202e<b>&amp;</b>]]> [a](http://x) {0} %0A a:b,c\udcff"
"""What a terminal, a log, a page, XML or Markdown could obey, and what is no Unicode."""


def nasty(severity="error"):
    """A finding all of whose texts are hostile, and its file."""
    path = f"w/{NASTY}.yaml"
    edit = Edit(line=1, column=1, end_line=1, end_column=2, text="\x1b[31m\n")
    found = Finding(
        path=path, line=1, column=1, end_line=1, end_column=2, severity=severity, rule="r", message=NASTY, fixes=(edit,)
    )
    return [found], {path: b"\x1b[31m::error::z\xff\n"}


def files(folder):
    return {
        str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.suffix == ".yaml"
    }


def golden(folder):
    """What is found in a golden folder, and its files."""
    read = files(folder)
    return lint(read), read
