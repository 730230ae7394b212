"""`for_each`: a scope for each item (LANGUAGE, "Scopes")."""

from __future__ import annotations

import pytest

from engine.core.events import AttemptUnclaimed, TaskCancelled
from engine.core.items import WINDOW
from tests.core.nest import Nest


def test_outputs_stand_in_the_order_of_the_items_whatever_order_they_end_in():
    nest = Nest(
        "tasks:\n  x: {for_each: ['b', 'a', 'c'], key: item, ACT}\n"
        "  all: {needs: x, uses: values, with: {all: '${{ tasks.x.outputs }}'}}\n"
    )
    assert nest.asked == ["x[b]", "x[a]", "x[c]"]
    for key in "cab":
        nest.succeed(f"x[{key}]", outputs={"k": key})
    assert nest.run("all")["outputs"] == {"all": [{"k": "b"}, {"k": "a"}, {"k": "c"}]}
    nest.check_end()


def test_an_item_that_does_not_succeed_is_null_and_fails_the_whole():
    nest = Nest(
        "tasks:\n  x: {for_each: [1, 2, 3], tasks: {a: {ACT}}, outputs: {n: '${{ item }}'}}\n"
        "  all: {needs: x.failed, uses: values, with: {all: '${{ tasks.x.?outputs.orValue([]) }}', kind: '${{ tasks.x.error.kind }}'}}\n"
    )
    nest.succeed("x[0]/a", "x[2]/a")
    nest.fail("x[1]/a")
    assert nest.run("all")["outputs"] == {"all": [{"n": 1}, None, {"n": 3}], "kind": "items"}
    error = nest.run("x")["error"]
    assert error["message"] == "1 of 3 items did not succeed; first x[1]/a: x[1]/a broke"
    assert error["details"]["failures"][0]["path"] == "x[1]/a"
    assert nest.outcome() == "succeeded"
    nest.check_end()


@pytest.mark.parametrize(
    ("items", "expected"),
    [
        ("'inputs.list'", [3, 1, 2]),
        ("'inputs.map'", [{"key": "a", "value": 1}, {"key": "b", "value": 2}]),
        ("[1, '${{ inputs.list.size() }}']", [1, 3]),
        ("{product: {os: [l, m], py: [1, 2]}, exclude: [{os: m, py: 1}], include: [{os: w}, {os: l, py: 1}]}",
         [{"os": "l", "py": 1}, {"os": "l", "py": 2}, {"os": "m", "py": 2}, {"os": "w"}]),
    ],
)  # fmt: skip
def test_items_are_given_as_a_list_a_map_or_a_product(items, expected):
    nest = Nest(
        "inputs: {list: {type: array}, map: {type: object}}\n"
        f"tasks:\n  x: {{for_each: {items}, uses: values, with: {{v: '${{{{ item }}}}', i: '${{{{ index }}}}'}}}}\n"
        "  all: {needs: x, uses: values, with: {all: '${{ tasks.x.outputs }}'}}\n",
        list=[3, 1, 2],
        map={"b": 2, "a": 1},
    )
    found = nest.run("all")["outputs"]["all"]
    assert found == [{"v": value, "i": index} for index, value in enumerate(expected)]
    nest.check_end()


def test_an_empty_list_succeeds_at_once():
    nest = Nest("tasks:\n  x: {for_each: [], enough: 2, ACT}\n  y: {needs: x, ACT}\n")
    assert (nest.outcome("x"), nest.run("x")["outputs"], nest.asked) == ("succeeded", [], ["y"])


@pytest.mark.parametrize(
    ("items", "message"),
    [
        ("['a', 'a']", "two items have the key 'a'"),
        ("['a', 'b/c']", "the key of item 1 must be"),
        ("['']", "the key of item 0 must be"),
        ("[1.5]", "the key of item 0 must be"),
    ],
)
def test_keys_that_are_no_keys_or_doubled_fail_the_task(items, message):
    nest = Nest(f"tasks:\n  x: {{for_each: {items}, key: item, ACT}}\n")
    assert nest.outcome("x") == "failed"
    assert message in nest.run("x")["error"]["message"]
    nest.check_end()


def test_what_is_no_list_fails_the_task():
    nest = Nest("inputs: {n: {}}\ntasks:\n  x: {for_each: inputs.n, ACT}\n", n=3)
    assert (nest.outcome("x"), nest.run("x")["error"]["kind"]) == ("failed", "invalid")
    nest.check_end()


def test_no_more_than_max_parallel_run_at_once():
    nest = Nest("tasks:\n  x: {for_each: [1, 2, 3, 4], max_parallel: 2, ACT}\n")
    assert nest.asked == ["x[0]", "x[1]"]
    nest.succeed("x[1]")
    assert nest.asked == ["x[0]", "x[2]"]
    nest.fail("x[2]")
    nest.succeed("x[0]", "x[3]")
    assert nest.outcome("x") == "failed"
    nest.check_end()


