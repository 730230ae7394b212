"""How findings are shown."""

import json

from engine.lint.linter import lint
from engine.lint.reporters import json as json_report
from engine.lint.reporters import text
from engine.spec.findings import Finding

BAD = "name: bad\ntasks:\n  test: {run: x}\n\t# \u001b[31m\n  ship: {needs: tset, run: x}\n".replace(
    "\t", "  "
).encode()


def test_text_shows_the_line_and_a_caret():
    report = text.report(lint({"w.yaml": BAD.replace(b"\x1b", b"")}), {"w.yaml": BAD})
    assert report == (
        'w.yaml:5:17: error: task "ship" needs "tset", which does not exist; did you mean "test"? [unknown-need]\n'
        "5 |   ship: {needs: tset, run: x}\n"
        "  |                 ^~~~\n"
        "1 error, 0 warnings in 1 file\n"
    )


def test_text_keeps_terminals_safe_and_tabs_aligned():
    line = b"\ta: \x1b]0;x\x07\n"
    finding = Finding(path="w.yaml", line=1, column=2, rule="r", message="m")
    assert text.report([finding], {"w.yaml": line}).splitlines()[1:3] == ["1 | \ta: \ufffd]0;x\ufffd", "  | \t^"]


def test_text_of_places_that_are_no_more():
    findings = [
        Finding(path="w.yaml", line=9, column=1, rule="r", message="m"),
        Finding(path="x", line=1, column=1, rule="r", message="m"),
    ]
    assert text.report(findings, {"w.yaml": b"a\n"}).count("\n") == 3


def test_nothing_found():
    assert text.report([], {"w.yaml": b""}) == "0 errors, 0 warnings in 1 file\n"
    assert json_report.report([], {}) == "[]\n"


def test_json_reads_back():
    findings = lint({"w.yaml": BAD.replace(b"\x1b", b"")})
    assert [Finding.from_json(entry) for entry in json.loads(json_report.report(findings, {}))] == findings
