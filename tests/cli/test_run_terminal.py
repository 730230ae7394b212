"""`headrace run` where somebody watches: the tree that moves, in windows of every size, and what is typed meanwhile."""

from __future__ import annotations

import re

import pytest

from tests.cli.running import write
from tests.cli.terminal import Screen, terminal

STEPS = """
name: steps
tasks:
  first: {run: 'echo one; printf "\\033[2J\\033]0;evil\\007日本語 two\\n"; until test -e go; do sleep 0.05; done', working_directory: FOLDER}
  each:
    for_each: [a, b, c]
    key: item
    tasks:
      inner: {run: 'echo "in $I"', env: {I: "${{ item }}"}}
  last: {needs: [first, each], run: 'echo end'}
"""
SLOW = """
name: slow
tasks:
  work: {run: "trap 'exit 5' TERM; echo working; sleep 300 & wait"}
finally:
  clean: {run: echo cleaning}
"""


@pytest.fixture
def folder(tmp_path):
    write(tmp_path, {"steps.yaml": STEPS.replace("FOLDER", str(tmp_path)), "slow.yaml": SLOW})
    return tmp_path


def test_the_tree_shows_what_runs_with_its_last_lines_and_leaves_the_summary(folder):
    with terminal(folder, "steps.yaml") as shown:
        seen = shown.until(r"(?s)日本語 two.*\[c\]/inner +succeeded")
        assert re.search(r"^● first +running  [\d.]+ m?s$", seen, re.MULTILINE)
        assert "\n  │ one\n  │ 日本語 two\n" in seen
        assert re.search(r"^✓ each +succeeded  [\d.]+ m?s  3 of 3 items ended$", seen, re.MULTILINE)
        assert re.search(r"^✓   \[a\]/inner ", seen, re.MULTILINE)
        assert re.search(r"^○ last *$", seen, re.MULTILINE)
        assert re.search(r"^steps running [\d.]+ m?s, 1 of 3 tasks ended. Ctrl-C cancels.$", seen, re.MULTILINE)
        assert (shown.screen.cursor, shown.echoes()) == (False, False)
        (folder / "go").touch()
        end = shown.end()
    assert shown.status == 0
    assert end.startswith("\n✓ first")
    assert "running" not in end
    assert re.search(r"\n\n✓ steps succeeded in .*\n$", end)
    assert shown.screen.cursor
    assert not re.search(r"\x1b(?!\[[?0-9;]*[AJmhl])|[\x00-\x09\x0b\x0c\x0e-\x1a\x1c-\x1f\x7f]", shown.raw)


def test_a_window_may_change_its_size(folder):
    with terminal(folder, "steps.yaml", columns=100) as shown:
        shown.until(r"(?s)日本語 two.*\[c\]/inner +succeeded")
        for columns, rows in ((30, 24), (18, 40), (60, 24), (25, 30)):
            shown.resize(columns, rows)
            shown.until(rf"^(.{{0,{columns - 1}}}\n)+$")  # drawn anew, each line in one row
        assert shown.screen.text.count("first") == 1
        (folder / "go").touch()
        end = shown.end()
    assert shown.status == 0
    assert "running" not in end
    assert "│" not in end


@pytest.mark.parametrize(("columns", "rows"), [(20, 24), (80, 5), (2, 2)])
def test_small_windows_show_what_fits(folder, columns, rows):
    with terminal(folder, "steps.yaml", columns=columns, rows=rows) as shown:
        shown.until("first|●|…")
        (folder / "go").touch()
        shown.end()
    assert shown.status == 0
    assert shown.screen.tallest < rows


def test_of_many_items_those_that_run_and_those_that_failed_are_shown(folder):
    many = """
name: many
tasks:
  each: {for_each: 'lists.range(60)', max_parallel: 2, run: 'test "$I" != 3 || exit 1; test "$I" != 50 || until test -e go; do sleep 0.05; done', working_directory: FOLDER, env: {I: "${{ string(item) }}"}}
"""
    write(folder, {"many.yaml": many.replace("FOLDER", str(folder))})
    with terminal(folder, "many.yaml", rows=12) as shown:
        # Until the frame is whole: an item that was read before the number that counts it still runs in one.
        seen = shown.until(r"59 of 60 items ended, 1 not well(\n.* \[(3|50)\] .*)*\nmany")
        assert re.search(r"^● each +running", seen, re.MULTILINE)
        assert re.search(r"^✗   \[3\] +failed .* exit: the script ended with exit code 1$", seen, re.MULTILINE)
        assert re.search(r"^●   \[50\] +running", seen, re.MULTILINE)
        assert len(seen.splitlines()) == 4
        (folder / "go").touch()
        shown.end()
    assert shown.status == 1


@pytest.mark.parametrize("settings", [{"CI": "true"}, {"TERM": "dumb"}])
def test_where_nothing_can_be_drawn_it_is_told(folder, settings):
    (folder / "go").touch()
    with terminal(folder, "steps.yaml", **settings) as shown:
        end = shown.end()
    assert re.match(r"\d\d:\d\d:\d\d first started\n", end)
    assert "\x1b" not in shown.raw


def test_lines_can_be_asked_for_and_colours_refused(folder):
    (folder / "go").touch()
    with terminal(folder, "steps.yaml", "--plain", NO_COLOR="1") as shown:
        assert "first | one\n" in shown.end()
    assert "\x1b" not in shown.raw


def test_ctrl_c_cancels(folder):
    with terminal(folder, "slow.yaml") as shown:
        shown.until("│ working")
        shown.type("\n\nx\x03")
        seen = shown.until("(?s)stops at once.*finally/clean")
        assert seen.count("slow running") <= 1
        end = shown.end()
    assert shown.status == 3
    assert end.startswith("cancelling: what runs is stopped, `finally` still runs (Ctrl-C again stops at once)\n")
    assert "finally/clean  succeeded" in end


def test_ctrl_c_twice_stops_and_leaves_the_terminal_as_it_was(folder):
    write(folder, {"slow.yaml": SLOW.replace("'exit 5'", "''")})
    with terminal(folder, "slow.yaml") as shown:
        shown.until("│ working")
        shown.type("\x03")
        shown.until("cancelling")
        shown.type("\x03")
        assert "stopped at once" in shown.end()
        assert (shown.status, shown.screen.cursor) == (130, True)


def test_the_screen_of_these_tests_is_one():
    screen = Screen(10, 5)
    screen.feed("0123456789abc\nxy\n")
    screen.columns = 5
    screen.feed("\x1b[2A\x1b[J")  # the last row of what wrapped, and the row below it
    assert screen.text == "0123456789"
    screen.columns = 20
    screen.feed("\r!")
    assert screen.text == "!123456789"
