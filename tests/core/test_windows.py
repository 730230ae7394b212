"""More child scopes than one transaction takes: told in windows, each of which may be lost, doubled or too late."""

from __future__ import annotations

import pytest

from engine.core.events import AttemptUnclaimed, from_json
from tests.core.nest import Nest

pytestmark = pytest.mark.usefixtures("small_windows")
LOOP = "tasks:\n  x: {for_each: [1, 2, 3, 4, 5], tasks: {a: {ACT}, b: {needs: a, ACT}}}\n"
ITEMS = range(5)


class Slow(Nest):
    """What is put off happens when the test says so."""

    def go(self) -> None:
        pass

    def all_go(self) -> None:
        super().go()


def begun() -> Slow:
    nest = Slow(LOOP)
    assert nest.asked == ["x[0]/a", "x[1]/a"]
    nest.all_go()
    assert len(nest.asked) == 5
    return nest


def check(nest: Slow) -> None:
    """Somebody looks whether all have been told."""
    nest.now = nest.run("x")["timers"]["check"]
    nest.take("", AttemptUnclaimed(task="x", attempt=nest.run("x")["attempt"], at=nest.now))
    nest.all_go()


def failed() -> Slow:
    nest = begun()
    nest.succeed(*(f"x[{item}]/a" for item in ITEMS))
    nest.fail(*(f"x[{item}]/b" for item in ITEMS))
    nest.retry()
    assert nest.asked == ["x[0]/b", "x[1]/b"]
    return nest


def finish(nest: Slow) -> None:
    nest.all_go()
    nest.succeed(*nest.asked)
    assert "telling" not in nest.run("x")
    nest.check_end()


def test_retrying_goes_on_in_windows():
    nest = failed()
    nest.all_go()
    assert len(nest.asked) == 5
    finish(nest)
    assert nest.outcome() == "succeeded"


def test_a_window_of_a_retry_that_was_lost_is_made_up_for_and_nobody_is_retried_twice():
    nest = failed()
    nest.later.clear()
    nest.fail("x[0]/b")
    check(nest)
    assert nest.asked == [f"x[{item}]/b" for item in (1, 2, 3, 4)]
    finish(nest)
    assert (nest.outcome(), nest.run("x[0]/b")["attempt"]) == ("failed", 2)


def test_a_window_of_a_retry_that_comes_twice_retries_nobody_twice():
    nest = failed()
    window = nest.later[0]
    nest.all_go()
    nest.fail("x[2]/b")
    nest.take(window.scope, from_json(window.event, nest.now))
    nest.all_go()
    assert nest.run("x[2]/b")["attempt"] == 2
    finish(nest)


def test_cancelling_in_the_midst_of_a_retry_leaves_those_alone_that_were_not_told():
    nest = failed()
    nest.cancel()
    nest.all_go()
    assert nest.told_to_stop == ["x[0]/b", "x[1]/b"]
    nest.stopped("x[0]/b", "x[1]/b")
    nest.all_go()
    assert (nest.outcome("x"), nest.outcome("x[4]"), nest.outcome()) == ("cancelled", "failed", "cancelled")
    nest.check_end()


@pytest.mark.parametrize("lost", [False, True])
def test_resuming_goes_on_in_windows(lost):
    nest = begun()
    nest.pause()
    nest.succeed(*(f"x[{item}]/a" for item in ITEMS))
    nest.resume()
    assert nest.asked == ["x[0]/b", "x[1]/b"]
    if lost:
        nest.later.clear()
        check(nest)
    nest.all_go()
    assert len(nest.asked) == 5
    finish(nest)


def test_a_window_of_a_cancellation_that_was_lost_is_made_up_for():
    nest = begun()
    nest.cancel()
    assert nest.told_to_stop == ["x[0]/a", "x[1]/a"]
    nest.later.clear()
    nest.stopped("x[0]/a")
    check(nest)
    assert nest.told_to_stop == [f"x[{item}]/a" for item in (1, 2, 3, 4)]
    nest.stopped(*nest.told_to_stop)
    assert nest.outcome() == "cancelled"
    nest.check_end()


SAGA = (
    "tasks:\n"
    "  x: {for_each: [1, 2, 3, 4, 5], tasks: {a: {uses: values, with: {n: 1}, compensate: {uses: values, with: {}}}}}\n"
    "  y: {needs: x, ACT}\n"
)


def undone(nest: Slow) -> list[str]:
    return [path for path, state in nest.scopes.items() if state.get("undone")]


def undoing() -> Slow:
    nest = Slow(SAGA)
    nest.all_go()
    nest.fail("y")
    while nest.later[0].event.get("what") != "undo":
        nest.go_on()
    return nest


