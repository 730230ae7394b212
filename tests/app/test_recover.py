"""After the broker lost its memory, or a process died between two steps: everything outstanding is asked for again."""

from __future__ import annotations

import pytest

from engine.app.records import NewDelivery
from engine.app.recover import GENERATION, HOPELESS_DELIVERY, STALE_DELIVERY
from engine.errors import Unavailable
from tests.app.world import NOOP, World, lease_of

TWO = f"tasks:\n  a: {NOOP}}}\n  b: {NOOP}}}\n"
HOOKS = "people: {ana: {email: ana@example.com}}\nwebhooks: {shop: {provider: hmac, secret: S}}\n"
ORDERS = f"name: w\non: {{webhook: [{{source: shop}}]}}\ntasks:\n  a: {NOOP}}}\n"


def wipe(world: World, marker: str = "another") -> None:
    """FLUSHALL: queues, leases and the marker are gone."""
    world.queued()
    world.queued("notifications")
    world.leases._until.clear()
    world.publisher.marker = marker


def known(world: World):
    recoverer = world.recoverer()
    look(recoverer)
    world.queued()
    return recoverer


def look(recoverer) -> int:
    """Two rounds: the first notices a new broker, the second acts on it."""
    return recoverer.run_once() + recoverer.run_once()


def test_a_broker_that_is_still_the_same_is_left_alone(world):
    recoverer = known(world)
    world.start(TWO)
    assert look(recoverer) == 0
    assert len(world.queued()) == 2
    assert look(world.recoverer()) == 0, "another scheduler that takes the lead knows it too"


def test_a_wiped_broker_gets_everything_outstanding_again(world):
    recoverer = known(world)
    instance = world.start(
        f"tasks:\n  a: {NOOP}}}\n  b: {{needs: a, {NOOP[1:]}}}\n  c: {NOOP}}}\n"
        "  ask: {uses: approval, with: {message: '?', approvers: [ana]}}\n"
    )
    commands = {command["path"]: command for command in world.queued()}
    world.answer(commands["a"])
    world.queued()
    world.begin(commands["c"])
    wipe(world)
    assert recoverer.run_once() == 0, "living workers have a moment to get their leases back"
    world.leases.renew([lease_of(commands["c"])])
    assert recoverer.run_once() == 2
    assert sorted((command["type"], command["path"]) for command in world.queued()) == [
        ("AskApprovers", "ask"),
        ("RunTask", "b"),
    ]
    assert recoverer.run_once() == 0
    world.check_history(instance)


def test_what_finally_waits_for_is_asked_for_too(world):
    """It reads the tasks of the scope around it, which may have been read in a window before."""
    recoverer = known(world)
    instance = world.start(
        f"tasks:\n  a: {NOOP}}}\nfinally:\n"
        "  last: {uses: python, with: {call: 'p.m:f', args: {was: \"${{ tasks.a.?outcome.orValue('?') }}\"}}}\n"
    )
    world.answer(world.queued()[0])
    (last,) = world.queued()
    wipe(world)
    live = world.recovery.live
    recoverer._recovery.live = lambda after: live(after, limit=1)
    try:
        assert look(recoverer) == 1
    finally:
        del recoverer._recovery.live
    assert world.queued() == [last]
    world.answer(last)
    assert world.state(instance) == "succeeded"


def test_a_window_of_what_is_undone_is_asked_for_too(world, monkeypatch):
    monkeypatch.setattr("engine.app.family.WINDOW", 2)
    recoverer = known(world)
    instance = world.start(
        "tasks:\n"
        "  each: {for_each: [0, 1, 2], uses: values, with: {n: 1}, compensate: {uses: values, with: {n: 1}}}\n"
        f"  last: {{needs: each, {NOOP[1:]}}}\n"
    )
    world.answer(world.queued()[0], error="no route")
    wipe(world)
    assert look(recoverer) == 1
    world.work()
    assert world.state(instance) == "failed"
    world.check_history(instance)


def test_what_was_started_with_the_new_broker_is_not_asked_for_twice(world):
    """A process that just came up must not have everything done twice that starts in its first moments."""
    recoverer = world.recoverer()
    recoverer.run_once()
    world.move(1)
    world.start(TWO)
    assert recoverer.run_once() == 0
    assert len(world.queued()) == 2


def test_what_was_fetched_and_waits_for_a_thread_is_not_asked_for_again(world):
    recoverer = known(world)
    world.start(TWO)
    first, _ = world.queued()
    wipe(world)
    recoverer.run_once()
    world.leases.renew([lease_of(first)])
    assert recoverer.run_once() == 1


