"""The table of promises and the tests that hold them are the same list."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PAGE = (ROOT / "docs" / "reliability.md").read_text()
ROWS = [row.split(" | ") for row in re.findall(r"^\| (R\d.+) \|$", PAGE, re.MULTILINE)]


def test_every_promise_has_its_test_and_every_test_its_promise():
    commands = {promise: command for promise, _, command, _ in ROWS}
    assert len(commands) == len(ROWS)
    files = sorted((ROOT / "tests" / "faults").glob("test_r[0-9]*.py"))
    held = {f"R{int(path.name[6:8])}": f"`pytest tests/faults/{path.name}`" for path in files}
    assert len(held) == len(files), "one file for each promise"
    elsewhere = set(commands) - set(held)
    assert {promise: commands[promise] for promise in held} == held
    for promise in elsewhere:
        assert (ROOT / commands[promise].strip("`").split()[1]).exists(), promise


def test_promises_stand_in_order():
    numbers = [int(promise[1:]) for promise, *_ in ROWS]
    assert numbers == sorted(numbers)


def test_results_have_a_day_and_figures():
    for promise, _, _, result in ROWS:
        assert result == "not yet" or re.match(r"\d{4}-\d\d-\d\d: .*\d", result), promise