def test_what_is_undone_at_once_is_undone_in_windows():
    nest = undoing()
    seen = []
    while nest.later:
        assert nest.outcome() == "compensating"
        before = len(undone(nest))
        nest.go_on()
        seen.append(len(undone(nest)) - before)
    assert (sum(seen), max(seen)) == (5, 1), "each has a compensation besides: two scopes"
    assert nest.outcome() == "failed"
    assert "timers" not in nest.run("x")
    nest.check_end()


def test_a_window_of_the_undoing_that_was_lost_is_made_up_for():
    nest = undoing()
    (lost,) = nest.later
    nest.later.clear()
    assert [command for command in nest._outstanding() if command.type == "GoOn"] == [lost]
    check(nest)
    assert nest.outcome() == "failed"
    assert len(undone(nest)) == 5
    nest.check_end()


def test_a_window_of_the_undoing_that_comes_twice_or_too_late_undoes_nothing_twice():
    nest = undoing()
    (window,) = nest.later
    nest.go_on()
    before = undone(nest)
    nest.take(window.scope, from_json(window.event, nest.now))
    assert undone(nest) == before
    nest.all_go()
    nest.take(window.scope, from_json(window.event, nest.now))
    assert len(undone(nest)) == 5
    nest.check_end()


def test_a_pause_between_two_windows_of_the_undoing_holds_what_is_undone_next():
    nest = Slow(SAGA.replace("compensate: {uses: values, with: {}}", "compensate: {ACT}"))
    nest.all_go()
    nest.fail("y")
    while not nest.asked:
        nest.go_on()
    nest.succeed(*nest.asked)
    nest.pause()
    nest.all_go()
    assert nest.asked == []
    nest.resume()
    nest.all_go()
    while nest.asked:
        nest.succeed(*nest.asked)
        nest.all_go()
    assert nest.outcome() == "failed"
    assert len(undone(nest)) == 5
    nest.check_end()


def test_a_retry_keeps_to_max_parallel():
    nest = Nest("tasks:\n  x: {for_each: [1, 2, 3, 4, 5, 6], max_parallel: 2, ACT}\n")
    while nest.asked:
        nest.fail(*nest.asked)
    nest.retry("x[5]")
    ran = []
    while nest.asked:
        assert len(nest.asked) <= 3, "the one that is named, and two"
        ran += nest.asked[:1]
        (nest.fail if len(ran) == 2 else nest.succeed)(nest.asked[0])
    assert sorted(ran) == [f"x[{item}]" for item in range(6)]
    assert nest.outcome("x") == "failed"
    nest.retry()
    assert len(nest.asked) == 1
    nest.succeed(*nest.asked)
    assert nest.outcome() == "succeeded"
    nest.check_end()


def test_fail_fast_in_the_midst_of_a_retry_leaves_those_alone_that_were_not_told():
    nest = Nest(
        "tasks:\n  x: {for_each: [1, 2, 3], max_parallel: 1, fail_fast: true, ACT}\n  y: {for_each: [1, 2, 3], max_parallel: 1, ACT}\n"
    )
    nest.fail("x[0]", "y[0]", "y[1]", "y[2]")
    nest.retry()
    assert nest.asked == ["x[0]", "y[0]"]
    nest.fail("x[0]")
    assert nest.outcome("x") == "failed"
    nest.succeed("y[0]", "y[1]", "y[2]")
    assert nest.outcome() == "failed"
    nest.check_end()


def test_items_whose_loop_is_stopped_at_the_moment_of_the_retry_do_not_go_on():
    nest = Nest(
        "fail_fast: true\n"
        "tasks:\n"
        "  x: {for_each: [1, 2, 3], ACT}\n"
        "  y: {needs: x.done, ACT}\n"
        "  z: {needs: x.done, uses: fail, with: {message: 'no'}}\n"
    )
    nest.fail("x[0]", "x[1]", "x[2]")
    assert nest.outcome() == "failed"
    nest.retry()
    nest.fail("x[0]", "x[1]", "x[2]")
    nest.check_end()
    nest = Nest(
        "fail_fast: true\ntasks:\n  z: {ACT}\n  x: {for_each: [1, 2, 3], ACT}\n  f: {needs: z, uses: fail, with: {message: 'no'}}\n"
    )
    nest.fail("x[0]", "x[1]")
    nest.succeed("z")
    nest.stopped("x[2]")
    nest.retry()
    assert (nest.outcome("x"), nest.outcome(), nest.asked) == ("cancelled", "failed", [])
    nest.check_end()


