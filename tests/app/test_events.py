"""Events find who waits for them and who starts because of them: in either order, once, and through crashes."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Event as Flag
from typing import Any

import pytest

from engine.app import route
from engine.core.commands import MatchEvent
from engine.core.events import CancelRequested, EventReceived, EventsLookedAt
from engine.core.expressions.evaluate import condition
from engine.errors import Unavailable
from tests.app.post import LISTENS, Post
from tests.app.world import NOOP, World

WAITS = "tasks:\n  a: {uses: event, with: {type: paid}}\noutputs: {order: '${{ tasks.a.outputs.body.order }}'}"
MATCHES = """
inputs: {order: {type: integer}}
tasks:
  a: {uses: event, with: {type: paid, match: event.body.order == inputs.order}}
"""


@pytest.fixture
def post(world: World) -> Post:
    return Post(world)


def test_an_event_after_the_wait(world, post):
    instance = world.start(WAITS)
    post.work()
    assert post.answers == [EventsLookedAt(task="a", attempt=1)]
    assert (world.state(instance), world.run(instance, "a")["timers"]) == ("waiting", {})
    event = post.publish()
    post.work()
    assert (world.state(instance), world.get(instance).outputs) == ("succeeded", {"order": 7})
    outputs = world.run(instance, "a")["outputs"]
    assert (outputs["id"], outputs["type"], outputs["source"]) == (event, "paid", "api")
    assert outputs["received_at"].endswith("Z")
    assert world.instances.events.waits(world.instances.events.get(event)) == []
    world.check_history(instance)


def test_an_event_before_the_wait(world, post):
    instance = world.start(f"tasks:\n  first: {NOOP}}}\n  a: {{needs: first, uses: event, with: {{type: paid}}}}")
    (command,) = world.queued()
    post.publish()
    post.work()
    assert world.state(instance) == "running"
    world.answer(command)
    post.work()
    assert world.state(instance) == "succeeded"


@pytest.mark.parametrize("since", ["instance", "now"])
def test_since_says_how_old_an_event_may_be(world, post, since):
    post.publish(1)
    world.move(5)
    text = WAITS.replace("paid}", f"paid, since: {since}}}").replace(
        "  a: {", f"  first: {NOOP}}}\n  a: {{needs: first, "
    )
    instance = world.start(text)
    (command,) = [one for one in world.queued() if one["type"] == "RunTask"]
    post.publish(2)
    world.move(5)
    world.answer(command)
    post.work()
    if since == "now":
        assert world.state(instance) == "waiting"
        post.publish(3)
        post.work()
    assert world.get(instance).outputs == {"order": 2 if since == "instance" else 3}


@pytest.mark.parametrize("order", ["match first", "route first", "together"])
def test_both_sides_may_find_it_and_it_counts_once(world, post, order):
    """The wait and the event are stored; then come the look at events and the routing, in any order, each perhaps twice."""
    instance = world.start(WAITS)
    post.publish()
    looks, routes = sorted(world.queued(), key=lambda command: command["type"])
    if order == "match first":
        steps = [looks, looks, routes, routes]
    elif order == "route first":
        steps = [routes, routes, looks, looks]
    else:
        event = post.router.match(MatchEvent(instance=instance, path="a", attempt=1), Flag())
        assert isinstance(event, EventReceived)
        post.obey(routes)
        world.tell(instance, event)
        steps = [looks]
    for step in steps:
        post.obey(step)
    assert world.state(instance) == "succeeded"
    accepted = [row for row in world.reader.history(instance) if row.event["type"] == "EventReceived" and row.accepted]
    assert len(accepted) == 1
    world.check_history(instance)


def test_waits_and_events_that_cross_miss_nobody(world, post):
    """Tasks begin to wait while the one event for each is published, with no timer to make up for anything."""
    text = MATCHES.replace("  a: {", f"  first: {NOOP}}}\n  a: {{needs: first, ")
    world.load(f"name: w\n{text}")
    instances = [world.starter.start("w", {"order": order}, by="ana") for order in range(30)]
    firsts = world.queued()

    def then_carry(act: Any, what: Any) -> None:
        act(what)
        for command in world.queued():
            post.obey(command)

    with ThreadPoolExecutor(4) as threads:
        sides = []
        for order, command in enumerate(firsts):
            both = [(world.answer, command), (post.publish, order)]
            sides += [threads.submit(then_carry, *side) for side in (both if order % 2 else reversed(both))]
        for side in sides:
            side.result()
    post.work()
    assert {world.state(instance) for instance in instances} == {"succeeded"}
    for instance in instances:
        world.check_history(instance)


def test_only_what_matches(world, post):
    instance = world.start(MATCHES, inputs={"order": 7})
    other = world.starter.start("w", {"order": 8}, by="ana")
    post.publish(1)
    post.work()
    assert world.state(instance) == "waiting"
    post.publish(7)
    post.work()
    assert (world.state(instance), world.state(other)) == ("succeeded", "waiting")


def test_a_match_that_cannot_be_evaluated_is_none(world, post):
    instance = world.start(MATCHES, inputs={"order": 7})
    post.events.publish("paid", "no map")
    post.work()
    post.events.publish("paid", {"order": 7})
    post.work()
    assert world.state(instance) == "succeeded"


def test_a_match_that_this_engine_cannot_read_keeps_the_event_from_nobody(world, post, monkeypatch):
    strange = world.start(MATCHES, inputs={"order": 7})
    instance = world.starter.start("w", {"order": 8}, by="ana")
    post.work()

    def read(text: Any, names: Any) -> bool:
        if names["inputs"]["order"] == 7:
            raise KeyError("of a newer engine")
        return condition(text, names)

    monkeypatch.setattr(route, "condition", read)
    event = post.publish(8)
    post.work()
    assert (world.state(strange), world.state(instance)) == ("waiting", "succeeded")
    assert world.instances.events.get(event).routed


def test_many_earlier_events_are_looked_at_in_windows(world, post):
    instance = world.start(MATCHES, inputs={"order": 249})
    (look,) = world.queued()
    for order in range(250):
        world.instances.events.publish(*_stored(order))
    post.obey(look)
    assert world.run(instance, "a")["outputs"]["body"] == {"order": 249}


def test_each_event_counts_once_for_an_instance_and_the_oldest_first(world, post):
    instance = world.start(
        "tasks:\n  a: {uses: event, with: {type: paid}}\n  b: {uses: event, with: {type: paid}}\n"
        "  c: {needs: [a, b], uses: event, with: {type: paid}}"
    )
    post.work()
    post.publish(1)
    post.work()
    taken = [world.run(instance, name)["state"] for name in ("a", "b")]
    assert sorted(taken) == ["received", "waiting"]
    post.publish(2)
    post.publish(3)
    post.work()
    assert world.state(instance) == "succeeded"
    orders = [world.run(instance, name)["outputs"]["body"]["order"] for name in ("a", "b", "c")]
    assert (sorted(orders), orders[2]) == ([1, 2, 3], 3)
    world.check_history(instance)


def test_two_tasks_that_are_offered_the_same_one_get_one_each(world, post):
    """Both looked before either had it: the second is told that it is used up, and has the next one looked for."""
    instance = world.start("tasks:\n  a: {uses: event, with: {type: paid}}\n  b: {uses: event, with: {type: paid}}")
    looks = world.queued()
    post.publish(1)
    world.move(5)
    post.publish(2)
    world.queued()
    found = [post.router.match(MatchEvent(instance=instance, path=look["path"], attempt=1), Flag()) for look in looks]
    assert [event.event["body"]["order"] for event in found if isinstance(event, EventReceived)] == [1, 1]
    for event in found:
        assert event is not None
        world.tell(instance, event)
    assert sorted(world.run(instance, name)["state"] for name in ("a", "b")) == ["received", "waiting"]
    post.work()
    assert sorted(world.run(instance, name)["outputs"]["body"]["order"] for name in ("a", "b")) == [1, 2]


def test_an_event_is_for_every_instance_that_waits(world, post):
    first = world.start(WAITS)
    second = world.starter.start("w", {}, by="ana")
    post.work()
    post.publish()
    post.work()
    assert (world.state(first), world.state(second)) == ("succeeded", "succeeded")


def test_iterations_take_one_after_another(world, post):
    instance = world.start(
        "tasks:\n  a: {repeat: {max_iterations: 3, until: tasks.got.outputs.body.order == 3},"
        " tasks: {got: {uses: event, with: {type: paid}}}}"
    )
    for order in (1, 2, 3):
        post.publish(order)
        post.work()
    assert world.state(instance) == "succeeded"
    assert world.run(instance, "a")["iterations"]["number"] == 3


def test_a_task_in_an_item_waits_at_its_path(world, post):
    instance = world.start(
        "tasks:\n  a: {for_each: [eu, us], key: item, uses: event, with: {type: paid, match: event.body.order == index}}"
    )
    post.work()
    post.publish(1)
    post.work()
    assert (world.run(instance, "", "a[us]")["state"], world.run(instance, "", "a[eu]")["state"]) == (
        "received",
        "waiting",
    )
    post.publish(0)
    post.work()
    assert world.state(instance) == "succeeded"


def test_none_in_time(world, post):
    instance = world.start(
        f"tasks:\n  a: {{uses: event, with: {{type: paid, timeout: 1h}}}}\n  b: {{needs: a.timed_out, {NOOP[1:]}}}"
    )
    post.work()
    world.move(3_600_000)
    world.wait_for_timers()
    post.work()
    assert (world.run(instance, "a")["state"], world.state(instance)) == ("timed_out", "succeeded")
    post.publish()
    post.work()
    assert world.run(instance, "a")["state"] == "timed_out"


def test_an_ended_wait_takes_nothing(world, post):
    instance = world.start(WAITS)
    (look,) = world.queued()
    world.tell(instance, CancelRequested(by="ana"))
    event = post.publish()
    assert world.instances.events.waits(world.instances.events.get(event)) == []
    assert post.router.match(MatchEvent(instance=instance, path="a", attempt=look["attempt"]), Flag()) is None
    with world.store.lock([]) as locked:
        assert not locked.used_up(instance, event)


def test_a_lost_look_is_asked_for_again(world, post):
    instance = world.start(WAITS)
    world.queued()
    world.move(20_000)
    world.wait_for_timers()
    world.move(3_000)
    world.wait_for_timers()
    post.work()
    assert post.answers == [EventsLookedAt(task="a", attempt=1)]
    assert world.run(instance, "a")["timers"] == {}


def test_a_lost_routing_is_made_up_for_by_the_scheduler(world, post):
    instance = world.start(WAITS)
    post.work()
    post.publish()
    world.queued()
    assert post.router.run_once() == 0
    world.move(10_001)
    assert post.router.run_once() == 1
    assert world.state(instance) == "succeeded"
    assert post.router.run_once() == 0


def test_one_that_cannot_be_routed_holds_up_nobody_and_is_given_up(world, post, monkeypatch):
    instance = world.start(WAITS)
    post.work()
    bad, good = post.publish(1, type="sent"), post.publish(2)
    world.queued()
    route = post.router.route

    def breaks(id: str) -> None:
        if id == bad:
            raise RuntimeError("no way")
        route(id)

    monkeypatch.setattr(post.router, "route", breaks)
    world.move(10_001)
    assert post.router.run_once() == 2
    assert world.state(instance) == "succeeded"
    assert world.instances.events.get(good).routed
    world.move(60_000)
    assert [post.router.run_once(), post.router.run_once()] == [1, 0]


def test_while_a_database_is_away_the_event_waits(world, post, monkeypatch):
    world.load(LISTENS % f"{NOOP}}}")
    post.publish()
    with monkeypatch.context() as patch:
        patch.setattr(world.definitions, "listeners", _away)
        post.work()
    assert post.running() == []
    world.move(10_001)
    assert post.router.run_once() == 1
    assert len(post.running()) == 1


def test_one_waiting_instance_that_cannot_go_on_keeps_no_other_from_it(world, post):
    broken = world.start(WAITS)
    post.work()
    mend = world.damage()
    world.advancer = world.make_advancer()
    post.router = post.make_router()
    fine = world.start(WAITS + "\nlabels: {x: y}")
    post.publish()
    post.work()
    assert (world.state(broken), world.state(fine)) == ("waiting", "succeeded")
    mend()


def test_a_lost_message_is_the_relays(world, post):
    instance = world.start(WAITS)
    post.work()
    world.faults.broker_down = True
    post.publish()
    world.faults.broker_down = False
    assert world.queued() == []
    world.move(1_001)
    world.relay.run_once()
    post.work()
    assert world.state(instance) == "succeeded"


def _stored(order: int) -> tuple[Any, Any]:
    from engine.app.event_ports import NewEvent
    from engine.app.records import Message

    event = NewEvent(id=f"e{order}", type="paid", source="api", body={"order": order}, by="ana")
    return event, Message(queue="tasks", body={"type": "RouteEvent", "event": event.id}, id=f"m{order}")


def _away(*_: Any, **__: Any) -> Any:
    raise Unavailable("the database")
