"""Instances that tasks start: once for an attempt, heard of when they end, cancelled with whoever asked for them."""

from __future__ import annotations

from collections.abc import Mapping
from threading import Event as Flag
from typing import Any

import pytest

from engine.app.records import Notification, Parent
from engine.app.triggers import DEEPEST
from engine.core import events
from engine.core.commands import CancelChild, StartChild
from engine.errors import Conflict, Unavailable
from tests.app.world import NOOP, World

CHILD = f"name: child\ninputs: {{n: {{type: integer}}}}\ntasks:\n  a: {NOOP}}}\noutputs: {{twice: '${{{{ inputs.n * 2 }}}}'}}\n"
PARENT = "name: w\ntasks:\n  c: {workflow: child, with: {n: 21}}\noutputs: {found: '${{ tasks.c.outputs.twice }}'}\n"


class Family:
    """Carries out what is asked of children; `work` decides what becomes of other tasks."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.flag = Flag()

    def start(self, *texts: str) -> str:
        self.world.load(*texts)
        return self.world.starter.start("w", {}, by="ana")

    def obey(self, command: Mapping[str, Any]) -> events.Event | None:
        values = {name: value for name, value in command.items() if name != "type"}
        if command["type"] == "StartChild":
            return self.world.children.start(StartChild(**values), self.flag)
        return self.world.children.cancel(CancelChild(**values))

    def turn(self) -> list[dict[str, Any]]:
        """One look at both queues; returns what workers are asked for."""
        rest = []
        for command in self.world.queued():
            if command["type"] == "RunTask":
                rest.append(command)
            elif (event := self.obey(command)) is not None:
                self.world.tell(command["instance"], event)
        for notification in self.world.queued("notifications"):
            self.world.advancer.submit([Notification(**notification)])
        return rest

    def children(self, instance: str) -> list[Any]:
        return list(self.world.reader.list(parent=instance))


@pytest.fixture
def family(world: World) -> Family:
    return Family(world)


def test_a_child_runs_and_its_outputs_come_back(world, family):
    parent = family.start(PARENT, CHILD)
    family.turn()
    (child,) = family.children(parent)
    assert (child.workflow, child.inputs, child.depth, child.started_by) == ("child", {"n": 21}, 1, "ana")
    assert child.parent == Parent(instance=parent, path="c", attempt=1)
    assert (world.state(parent), world.run(parent, "c")["child"]) == ("waiting", child.id)
    world.answer(world.queued()[0])
    family.turn()
    assert (world.state(child.id), world.state(parent)) == ("succeeded", "succeeded")
    assert world.get(parent).outputs == {"found": 42}
    world.check_history(parent)
    world.check_history(child.id)


def test_a_child_that_fails_says_why(world, family):
    parent = family.start(PARENT, CHILD)
    family.turn()
    (command,) = world.queued()
    world.answer(command, error="broken")
    family.turn()
    assert world.state(parent) == "failed"
    error = world.run(parent, "c")["error"]
    assert error["kind"] == "child"
    assert error["details"]["instance"] == family.children(parent)[0].id
    assert error["details"]["error"]["kind"] == "broken"


def test_asking_twice_starts_one(world, family):
    parent = family.start(PARENT, CHILD)
    (command,) = world.queued()
    first, second = family.obey(command), family.obey(command)
    assert first == second
    assert isinstance(first, events.ChildStarted)
    assert len(family.children(parent)) == 1


def test_a_lost_answer_starts_one(world, family):
    parent = family.start(PARENT, CHILD)
    (command,) = world.queued()
    world.faults.answer_lost = True
    assert isinstance(family.obey(command), events.ChildStarted)
    assert len(family.children(parent)) == 1


def test_while_the_database_is_away_nothing_is_said(world, family, monkeypatch):
    family.start(PARENT, CHILD)
    (command,) = world.queued()
    monkeypatch.setattr(world.reader, "by_start_key", _away)
    assert family.obey(command) is None


def test_an_end_whose_message_was_lost_is_found_by_asking_again(world, family):
    parent = family.start(PARENT, CHILD)
    (command,) = world.queued()
    family.obey(command)  # the answer is lost
    world.answer(world.queued()[0])
    assert world.queued("notifications") != []  # and this is
    assert world.state(parent) == "running"
    world.move(21_000)
    world.timers.run_once()
    world.move(4_000)
    world.timers.run_once()
    family.turn()
    assert world.state(parent) == "succeeded"


def test_the_child_of_a_finished_parent_harms_nobody(world, family):
    parent = family.start("name: w\ntasks:\n  c: {workflow: child, wait: false, with: {n: 1}}\n", CHILD)
    family.turn()
    assert world.state(parent) == "succeeded"
    (child,) = family.children(parent)
    assert world.run(parent, "c")["outputs"] == {"instance": child.id}
    world.work()
    family.turn()
    assert world.state(child.id) == "succeeded"
    assert world.state(parent) == "succeeded"


def test_cancelling_goes_down_to_the_child(world, family):
    parent = family.start(PARENT, CHILD)
    family.turn()
    (child,) = family.children(parent)
    (command,) = family.turn()
    world.canceller.cancel(parent, by="ben")
    family.turn()
    assert world.scope(child.id)["cancel"]["by"] == "ben"
    assert world.state(parent) in ("running", "waiting")
    world.tell(child.id, events.TaskCancelled(task="a", attempt=command["attempt"]))
    family.turn()
    assert (world.state(child.id), world.state(parent)) == ("cancelled", "cancelled")


def test_asking_to_cancel_again_leaves_finally_alone(world, family):
    parent = family.start(PARENT, CHILD + f"finally:\n  clean: {NOOP}}}\n")
    family.turn()
    (child,) = family.children(parent)
    family.turn()
    world.canceller.cancel(parent, by="ben")
    (order,) = [command for command in world.queued() if command["type"] == "CancelChild"]
    assert family.obey(order) is None
    world.tell(child.id, events.TaskCancelled(task="a", attempt=1))
    assert family.obey(order) is None
    assert "cancel" not in world.scope(child.id, "finally")
    (clean,) = world.queued()
    world.answer(clean)
    family.turn()
    assert world.state(parent) == "cancelled"
    assert isinstance(family.obey(order), events.ChildEnded)


def test_an_attempt_that_was_called_off_starts_none(world, family):
    parent = family.start(PARENT, CHILD)
    (command,) = world.queued()
    family.flag.set()
    assert isinstance(family.obey(command), events.TaskCancelled)
    assert family.children(parent) == []


@pytest.mark.parametrize(
    ("change", "kind", "said"),
    [
        ({"child": "nobody"}, "config", "nobody"),
        ({"inputs": {"n": "x"}}, "inputs", "/n"),
        ({"inputs": {}}, "inputs", "do not fit"),
    ],
)
def test_what_cannot_be_started_fails_the_attempt(world, family, change, kind, said):
    family.start(PARENT, CHILD)
    (command,) = world.queued()
    failed = family.obey(command | change)
    assert isinstance(failed, events.TaskFailed)
    assert failed.error["kind"] == kind
    assert said in failed.error["message"]


def test_recursion_ends(world, family):
    parent = family.start("name: w\ntasks:\n  c: {workflow: w}\n")
    for _ in range(2 * DEEPEST + 10):
        family.turn()
    assert world.state(parent) == "failed"
    instances = world.reader.list(limit=100)
    assert sorted(one.depth for one in instances) == list(range(DEEPEST + 1))
    deepest = max(instances, key=lambda one: one.depth)
    assert world.run(deepest.id, "c")["error"]["kind"] == "depth"


def test_the_child_of_a_parent_that_is_gone(world, family):
    family.start(PARENT, CHILD)
    (command,) = world.queued()
    assert family.obey(command | {"instance": "gone"}) is None
    assert family.obey(_cancel("gone")) is None


def test_one_that_its_parent_does_not_know_yet_is_cancelled_too(world, family):
    parent = family.start(PARENT, CHILD)
    assert family.obey(_cancel(parent)) is None
    (command,) = world.queued()
    family.obey(command)  # the answer is still on its way
    assert family.obey(_cancel(parent)) is None
    (child,) = family.children(parent)
    assert world.scope(child.id)["cancel"]["by"] == "ben"


def test_a_child_of_a_task_within_a_loop(world, family):
    parent = family.start(
        "name: w\ntasks:\n  x: {for_each: [1, 2], workflow: child, with: {n: '${{ item }}'}}\n", CHILD
    )
    for command in world.queued():
        scope = command["path"]
        event = family.obey(command)
        assert event is not None
        world.tell(parent, event, scope)
    assert sorted(child.parent.path for child in family.children(parent)) == ["x[0]", "x[1]"]
    world.work()
    family.turn()
    assert world.state(parent) == "succeeded"


def _cancel(instance: str) -> dict[str, Any]:
    return {"type": "CancelChild", "instance": instance, "path": "c", "attempt": 1, "child": "", "by": "ben"}


def _away(*_args: object) -> Any:
    raise Unavailable("the database")


@pytest.mark.parametrize("wait", [True, False])
def test_only_a_child_whose_end_was_not_waited_for_can_be_retried(world, family, wait):
    text = f"name: w\ntasks: {{c: {{workflow: child, with: {{n: 21}}, wait: {str(wait).lower()}}}}}\n"
    instance = family.start(text, CHILD)
    family.turn()
    (command,) = world.queued()
    world.answer(command, error="no route")
    family.turn()
    (child,) = family.children(instance)
    assert world.state(child.id) == "failed"
    assert world.state(instance) == ("failed" if wait else "succeeded")
    retrier = world.retrier()
    if wait:
        with pytest.raises(Conflict, match="taken the result"):
            retrier.retry(child.id, by="ana")
        return
    retrier.retry(child.id, by="ana")
    (command,) = family.turn()
    world.answer(command, {})
    family.turn()
    assert (world.state(child.id), world.state(instance)) == ("succeeded", "succeeded")