@pytest.mark.parametrize("more", ["", "max_parallel: 3, "])
def test_a_pause_in_the_midst_of_a_retry_forgets_nobody_who_was_not_told_yet(more):
    nest = Slow(LOOP.replace("tasks: {a", f"{more}tasks: {{a"))
    nest.all_go()
    while nest.asked:
        nest.fail(nest.asked[0])
        nest.all_go()
    nest.retry()
    nest.pause()
    nest.resume()
    nest.all_go()
    for _ in ITEMS:
        nest.succeed(*nest.asked)
        nest.all_go()
    nest.succeed(*nest.asked)
    assert nest.outcome() == "succeeded"
    nest.check_end()


def test_a_retry_that_has_been_told_to_all_leaves_a_resumption_to_be_told_to_the_rest():
    nest = Slow(LOOP)
    nest.all_go()
    nest.fail(*nest.asked)
    nest.retry()
    nest.pause()
    nest.go_on()  # the next two are told, and held
    nest.resume()
    nest.all_go()
    assert nest.asked == [f"x[{item}]/a" for item in ITEMS]


def test_the_next_window_is_asked_for_after_a_pause_that_was_told_in_windows():
    """What checks whether all have been told must not be taken for a window that is on its way."""
    nest = Nest("tasks:\n  x: {for_each: 'lists.range(7)', max_parallel: 3, tasks: {t: {ACT}}}\n")
    nest.succeed("x[0]/t", "x[1]/t", "x[2]/t")
    nest.pause()
    nest.resume()
    nest.succeed("x[3]/t", "x[4]/t", "x[5]/t")
    assert nest.asked == ["x[6]/t"]


RUN_ON = "tasks:\n  x: {for_each: [1, 2, 3, 4, 5], enough: 1, rest: run_on, tasks: {a: {ACT}, b: {needs: a, ACT}}}\n"


def resumed_and_over() -> Slow:
    """A pause is over and not all have heard of it, when the loop has what it needs and leaves the rest to run on."""
    nest = Slow(RUN_ON)
    nest.all_go()
    nest.pause()
    nest.succeed(*(f"x[{item}]/a" for item in ITEMS))
    nest.resume()
    assert nest.asked == ["x[0]/b", "x[1]/b"]
    nest.succeed("x[0]/b")
    assert nest.outcome("x") == "succeeded"
    return nest


def run_on(nest: Slow) -> None:
    """The rest has heard of it."""
    assert nest.asked == [f"x[{item}]/b" for item in ITEMS[1:]]
    assert nest.outcome("x") == "succeeded"
    assert "timers" not in nest.run("x")
    finish(nest)
    assert nest.outcome() == "succeeded"


def test_a_pause_is_over_also_for_those_that_run_on():
    nest = resumed_and_over()
    nest.all_go()
    run_on(nest)


def test_those_that_run_on_hear_of_it_when_the_message_is_lost():
    nest = resumed_and_over()
    nest.later.clear()
    check(nest)
    run_on(nest)


def test_those_that_run_on_are_told_in_windows_when_the_loop_was_over_before_the_pause():
    nest = Slow(RUN_ON)
    nest.all_go()
    nest.succeed("x[0]/a", "x[0]/b")
    nest.pause()
    nest.succeed(*(f"x[{item}]/a" for item in ITEMS[1:]))
    nest.resume()
    nest.later.clear()
    check(nest)
    run_on(nest)


def test_those_that_run_on_may_end_before_all_have_heard_of_it():
    nest = Slow(RUN_ON)
    nest.all_go()
    nest.pause()
    nest.succeed(*(f"x[{item}]/a" for item in ITEMS[:2]))
    nest.resume()
    nest.succeed("x[0]/b", "x[1]/b")
    nest.succeed(*(f"x[{item}]/a" for item in ITEMS[2:]))
    nest.succeed(*(f"x[{item}]/b" for item in ITEMS[2:]))
    assert "telling" not in nest.run("x")
    assert "timers" not in nest.run("x")
    nest.all_go()
    nest.check_end()


def test_what_is_undone_where_one_item_ends_the_loop_hears_that_the_pause_is_over():
    nest = Slow(
        "tasks:\n  x: {for_each: [1, 2, 3, 4, 5], fail_fast: true, tasks: {a: {ACT, compensate: {ACT}}, b: {needs: a, ACT}}}\n"
    )
    nest.all_go()
    nest.succeed(*(f"x[{item}]/a" for item in ITEMS))
    nest.pause()
    nest.fail("x[3]/b", "x[4]/b")
    nest.resume()
    nest.go_on()
    assert nest.asked[-1] == "x[3]/a/compensate"
    nest.succeed("x[3]/a/compensate")
    assert nest.run("x")["items"]["closed"]
    nest.all_go()
    assert "x[4]/a/compensate" in nest.asked
    nest.stopped("x[0]/b", "x[1]/b", "x[2]/b")
    while nest.asked:
        nest.succeed(*nest.asked)
        nest.all_go()
    assert nest.outcome() == "failed"
    nest.check_end()
