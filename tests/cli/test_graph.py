"""`headrace graph`: of files and of what a server has loaded, in three forms."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

from tests.web.definitions import GATE
from tests.web.nested import FLEET, under_way

ROOT = Path(__file__).resolve().parent.parent.parent
HELLO = str(ROOT / "workflows" / "hello.yaml")


def test_a_file_in_the_terminal(headrace):
    assert headrace("graph", HELLO).out == "● greet  script\n"


def test_a_terminal_without_lines_gets_plain_letters():
    command = [Path(sys.executable).with_name("headrace"), "graph", HELLO]
    done = subprocess.run(command, env={"PYTHONIOENCODING": "ascii"}, capture_output=True, check=True)
    assert done.stdout == b"* greet  script\n"


def test_the_name_of_the_file_says_the_form(headrace, tmp_path):
    for name, start in (("a.svg", "<svg "), ("a.mmd", "flowchart TD\n"), ("a.txt", "● greet")):
        done = headrace("graph", HELLO, "-o", str(tmp_path / name))
        assert (done.status, done.out) == (0, "")
        assert (tmp_path / name).read_text("utf-8").startswith(start)
    assert headrace("graph", HELLO, "--format", "mermaid").out.startswith("flowchart TD\n")
    away = headrace("graph", HELLO, "-o", str(tmp_path / "no" / "a.svg"))
    assert (away.status, "cannot be written" in away.err) == (2, True)


def test_a_loaded_workflow(headrace, shown, world):
    text = "name: drawn\ntasks:\n  ask: {uses: approval, with: {message: Well?, approvers: [ana]}}\n"
    world.load(replace(GATE, name="drawn"), text=text)
    assert headrace("graph", "drawn").out == "◆ ask  approval\n"
    assert headrace("graph", "nope").err == "headrace: there is no workflow 'nope'\n"


def test_a_file_that_cannot_be_read(headrace, tmp_path):
    (tmp_path / "bad.yaml").write_text("name: bad\ntasks: {a: {needs: b, run: x}}\n")
    done = headrace("graph", "bad.yaml")
    assert (done.status, done.out) == (1, "")
    assert "[unknown-need]" in done.err
    assert headrace("graph", "none.yaml").status == 2


def test_an_instance_with_the_states_of_its_tasks(headrace, shown):
    drawn = headrace("graph", shown["waiting"]).out
    assert "◆─┴─╯ approve            approval, waiting\n" in drawn
    assert "├─● deploy               script, pending\n" in drawn
    chart = headrace("graph", shown["waiting"], "--format", "mermaid").out
    assert '["scan<br/>http<br/>succeeded"]' in chart
    assert "classDef wait " in chart
    refused = headrace("graph", shown["waiting"], "-o", "a.svg")
    assert (refused.status, "page of an instance" in refused.said) == (2, True)
    gone = "01a220b5-327c-7328-980c-eab155677076"
    assert headrace("graph", gone).err == f"headrace: there is no instance '{gone}'\n"


def test_what_the_tasks_of_an_instance_consist_of(headrace, shown, world):
    world.load(FLEET)
    drawn = headrace("graph", under_way(world)).out
    lines = drawn.splitlines()
    assert "■ prepare                 group, succeeded" in lines
    assert "│ ┊ ● compile             script, succeeded" in lines
    assert "│ │ ┊ ├─■ [eu]            3 tasks" in lines
    assert "│ │ ┊ │ ┊ │ ┊ ● #3        script, queued" in lines
    assert "│ │ ┊ ┊ │ ┊ ● compensate  script, queued" in lines
    assert "│ │ ┊ ├─● [host-13]       http, failed, http_status: the answer was 503" in lines
