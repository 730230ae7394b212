"""What starts because of an event, and tasks that emit one."""

from __future__ import annotations

from threading import Event as Flag
from typing import Any

import pytest

from engine.adapters.kinds.emit import Emit
from engine.app.kinds import Failed
from engine.app.records import Verdict
from engine.app.triggers import DEEPEST
from engine.core.commands import RouteEvent
from engine.errors import Invalid, Unavailable
from tests.app.post import LISTENS, Post, call
from tests.app.world import NOOP, World

WAITS = "tasks:\n  a: {uses: event, with: {type: paid}}\noutputs: {order: '${{ tasks.a.outputs.body.order }}'}"


@pytest.fixture
def post(world: World) -> Post:
    return Post(world)


def test_a_workflow_starts_because_of_an_event(world, post):
    world.load(LISTENS % f"{NOOP}}}")
    event = post.publish(7, by="eva")
    post.work()
    (instance,) = post.running()
    assert (instance.inputs, instance.started_by, instance.depth) == ({"order": 7}, "eva", 0)
    trigger = instance.trigger
    assert trigger["received_at"].endswith("Z")
    assert {**trigger, "received_at": ""} == {
        "source": "event",
        "event": "paid",
        "headers": {},
        "body": {"order": 7},
        "id": event,
        "received_at": "",
    }
    refused, unheard = post.publish(0), post.publish(7, type="sent")
    post.work()
    assert len(post.running()) == 1
    told = [world.instances.events.get(name).verdicts for name in (event, refused, unheard)]
    assert told == [
        (Verdict(workflow="pay", instance=instance.id, reason="started"),),
        (Verdict(workflow="pay", reason="condition is false: trigger.body.order > 0"),),
        (),
    ]


def test_the_event_that_started_an_instance_is_none_that_it_waits_for(world, post):
    world.load(LISTENS % "{uses: event, with: {type: paid}}")
    post.publish(7)
    world.move(-60_000)  # the instance seems to be older than the event
    post.work()
    (instance,) = post.running()
    assert world.state(instance.id) == "waiting"
    second = post.publish(0)
    post.work()
    assert world.run(instance.id, "a")["outputs"]["id"] == second
    world.check_history(instance.id)


def test_it_starts_once_however_often_it_is_routed(world, post, monkeypatch):
    world.load(LISTENS % f"{NOOP}}}")
    event = post.publish()
    with monkeypatch.context() as patch:
        patch.setattr(world.instances.events, "routed", _away)
        post.work()
        patch.setattr(world.reader, "by_start_key", _seen_late(world.reader.by_start_key))
        post.make_router().obey(RouteEvent(event=event), Flag())
    assert len(post.running()) == 1
    post.make_router().route(event)
    (instance,) = post.running()
    assert world.instances.events.get(event).verdicts == (
        Verdict(workflow="pay", instance=instance.id, reason="started"),
    )


def test_publishing_again_is_the_first_event(world, post):
    world.load(LISTENS % f"{NOOP}}}")
    assert post.events.publish("paid", {"order": 1}, id="mine") == ("mine", True)
    assert post.events.publish("paid", {"order": 2}, id="mine") == ("mine", False)
    post.work()
    assert [one.inputs for one in post.running()] == [{"order": 1}]


def test_a_task_emits_once_for_all_its_attempts(world, post):
    world.load(
        "name: w\ntasks: {a: {uses: emit, with: {type: paid, body: {order: 7}}}}\n"
        "outputs: {event: '${{ tasks.a.outputs.id }}'}",
        LISTENS % f"{NOOP}}}",
    )
    instance = world.starter.start("w", {}, by="ana")
    (command,) = world.queued()
    Emit(post.events).run(call(command))  # and its worker dies
    post.obey(command)
    post.work()
    (paid,) = post.running()
    assert (paid.inputs, paid.started_by, paid.depth) == ({"order": 7}, "ana", 1)
    event = world.get(instance).outputs["event"]
    assert event == f"{instance}/a"
    assert world.instances.events.get(event).source == f"{instance}/a"


def test_a_task_that_emits_is_patient_with_a_database_that_is_away(world, post, monkeypatch):
    """The simulator's seed 269: a second without a database failed the task."""
    world.start("tasks: {a: {uses: emit, with: {type: paid, body: 1}}}")
    (command,) = world.queued()
    publish, tries = post.events._events.publish, []

    def away_once(*arguments):
        tries.append(arguments)
        if len(tries) == 1:
            raise Unavailable("the database", "it is away")
        return publish(*arguments)

    monkeypatch.setattr(post.events._events, "publish", away_once)
    assert Emit(post.events).run(call(command)) == {"id": f"{command['instance']}/a"}
    assert len(tries) == 2


def test_one_instance_talks_to_another(world, post):
    world.load(
        "name: talks\ntasks: {a: {uses: emit, with: {type: paid, body: {order: 7}, id: x}}}", f"name: w\n{WAITS}"
    )
    instance = world.starter.start("w", {}, by="ana")
    world.starter.start("talks", {}, by="ben")
    post.work()
    assert world.get(instance).outputs == {"order": 7}


def test_workflows_that_start_one_another_come_to_an_end(world, post):
    world.load(LISTENS % "{uses: emit, with: {type: paid, body: {order: 7}}}")
    post.publish()
    for _ in range(3 * DEEPEST):
        for command in world.queued():
            post.obey(command)
    assert len(post.running()) == DEEPEST + 1
    assert not world.queued()


@pytest.mark.parametrize(
    ("type", "body", "id", "pointer"),
    [
        ("", 1, None, "/type"),
        ("x" * 201, 1, None, "/type"),
        ("a\0b", 1, None, "/type"),
        ("paid", {"a": "\0"}, None, "/body/a"),
        ("paid", "x" * 65_536, None, "/body"),
        ("paid", 1, "x" * 201, "/id"),
    ],
)
def test_what_cannot_be_kept_is_refused(post, type, body, id, pointer):
    with pytest.raises(Invalid) as refused:
        post.events.publish(type, body, id=id)
    assert [problem.pointer for problem in refused.value.problems] == [pointer]


def test_a_task_that_emits_nonsense_fails(world, post):
    world.start("tasks: {a: {uses: emit, with: {type: paid}}}")
    (command,) = world.queued()
    for params in ({"type": ""}, {"type": "x" * 201}, {"body": "x" * 65_536}, {"id": "é" * 1_001}, {"id": "\udc00"}):
        with pytest.raises(Failed) as failed:
            Emit(post.events).run(call(command, **params))
        assert failed.value.kind == "config"


def _away(*_: Any, **__: Any) -> Any:
    raise Unavailable("the database")


def _seen_late(look: Any) -> Any:
    """Somebody else starts it between the look and the insert."""
    looks = iter((True, False))

    def late(key: str) -> Any:
        return None if next(looks, False) else look(key)

    return late
