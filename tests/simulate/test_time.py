"""Virtual time: what comes when, what comes first, and that it never runs for ever."""

from __future__ import annotations

import pytest

from engine.simulate import case as case_module
from engine.simulate.clock import Clock, next_due
from tests.simulate.playing import played, problems


def test_things_happen_in_the_order_of_their_times_and_then_of_their_coming():
    seen: list[str] = []
    clock = Clock(100, lambda place: seen.append(f"{clock.now} timer {place[1]}"))
    clock.put(5, lambda: seen.append(f"{clock.now} second"))
    clock.put(0, lambda: seen.append(f"{clock.now} first"))
    clock.put(5, lambda: seen.append(f"{clock.now} third"))
    clock.watch(("i", "s"), 105)
    clock.watch(("i", "t"), 101)
    while clock.next_at() is not None:
        clock.step()
    assert seen == ["100 first", "101 timer t", "105 second", "105 third", "105 timer s"]


def test_a_timer_that_was_moved_or_taken_away_rings_no_more():
    seen: list[int] = []
    clock = Clock(0, lambda _place: seen.append(clock.now))
    clock.watch(("i", "s"), 5)
    clock.watch(("i", "s"), 9)
    clock.watch(("i", "t"), 3)
    clock.watch(("i", "t"), None)
    clock.watch(("i", "u"), None)
    while clock.next_at() is not None:
        clock.step()
    assert seen == [9]
    assert clock.now == 9


def test_time_never_goes_back():
    clock = Clock(10, lambda _place: None)
    clock.watch(("i", "s"), 4)
    clock.step()
    assert clock.now == 10


def test_timers_that_stand_in_for_what_is_lost_never_come_due():
    state = {
        "status": "running",
        "at": 0,
        "started_at": 0,
        "timers": {"slot": 1, "timeout": 9},
        "tasks": {"a": {"state": "queued", "timers": {"check": 1, "gate": 2, "retry": 7}}},
    }
    assert next_due(state) == 7


LONG = """\
    timeout: 30d
    tasks:
      a: {uses: wait, with: {for: 7d}}
      b: {needs: a, uses: wait, with: {until: "2030-01-09T00:00:00Z"}}
      c: {needs: b, run: x, deadline: 5h, retry: {max_attempts: 5, delay: 5m, backoff: 1}}
"""


@pytest.mark.parametrize(
    ("mock", "expect"),
    [
        ("{}", "{state: succeeded, duration: {at_least: 8d, at_most: 8d}}"),
        ("{error: no}", "{state: failed, duration: {at_least: 8d, at_most: 8d5h}}"),
        ("[{error: no}, {}]", "{state: succeeded, attempts: {c: 2}, duration: {at_least: 8d4m, at_most: 8d6m}}"),
        ("{after: 30d}", "{state: failed, outcomes: {c: cancelled}, duration: {at_least: 30d, at_most: 30d}}"),
    ],
)
def test_weeks_take_no_time(mock, expect):
    workflow = LONG.replace(", deadline: 5h", "") if "30d" in mock else LONG
    assert problems(workflow, f"- {{name: x, mocks: {{c: {mock}}}, expect: {expect}}}") == []


def test_somebody_may_cancel_it_at_any_time_that_it_lives():
    cases = """\
        - {name: while it waits, cancel: {after: 3d, reason: enough}, expect: {state: cancelled, outcomes: {a: cancelled, b: skipped}, duration: {at_most: 3d}}}
        - {name: too late, mocks: {c: {}}, cancel: {after: 9d}, expect: {state: succeeded}}
    """
    assert problems(LONG, cases) == ["the instance had ended before it was to be cancelled"]


def test_a_case_that_does_not_end_is_told_of_when_its_time_is_over():
    cases = "- {name: x, timeout: 6d, expect: {}}"
    assert problems(LONG, cases) == ["the instance does not end; it waits at a (waiting)"]


def test_a_loop_without_end_is_cut(monkeypatch):
    monkeypatch.setattr(case_module, "MOST_STEPS", 50)
    workflow = "tasks: {a: {repeat: {until: iteration == 100, max_iterations: 100}, run: x}}\n"
    assert problems(workflow, "- {name: x, mocks: {'a#*': {}}, expect: {}}") == ["it does not end: 50 things happened"]


def test_what_happened_is_told_with_its_time():
    report = played(LONG, "- {name: x, mocks: {c: [{kind: exit, error: no}, {after: 1m}]}, expect: {state: failed}}")
    (case,) = report.cases
    told = [line.split(None, 1) for line in case.timeline]
    assert [said for _, said in told] == [
        "a: succeeded",
        "b: succeeded",
        "c: attempt 1 failed (exit: no)",
        "c: succeeded",
    ]
    assert [at for at, _ in told][:3] == ["+7d", "+8d", "+8d"]