def test_fail_fast_stops_the_other_items_and_opens_no_more():
    nest = Nest(
        "tasks:\n  x: {for_each: [1, 2, 3, 4], max_parallel: 3, fail_fast: true, ACT}\n  mend: {needs: x.failed, ACT}\n"
    )
    nest.fail("x[0]")
    assert nest.told_to_stop == ["x[1]", "x[2]"]
    nest.stopped("x[1]")
    nest.succeed("x[2]")
    assert (nest.outcome("x"), "x[3]" in nest.scopes) == ("failed", False)
    nest.succeed("mend")
    assert nest.outcome() == "succeeded"
    nest.check_end()


def test_fail_fast_of_the_scope_waits_for_the_end_of_the_loop():
    nest = Nest("fail_fast: true\ntasks:\n  x: {for_each: [1, 2], ACT}\n  side: {ACT}\n")
    nest.fail("x[0]")
    assert nest.told_to_stop == []
    nest.succeed("x[1]")
    assert nest.told_to_stop == ["side"]
    nest.stopped("side")
    assert nest.failures == [("x", "failed")]
    nest.check_end()


def test_enough_cancels_the_rest_and_an_item_that_was_cancelled_gives_nothing():
    nest = Nest(
        "tasks:\n  x: {for_each: [1, 2, 3, 4], enough: 2, ACT}\n"
        "  y: {needs: x, uses: values, with: {n: '${{ tasks.x.outputs.map(o, o != null) }}'}}\n"
    )
    nest.fail("x[0]")
    nest.succeed("x[1]", "x[3]")
    assert (nest.outcome("x"), nest.told_to_stop) == ("running", ["x[2]"])
    nest.succeed("x[2]")
    assert nest.run("y")["outputs"] == {"n": [False, True, False, True]}
    assert (nest.run("x[2]")["state"], nest.scopes["x[2]"]["outcome"]) == ("succeeded", "cancelled")
    assert nest.outcome() == "succeeded"
    nest.check_end()


def test_enough_with_run_on_ends_the_task_and_the_scope_waits_for_the_rest():
    nest = Nest(
        "tasks:\n  x: {for_each: [1, 2, 3], enough: 1, rest: run_on, ACT}\n"
        "  y: {needs: x, uses: values, with: {n: '${{ tasks.x.outputs.map(o, o != null) }}'}}\n"
    )
    nest.succeed("x[1]")
    assert (nest.outcome("x"), nest.run("y")["outputs"]) == ("succeeded", {"n": [False, True, False]})
    assert (nest.outcome(), nest.asked) == ("running", ["x[0]", "x[2]"])
    nest.fail("x[0]")
    nest.succeed("x[2]")
    assert nest.outcome() == "succeeded", "what runs on does not count any more"
    nest.check_end()


def test_what_runs_on_is_cancelled_with_its_scope():
    nest = Nest("tasks:\n  x: {for_each: [1, 2, 3], enough: 1, rest: run_on, ACT}\n  y: {needs: x, ACT}\n")
    nest.succeed("x[0]")
    nest.cancel()
    assert nest.told_to_stop == ["y", "x[1]", "x[2]"]
    nest.stopped("x[1]", "x[2]", "y")
    assert (nest.outcome("x"), nest.outcome()) == ("succeeded", "cancelled")
    nest.check_end()


def test_too_few_successes_for_enough_fail_the_task_once_all_have_ended():
    nest = Nest("tasks:\n  x: {for_each: [1, 2], enough: 2, ACT}\n")
    nest.fail("x[0]")
    assert nest.outcome("x") == "running"
    nest.succeed("x[1]")
    assert nest.run("x")["error"]["message"].startswith("1 of 2 items did not succeed, 2 had to succeed")
    nest.check_end()


def test_a_condition_is_evaluated_once_without_the_item():
    nest = Nest("inputs: {go: {type: boolean}}\ntasks:\n  x: {if: inputs.go, for_each: [1, 2], ACT}\n", go=False)
    assert (nest.outcome("x"), list(nest.scopes)) == ("skipped", [""])
    assert "outputs" not in nest.run("x")
    nest.check_end()


def test_an_item_over_its_timeout_fails_alone():
    nest = Nest("tasks:\n  x: {for_each: [1, 2], timeout: 10s, tasks: {a: {ACT}, b: {needs: a, ACT}}}\n")
    nest.succeed("x[1]/a")
    nest.succeed("x[1]/b")
    nest.pass_(10_000)
    nest.stopped("x[0]/a")
    assert (nest.outcome("x[0]"), nest.outcome("x[1]"), nest.outcome("x")) == ("failed", "succeeded", "failed")
    assert "x[0]: the scope x[0] took longer than 10 s" in nest.run("x")["error"]["message"]
    nest.check_end()


