"""The relay follows whoever died between commit and publish; what cannot be sent is parked and holds up nothing."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from engine.app.records import Notification
from engine.app.relay import Relay
from engine.core.events import TaskSucceeded, to_json
from engine.errors import Unavailable
from tests.app.world import NOOP, World, lease_of


def row(world: World, name: str, body: str, queue: str = "tasks") -> None:
    """A row as somebody's hand may have made it."""
    statement = "INSERT INTO outbox (id, queue, body, publish_after) VALUES (?, ?, ?, 0)"
    if not world.url.startswith("sqlite"):
        statement = statement.replace("?, 0", "CAST(? AS json), 0")
    world.sql(statement, name, queue, body)


def _done(command) -> dict:
    return to_json(TaskSucceeded(task=command["path"], attempt=command["attempt"]))


def ids(world: World) -> list[str]:
    return [name for (name,) in world.sql("SELECT id FROM outbox ORDER BY id")]


def test_rows_are_sent_once_by_however_many_relays(world):
    world.faults.broker_down = True
    world.load(f"name: w\ntasks:\n  a: {NOOP}}}\n  b: {NOOP}}}\n")
    version = world.definitions.active("w")
    for _ in range(4):
        made = [world.starter.prepare(version, inputs={}, trigger={}, by="ana") for _ in range(200)]
        world.starter.commit(made)
    world.faults.broker_down = False
    world.move(1_000)

    def sweep(_number: int) -> None:
        relay = Relay(outbox=world.instances.outbox, publisher=world.publisher, leases=world.leases)
        while relay.run_once():
            pass

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(sweep, range(4)))
    sent = [(command["instance"], command["path"]) for command in world.queued()]
    assert len(sent) == len(set(sent)) == 1600
    assert world.waiting_in_outbox() == 0


def test_what_somebody_is_at_work_on_is_not_sent_as_well(world):
    """A process that serves both queues takes commands from memory and keeps their rows until they are over."""
    instance = world.start(f"tasks:\n  a: {NOOP}}}\n  b: {{needs: a, {NOOP[1:]}}}\n")
    (first,) = world.queued()
    world.advancer.flush()
    (kept,) = world.advancer.advance([Notification(instance=instance, scope="", event=_done(first))]).messages
    world.leases.renew([lease_of(kept.body)])
    for _ in range(4):
        world.move(5_000)
        assert world.relay.run_once() in {0, 1}
        assert world.queued() == []
    world.leases.release([lease_of(kept.body)])  # it died
    world.move(5_000)
    assert world.relay.run_once() == 1
    assert [command["path"] for command in world.queued()] == ["b"]
    assert world.waiting_in_outbox() == 0


def test_an_outage_costs_no_row_a_try(world):
    row(world, "r1", "{}")
    world.faults.broker_down = True
    for _ in range(7):
        with pytest.raises(Unavailable):
            world.relay.run_once()
        world.move(2_000)
    assert world.parked() == 0
    world.faults.broker_down = False
    world.move(20_000)
    assert world.relay.run_once() == 1
    assert world.queued() == [{}]


@pytest.mark.parametrize(
    "poison",
    [
        '{"text": "\\ud800"}',
        '{"number": 1e999}',
        '{"number": 123456789012345678901234567890}',
        '"no command"',
        "[" * 5000 + "]" * 5000,
    ],
    ids=["surrogate", "infinity", "huge", "text", "deep"],
)
def test_a_row_made_by_hand_holds_up_no_other(world, poison):
    """It is sent if it can be, for the worker to refuse, or it is parked after five tries."""
    row(world, "a-poison", poison)
    row(world, "b-good", '{"good": true}')
    world.relay.run_once()
    assert {"good": True} in world.queued()
    for _ in range(6):
        world.move(20_000)
        world.relay.run_once()
    assert world.waiting_in_outbox() == 0
    assert world.parked() in {0, 1}
    assert ids(world) in ([], ["a-poison"])


def test_a_row_that_cannot_be_sent_is_parked_the_fifth_time(world, monkeypatch):
    row(world, "a-poison", '{"poison": true}')
    row(world, "b-good", '{"good": true}')
    publish = world.publisher.publish

    def picky(messages):
        if any("poison" in message.body for message in messages):
            raise ValueError("it does not fit the wire")
        publish(messages)

    monkeypatch.setattr(world.publisher, "publish", picky)
    world.relay.run_once()
    assert world.queued() == [{"good": True}]
    for tries in range(2, 6):
        assert world.parked() == 0
        world.move(2_000)
        assert world.relay.run_once() == 1, tries
    assert world.parked() == 1
    world.move(60_000)
    assert world.relay.run_once() == 0
