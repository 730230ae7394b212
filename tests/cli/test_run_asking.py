"""`headrace run` where somebody sits at the terminal: what approvals ask is asked there."""

from __future__ import annotations

import pytest

from tests.cli.running import write
from tests.cli.terminal import terminal

PROJECT = "people: {ana: {email: ana@example.com}, ben: {email: ben@example.com}}\n"
ONE = """
name: one
tasks:
  ask: {uses: approval, with: {message: "Ship it?\\nNow?", approvers: [ana], expires: 1h}}
  ship: {needs: ask, run: echo shipping}
  no: {needs: ask.rejected, run: 'echo "because $WHY"', env: {WHY: "${{ tasks.ask.outputs.?comment.orValue('') }}"}}
"""
FORM = """
name: form
tasks:
  ask:
    uses: approval
    with:
      message: How?
      approvers: [ana]
      form: {ticket: {type: string, pattern: "^CHG-[0-9]+$"}, count: {type: integer, default: 2}, where: {enum: [eu, us]}}
      expires: 1h
outputs: {ticket: "${{ tasks.ask.outputs.ticket }}", count: "${{ tasks.ask.outputs.count }}", where: "${{ tasks.ask.outputs.where }}"}
"""
TWO = """
name: two
tasks:
  ask: {uses: approval, with: {message: Both?, approvers: [ana, ben], require: 2, expires: 1h}}
"""
SOON = """
name: soon
tasks:
  ask: {uses: approval, with: {message: Quick?, approvers: [ana], expires: 2s}}
  late: {needs: ask.expired, run: echo too late}
"""


@pytest.fixture
def folder(tmp_path):
    files = {"project.yaml": PROJECT, "one.yaml": ONE, "form.yaml": FORM, "two.yaml": TWO, "soon.yaml": SOON}
    write(tmp_path, files)
    return tmp_path


def test_it_is_asked_and_approved(folder):
    with terminal(folder, "one.yaml", "--as", "ana") as shown:
        seen = shown.until(r"eave it open\? ")
        assert "? ask: Ship it?\n  Now?\n  as ana: (a)pprove, (r)eject, (l)eave it open? " in seen
        assert (shown.screen.cursor, shown.echoes()) == (True, True)
        shown.type("what\n")
        shown.until(r"(?s)eave it open\? .*eave it open\? ")
        shown.type("a\n")
        shown.until("comment")
        shown.type("\n")
        end = shown.end()
    assert shown.status == 0
    assert "ask is approved as ana" in end
    assert "✓ ship" in end


def test_it_is_rejected_with_a_reason(folder):
    with terminal(folder, "one.yaml", "--as", "ana", "--plain") as shown:
        shown.until(r"eave it open\? ")
        shown.type("reject\n")
        shown.until("comment")
        shown.type("not on a Friday\n")
        end = shown.end()
    assert shown.status == 0
    assert "no | because not on a Friday" in end


def test_who_may_not_decide_answers_for_one_who_may(folder):
    with terminal(folder, "two.yaml", "--as", "cleo") as shown:
        shown.until("as whom, ana, ben")
        shown.type("cleo\n")
        shown.until("(?s)as whom.*as whom")
        shown.type("ben\n")
        shown.until(r"as ben: .*eave it open\? ")
        shown.type("a\n")
        shown.until("comment")
        shown.type("\n")
        seen = shown.until(r"as ana: .*eave it open\? ")
        assert "2 have to approve; ben approved" in seen
        shown.type("a\n")
        shown.until("(?s)comment.*comment")
        shown.type("\n")
        shown.end()
    assert shown.status == 0


def test_a_form_is_filled_in_by_its_schema(folder):
    with terminal(folder, "form.yaml", "--as", "ana") as shown:
        shown.until(r"eave it open\? ")
        shown.type("a\n")
        shown.until(r"ticket \(string\): ")
        shown.type("nonsense\n")
        shown.until(r"count \(integer\) \[2\]: ")
        shown.type("\n")
        shown.until(r"where \(eu \| us\): ")
        shown.type("eu\n")
        shown.until("comment")
        shown.type("\n")
        shown.until(r'(?s)ticket: "nonsense" does not match.*eave it open\? ')
        for answer, then in (
            ("a", r"(?s)does not match.*ticket"),
            ("CHG-7", "(?s)CHG-7.*count"),
            ("3", "(?s)3\n.*where"),
        ):
            shown.type(f"{answer}\n")
            shown.until(then)
        shown.type("us\n")
        shown.until("(?s)us\n.*comment")
        shown.type("\n")
        end = shown.end()
    assert shown.status == 0
    assert "CHG-7" in end
    assert "3" in end


@pytest.mark.parametrize("typed", ["l\n", "\x04"])
def test_what_is_left_open_ends_the_run_as_if_nobody_were_there(folder, typed):
    with terminal(folder, "one.yaml", "--as", "ana") as shown:
        shown.until(r"eave it open\? ")
        shown.type(typed)
        end = shown.end()
    assert shown.status == 3
    assert "it was left open" in end


def test_ctrl_c_at_a_question_cancels(folder):
    with terminal(folder, "one.yaml", "--as", "ana") as shown:
        shown.until(r"eave it open\? ")
        shown.type("\x03")
        end = shown.end()
    assert shown.status == 3
    assert "cancelled by headrace run: SIGINT at the terminal" in end


def test_a_question_whose_time_is_over_is_withdrawn(folder):
    with terminal(folder, "soon.yaml", "--as", "ana") as shown:
        shown.until(r"eave it open\? ")
        end = shown.end()
    assert shown.status == 0
    assert "✓ late" in end


def test_the_time_of_the_run_is_over_at_a_question(folder):
    with terminal(folder, "one.yaml", "--as", "ana", "--timeout", "2s") as shown:
        shown.until(r"eave it open\? ")
        shown.end()
    assert shown.status == 3