def test_a_scheduler_that_dies_over_it_is_followed_by_one_that_starts_over(world, monkeypatch):
    recoverer = known(world)
    world.start(TWO)
    wipe(world)
    recoverer.run_once()
    with monkeypatch.context() as patch:
        patch.setattr(world.publisher, "publish", _killed)
        with pytest.raises(SystemExit):
            recoverer.run_once()
    assert look(world.recoverer()) == 2
    assert len(world.queued()) == 2


def test_an_outage_in_the_middle_is_not_taken_for_the_end(world):
    recoverer = known(world)
    world.start(TWO)
    wipe(world)
    assert recoverer.run_once() == 0
    world.faults.broker_down = True
    assert look(recoverer) == 0
    world.faults.broker_down = False
    assert recoverer.run_once() == 2


def test_an_instance_that_cannot_be_gone_on_with_does_not_keep_the_others_waiting(world):
    bad = world.start(TWO)
    mend = world.damage()
    good = world.start(f"description: another\n{TWO}")
    wipe(world)
    recoverer = world.recoverer()
    assert look(recoverer) == 2
    assert {command["instance"] for command in world.queued()} == {good}
    assert recoverer.run_once() == 0
    mend()
    assert bad != good


def test_many_instances(world):
    world.load(f"name: w\n{TWO}")
    version = world.definitions.active("w")
    made = [world.starter.prepare(version, inputs={}, trigger={}, by="ana") for _ in range(300)]
    world.starter.commit(made)
    wipe(world)
    assert world.recoverer().resend(until=world.recovery.now()) == 600
    assert len({(command["instance"], command["path"]) for command in world.queued()}) == 600


def test_a_delivery_whose_process_died_is_taken_up(world):
    _receive(world)
    recoverer = known(world)
    assert world.reader.list() == [], "whoever received it may still be at it"
    world.move(STALE_DELIVERY + 1_000)
    assert recoverer.run_once() == 1
    (instance,) = world.reader.list()
    assert instance.delivery == "d1"
    assert world.instances.deliveries.get("d1").state == "started"
    assert recoverer.run_once() == 0


def test_deliveries_do_not_wait_for_the_broker(world):
    _receive(world)
    world.move(STALE_DELIVERY + 1_000)
    world.faults.broker_down = True
    assert world.recoverer().run_once() == 1
    assert world.instances.deliveries.get("d1").state == "started"


def test_the_broker_does_not_wait_for_deliveries(world):
    _receive(world)
    world.start(TWO)
    world.move(STALE_DELIVERY + 1_000)
    wipe(world)

    recoverer = world.recoverer(Buggy(world.receiver, "d1", Unavailable("the definitions database")))
    assert look(recoverer) == 2


def test_a_delivery_that_nobody_can_process_does_not_hold_up_the_others(world):
    _receive(world, "d1")
    _receive(world, "d2")
    world.move(STALE_DELIVERY + 1_000)

    recoverer = world.recoverer(Buggy(world.receiver, "d1", KeyError("a bug")))
    recoverer.run_once()
    deliveries = world.instances.deliveries
    assert (deliveries.get("d1").state, deliveries.get("d2").state) == ("received", "started")
    world.move(HOPELESS_DELIVERY)
    recoverer.run_once()
    assert deliveries.get("d1").state == "failed"
    assert "a bug" in deliveries.get("d1").reason
    assert recoverer.run_once() == 0


def test_the_mark_says_which_broker_knows_everything(world):
    known(world)
    assert world.recovery.mark(GENERATION, "x") == world.transport.generation()


def _receive(world: World, id: str = "d1") -> None:
    world.load(ORDERS, project=HOOKS)
    world.instances.deliveries.receive(
        [NewDelivery(id=id, source="shop", provider="hmac", event="order", headers={}, body=b"{}", keys=((id, 24),))]
    )


class Buggy:
    """A receiver that fails at one delivery."""

    def __init__(self, receiver, victim: str, error: Exception) -> None:
        self._receiver = receiver
        self._victim = victim
        self._error = error
        self.give_up = receiver.give_up

    def process(self, deliveries):
        outcomes = self._receiver.process([one for one in deliveries if one.id != self._victim])
        others = iter(outcomes)
        return [self._error if one.id == self._victim else next(others) for one in deliveries]


def _killed(_messages):
    raise SystemExit
