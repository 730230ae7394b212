"""Groups, loops and compensation through the one door, on both databases: what the core promises holds over rows and windows."""

from __future__ import annotations

import pytest

from engine.app.batch import Batch
from engine.app.records import Record
from engine.core.events import TaskCancelled
from engine.core.items import WINDOW
from tests.app.world import NOOP

TASK = NOOP[1:]


def test_an_item_is_a_scope_of_its_own(world):
    instance = world.start(
        "inputs: {regions: {type: array, items: {type: string}}}\n"
        "tasks:\n"
        "  deploy:\n"
        "    for_each: inputs.regions\n"
        "    as: region\n"
        "    key: region\n"
        "    max_parallel: 2\n"
        "    outputs: {where: '${{ region }}', n: '${{ tasks.roll.outputs.?n.orValue(0) }}'}\n"
        "    tasks:\n"
        f"      roll: {NOOP}}}\n"
        f"      check: {{needs: roll, {TASK}}}\n"
        "  after: {needs: deploy, uses: values, with: {all: '${{ tasks.deploy.outputs }}'}}\n"
        "outputs: {all: '${{ tasks.after.outputs.all }}'}\n",
        inputs={"regions": ["eu", "us", "ap"]},
    )
    first = world.queued()
    assert [command["path"] for command in first] == ["deploy[eu]/roll", "deploy[us]/roll"]
    world.answer(first[1], {"n": 2})
    world.answer(world.queued()[0])
    (third,) = world.queued()
    assert third["path"] == "deploy[ap]/roll"
    world.answer(third)
    world.work()
    world.answer(first[0], {"n": 1})
    world.work()
    assert world.state(instance) == "succeeded"
    assert world.get(instance).outputs == {
        "all": [{"where": "eu", "n": 1}, {"where": "us", "n": 2}, {"where": "ap", "n": 0}]
    }
    world.check_history(instance)


def test_windows_of_items_go_on_by_themselves(world):
    instance = world.start(
        "inputs: {n: {type: array}}\n"
        "tasks:\n"
        "  each: {for_each: inputs.n, uses: values, with: {n: '${{ item }}'}}\n"
        "  sum: {needs: each, uses: values, with: {n: '${{ tasks.each.outputs.size() }}'}}\n",
        inputs={"n": list(range(1_203))},
    )
    world.work()
    assert world.state(instance) == "succeeded"
    assert world.run(instance, "sum")["outputs"] == {"n": 1_203}
    world.check_history(instance)


def test_iterations_follow_each_other(world):
    instance = world.start(
        "tasks:\n"
        "  count:\n"
        "    repeat: {until: tasks.next.outputs.n >= 250, max_iterations: 300}\n"
        "    outputs: {n: '${{ tasks.next.outputs.n }}'}\n"
        "    tasks:\n"
        "      next: {uses: values, with: {n: '${{ iteration }}'}}\n"
        "outputs: {n: '${{ tasks.count.outputs.n }}'}\n"
    )
    world.work()
    assert (world.state(instance), world.get(instance).outputs) == ("succeeded", {"n": 250})
    world.check_history(instance)


def test_a_cancelled_instance_cancels_all_below_and_undoes_what_was_done(world):
    instance = world.start(
        "tasks:\n"
        "  each:\n"
        "    for_each: ['a', 'b']\n"
        "    key: item\n"
        "    tasks:\n"
        f"      make: {{compensate: {NOOP}}}, {TASK}}}\n"
        "      group:\n"
        "        needs: make\n"
        "        tasks:\n"
        f"          long: {NOOP}}}\n"
    )
    made = world.queued()
    for command in made:
        world.answer(command)
    longs = world.queued()
    assert [command["path"] for command in longs] == ["each[a]/group/long", "each[b]/group/long"]
    world.canceller.cancel(instance, by="ana")
    for command in longs:
        scope = command["path"].rpartition("/")[0]
        world.tell(instance, TaskCancelled(task="long", attempt=1), scope)
    undoing = world.queued()
    assert [command["path"] for command in undoing] == ["each[a]/make/compensate", "each[b]/make/compensate"]
    for command in undoing:
        world.answer(command)
    assert world.state(instance) == "cancelled"
    world.check_history(instance)


def test_a_failure_undoes_items_newest_first_one_at_a_time(world):
    instance = world.start(
        "tasks:\n"
        "  each:\n"
        "    for_each: [1, 2, 3]\n"
        "    max_parallel: 1\n"
        f"    compensate: {NOOP}}}\n"
        "    uses: python\n"
        "    with: {call: 'package.module:function'}\n"
        f"  last: {{needs: each, {TASK}}}\n"
    )
    for _ in range(3):
        world.answer(world.queued()[0])
        world.move(1)
    world.answer(world.queued()[0], error="no route")
    undone = []
    while commands := world.queued():
        assert len(commands) == 1
        undone.append(commands[0]["path"])
        world.answer(commands[0])
    assert undone == ["each[2]/compensate", "each[1]/compensate", "each[0]/compensate"]
    assert world.state(instance) == "failed"
    world.check_history(instance)


