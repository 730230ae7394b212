"""Ending tasks from outside, while others are at work on them."""

from __future__ import annotations

from threading import Event as Flag

import pytest

from engine.app.resolve import Resolver
from engine.core.commands import StartChild
from engine.core.events import TaskSucceeded
from engine.errors import Conflict, Invalid, NotFound
from tests.app.world import NOOP, World

ONE = f"tasks:\n  a: {NOOP}, outputs: {{n: {{type: integer}}}}}}\noutputs: {{n: '${{{{ tasks.a.outputs.n }}}}'}}"


@pytest.fixture
def resolver(world: World) -> Resolver:
    return Resolver(
        reader=world.reader,
        instances=world.store,  # type: ignore[arg-type] # a store with faults around it
        advancer=world.advancer,
        clock=world.recovery,
    )


def test_a_completed_task_is_called_off_and_its_worker_not_heard(world, resolver):
    instance = world.start(ONE)
    (command,) = world.queued()
    world.begin(command)
    resolver.complete(instance, "a", {"n": 1}, by="ana")
    assert world.called_off() == [f"{instance}/a/1"]
    world.answer(command, {"n": 2})
    assert (world.state(instance), world.get(instance).outputs) == ("succeeded", {"n": 1})
    world.check_history(instance)


def test_who_comes_in_the_same_moment_as_its_worker_is_told(world, resolver, monkeypatch):
    instance = world.start(ONE)
    submit = world.advancer.submit

    def late(notifications, **keys):
        with monkeypatch.context() as patch:
            patch.setattr(world.advancer, "submit", submit)
            world.tell(instance, TaskSucceeded(task="a", attempt=1, outputs={"n": 2}))
        submit(notifications, **keys)

    monkeypatch.setattr(world.advancer, "submit", late)
    with pytest.raises(Conflict, match="in the same moment"):
        resolver.complete(instance, "a", {"n": 1}, by="ana")
    assert world.get(instance).outputs == {"n": 2}
    world.check_history(instance)


def test_the_instance_of_a_completed_task_is_cancelled(world, resolver):
    world.load(
        "name: w\ntasks: {a: {workflow: child, with: {}}}", "name: child\ntasks: {a: {uses: wait, with: {for: 1h}}}"
    )
    instance = world.starter.start("w", {}, by="ana")
    (command,) = world.queued()
    values = {name: value for name, value in command.items() if name != "type"}
    started = world.children.start(StartChild(**values), Flag())
    world.tell(instance, started)
    resolver.complete(instance, "a", {}, by="ana")
    assert world.state(instance) == "succeeded"
    (asked,) = [command for command in world.queued() if command["type"] == "CancelChild"]
    assert asked["child"] == started.child


def test_what_was_said_is_no_result_to_take_again(world, resolver):
    text = f"tasks:\n  a: {NOOP}, cache: {{key: x}}}}"
    instance = world.start(text)
    world.queued()
    resolver.complete(instance, "a", {"said": True}, by="ana")
    world.starter.start("w", {}, by="ana")
    assert [command["type"] for command in world.queued()] == ["RunTask"], "nothing was taken from the cache"


def test_what_cannot_be_kept_is_refused(world, resolver):
    instance = world.start(ONE)
    for outputs in ({"n": "x"}, {"n": 1, "more": "\0"}, {"n": 1, "more": "x" * 70_000}):
        with pytest.raises(Invalid) as refused:
            resolver.complete(instance, "a", outputs, by="ana")
        assert refused.value.problems[0].pointer.startswith("/outputs")
    with pytest.raises(Invalid):
        resolver.fail(instance, "a", "no\0", by="ana")
    assert world.run(instance, "a")["state"] == "queued"


ITEMS = f"""
tasks:
  each:
    for_each: '["eu", "us"]'
    key: item
    tasks:
      a: {NOOP}, compensate: {{uses: values, with: {{}}}}}}
      b: {{needs: a, uses: wait, with: {{for: 1h}}}}
  after: {{needs: each.failed, uses: values, with: {{}}}}
"""


def test_one_item_is_cancelled_with_all_that_is_in_it(world, resolver):
    instance = world.start(ITEMS)
    for command in world.queued():
        world.answer(command, {})
    resolver.cancel(instance, "each[us]", by="ana", reason="not there")
    scopes = world.reader.scopes(instance)
    assert scopes["each[us]"]["outcome"] == "cancelled"
    assert scopes["each[us]"]["cancel"]["by"] == "ana"
    assert scopes["each[us]"]["tasks"]["b"]["state"] == "cancelled"
    assert scopes["each[us]/a/compensate"]["outcome"] == "succeeded"
    assert scopes["each[eu]"]["status"] == "running", "the other items go on"
    assert scopes[""]["tasks"]["each"]["items"]["failed"] == 1
    with pytest.raises(Conflict, match="has ended"):
        resolver.cancel(instance, "each[us]", by="ana")
    with pytest.raises(Conflict, match="not started, or there is none"):
        resolver.cancel(instance, "each[asia]", by="ana")
    with pytest.raises(NotFound):
        resolver.cancel(instance, "other[eu]", by="ana")
    world.check_history(instance)