def test_over_its_deadline_the_whole_fails_and_opens_no_more():
    nest = Nest("tasks:\n  x: {for_each: [1, 2, 3], max_parallel: 1, deadline: 10s, ACT}\n")
    nest.succeed("x[0]")
    nest.pass_(10_000)
    assert nest.told_to_stop == ["x[1]"]
    nest.stopped("x[1]")
    assert (nest.outcome("x"), nest.run("x")["error"]["kind"], "x[2]" in nest.scopes) == ("failed", "timeout", False)
    nest.check_end()


def test_cancelled_items_make_a_cancelled_task():
    nest = Nest("tasks:\n  x: {for_each: [1, 2, 3], max_parallel: 2, ACT}\n")
    nest.succeed("x[0]")
    nest.cancel()
    nest.stopped("x[1]", "x[2]")
    assert (nest.outcome("x"), nest.outcome()) == ("cancelled", "cancelled")
    nest.check_end()


def test_what_an_item_did_in_spite_of_being_cancelled_is_undone_with_it():
    nest = Nest("tasks:\n  x: {for_each: [1, 2], ACT, compensate: {ACT}}\n  y: {needs: x, ACT}\n")
    nest.cancel()
    nest.succeed("x[0]")
    nest.stopped("x[1]")
    assert nest.undoing() == ["x[0]/compensate"]
    assert (nest.outcome("x"), nest.outcome("y"), nest.outcome()) == ("cancelled", "skipped", "cancelled")
    nest.check_end()


def test_one_item_that_somebody_cancels_counts_as_failed():
    nest = Nest("tasks:\n  x: {for_each: [1, 2], ACT}\n  mend: {needs: x.failed, ACT}\n")
    nest.cancel("x[0]")
    nest.stopped("x[0]")
    nest.succeed("x[1]")
    nest.succeed("mend")
    assert (nest.outcome("x"), nest.outcome()) == ("failed", "succeeded")
    nest.check_end()


@pytest.mark.parametrize("outcome", ["fail", "stopped"])
def test_continue_on_error_accepts_the_whole(outcome):
    nest = Nest("tasks:\n  x: {for_each: [1, 2], continue_on_error: true, ACT}\n  y: {needs: x, ACT}\n")
    if outcome == "stopped":
        nest.cancel("x[0]")
    getattr(nest, outcome)("x[0]")
    nest.succeed("x[1]")
    nest.succeed("y")
    assert (nest.outcome("x"), nest.outcome()) == ("failed", "succeeded")
    nest.check_end()


def test_many_items_are_opened_and_cancelled_in_windows():
    many = WINDOW * 2 + 3
    nest = Nest("inputs: {n: {type: array}}\ntasks:\n  x: {for_each: inputs.n, ACT}\n", n=[*range(many)])
    assert len(nest.asked) == many
    nest.cancel()
    assert len(nest.told_to_stop) == many
    for path in nest.told_to_stop:
        nest.now += 1
        nest.take(path, TaskCancelled(task="", attempt=1, at=nest.now))
    assert nest.outcome() == "cancelled"


def test_a_window_that_is_forgotten_is_asked_for_again():
    nest = Nest(
        "inputs: {n: {type: array}}\ntasks:\n  x: {for_each: inputs.n, tasks: {w: {uses: wait, with: {for: 0s}}}}\n",
        n=[],
    )
    nest = Lossy(
        "inputs: {n: {type: array}}\ntasks:\n  x: {for_each: inputs.n, tasks: {w: {ACT}}}\n", n=[*range(WINDOW + 1)]
    )
    assert len(nest.asked) == WINDOW
    nest.later.clear()
    due = nest.run("x")["timers"]["check"]
    nest.now = due
    nest.take("", AttemptUnclaimed(task="x", attempt=1, at=due))
    Nest.go(nest)
    assert len(nest.asked) == WINDOW + 1


def test_items_that_end_while_a_window_is_on_its_way_do_not_ask_for_it_again():
    nest = Lossy("inputs: {n: {type: array}}\ntasks:\n  x: {for_each: inputs.n, ACT}\n", n=[*range(WINDOW + 1)])
    assert len(nest.later) == 1
    nest.succeed(*(f"x[{index}]" for index in range(20)))
    assert len(nest.later) == 1
    Nest.go(nest)
    assert len(nest.asked) == WINDOW + 1 - 20


class Lossy(Nest):
    def go(self) -> None:
        """Nothing put off happens by itself."""