def test_items_with_nothing_to_undo_do_not_hide_those_before_them(world, monkeypatch):
    monkeypatch.setattr("engine.app.family.WINDOW", 5)  # room for two, and then for the third in the same transaction
    instance = world.start(
        "tasks:\n"
        "  each:\n"
        "    for_each: [0, 1, 2]\n"
        "    max_parallel: 1\n"
        "    tasks:\n"
        f"      make: {{if: item == 0, compensate: {NOOP}}}, {TASK}}}\n"
        f"  last: {{needs: each, {TASK}}}\n"
    )
    world.answer(world.queued()[0])
    world.answer(world.queued()[0], error="no route")
    (undoing,) = world.queued()
    assert undoing["path"] == "each[0]/make/compensate"
    world.answer(undoing)
    assert world.state(instance) == "failed"
    world.check_history(instance)


AT_ONCE = {
    "nothing to undo": f"make: {{if: 'false', compensate: {NOOP}}}, {TASK}}}",
    "undone at once": "make: {uses: values, with: {n: '${{ item }}'}, compensate: {uses: values, with: {n: 1}}}",
}


@pytest.mark.parametrize("task", AT_ONCE.values(), ids=AT_ONCE.keys())
def test_many_items_that_are_undone_at_once_are_not_one_transaction(world, task, monkeypatch):
    written: list[int] = []
    gathered = Batch.record

    def counted(batch: Batch) -> Record:
        record = gathered(batch)
        written.append(len(record.scopes))
        return record

    instance = world.start(
        "inputs: {n: {type: array}}\n"
        "tasks:\n"
        f"  each: {{for_each: inputs.n, tasks: {{{task}}}}}\n"
        f"  last: {{needs: each, {TASK}}}\n",
        inputs={"n": list(range(1_203))},
    )
    while world.notice():
        pass
    (last,) = world.queued()
    monkeypatch.setattr(Batch, "record", counted)
    world.answer(last, error="no route")
    world.work()
    assert world.state(instance) == "failed"
    assert world.run(instance, "each")["undone"]
    assert max(written) <= WINDOW
    assert len([number for number in written if number > 1]) >= 3
    world.check_history(instance)


def test_a_window_of_the_undoing_whose_message_is_lost_is_asked_for_again(world, monkeypatch):
    monkeypatch.setattr("engine.app.family.WINDOW", 4)
    instance = world.start(
        "tasks:\n"
        f"  each: {{for_each: [0, 1, 2, 3, 4, 5], tasks: {{{AT_ONCE['undone at once']}}}}}\n"
        f"  last: {{needs: each, {TASK}}}\n"
    )
    (last,) = world.queued()
    world.answer(last, error="no route")
    (lost,) = world.queued("notifications")
    assert lost["event"]["what"] == "undo"
    for later in (25_000, 5_000):  # nobody has a lease for it, and still nobody has
        world.move(later)
        world.timers.run_once()
    world.work()
    assert world.state(instance) == "failed"
    assert "timers" not in world.run(instance, "each")
    world.check_history(instance)


@pytest.mark.parametrize("ending", ["succeeded", "failed", "cancelled"])
def test_exit_ends_the_instance_from_deep_inside(world, ending):
    instance = world.start(
        "tasks:\n"
        f"  side: {NOOP}}}\n"
        "  each:\n"
        "    for_each: [1, 2]\n"
        "    tasks:\n"
        f"      go: {NOOP}}}\n"
        f"      out: {{needs: go, uses: exit, with: {{state: {ending}, scope: instance}}}}\n"
    )
    side, one, two = world.queued()
    world.answer(one)
    for command in (side, two):
        scope, _, task = command["path"].rpartition("/")
        world.tell(instance, TaskCancelled(task=task, attempt=1), scope)
    assert world.state(instance) == ending
    world.check_history(instance)


def test_the_list_of_a_large_fan_out_may_be_larger_than_what_a_task_can_keep(world):
    numbers = list(range(1_000_000_000, 1_000_000_000 + 9_000))  # 99 KB
    instance = world.start(
        "inputs: {n: {type: array}}\n"
        "tasks:\n"
        f"  each: {{for_each: inputs.n, max_parallel: 1, enough: 1, rest: cancel, {TASK}}}\n",
        inputs={"n": numbers},
    )
    world.work()
    assert world.state(instance) == "succeeded"
    assert world.run(instance, "each")["items"]["total"] == 9_000
