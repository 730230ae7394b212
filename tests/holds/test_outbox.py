"""The relay's port: every committed row is claimed, a poison row is parked and blocks nobody."""

from __future__ import annotations

import random
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from threading import Event

import pytest
import sqlalchemy as sa

from engine.adapters.databases.connect import InstancesDatabase, open_instances
from engine.adapters.databases.outbox import TRIES
from engine.adapters.databases.postgres import outbox as outbox_on_postgres
from engine.adapters.databases.postgres import reach
from engine.adapters.databases.postgres.reach import LATE, Reach
from engine.adapters.databases.tables import outbox
from engine.app.records import Message, Record
from engine.errors import Unavailable
from tests.holds.given import message, record
from tests.servers import wait_until


def make_due(stores: InstancesDatabase) -> None:
    with stores._database.writing() as connection:
        connection.execute(sa.update(outbox).values(publish_after=outbox.c.publish_after - 60_000))


def claim(stores: InstancesDatabase, limit: int = 500) -> list[str]:
    with stores.outbox.claim(limit) as claimed:
        return [row.id for row in claimed.rows]


def test_a_fresh_row_is_its_writers_for_a_second(stores: InstancesDatabase):
    record(stores, Record(outbox=[message("m1")]))
    assert claim(stores) == []
    wait_until(lambda: claim(stores) == ["m1"], what="the row's time")
    assert stores.outbox.size() == (0, 0)


def test_a_claim_gives_back_the_message_and_deletes_it(stores: InstancesDatabase):
    record(stores, Record(outbox=[message("m1", queue="gpu", body={"n": [1, None]})]))
    make_due(stores)
    with stores.outbox.claim() as claimed:
        (row,) = claimed.rows
        assert (row.id, row.queue, row.body, row.attempts) == ("m1", "gpu", {"n": [1, None]}, 0)
    assert stores.outbox.size() == (0, 0)


def test_a_claim_that_fails_keeps_the_rows_as_they_were(stores: InstancesDatabase):
    record(stores, Record(outbox=[message("m1"), message("m2")]))
    make_due(stores)
    with pytest.raises(Unavailable), stores.outbox.claim() as claimed:  # noqa: PT012 - the block is what is tested
        claimed.failed("m1", "this does not count")
        raise Unavailable("the broker")
    with stores.outbox.claim() as claimed:
        assert {(row.id, row.attempts) for row in claimed.rows} == {("m1", 0), ("m2", 0)}


def test_a_row_that_fails_is_counted_and_parked_the_fifth_time(stores: InstancesDatabase):
    record(stores, Record(outbox=[message("poison"), message("good")]))
    for attempt in range(TRIES):
        make_due(stores)
        with stores.outbox.claim() as claimed:
            poison = next(row for row in claimed.rows if row.id == "poison")
            assert poison.attempts == attempt
            claimed.failed("poison", "no\0pe \ud800")
        assert claim(stores) == []  # not at once again
    make_due(stores)
    assert claim(stores) == []
    assert stores.outbox.size() == (0, 1)


def test_the_limit_holds_and_the_oldest_go_first(stores: InstancesDatabase):
    record(stores, Record(outbox=[message("a")]))
    make_due(stores)
    record(stores, Record(outbox=[message(name) for name in "bcd"]))
    make_due(stores)
    assert claim(stores, 1) == ["a"]
    assert len(claim(stores, 2)) == 2


@pytest.mark.parametrize(
    "body",
    [{"a": "\0"}, {"a": "\ud800"}, {"a": float("nan")}, {"a": object()}, {"fine": 1}],
    ids=["nul", "surrogate", "nan", "object", "fine"],
)
def test_anything_can_be_parked(stores: InstancesDatabase, body: dict[str, object]):
    stores.outbox.park(Message(queue="notifications", body=body), "cannot be \0 read \ud800")
    make_due(stores)
    assert claim(stores) == []
    assert stores.outbox.size() == (0, 1)


def test_a_message_of_a_newer_version_comes_again_four_times(stores: InstancesDatabase):
    newer = Message(queue="tasks", body={"type": "Undo"})
    for attempt in range(1, TRIES):
        assert stores.outbox.put_off(newer, "unknown \0 command")
        assert stores.outbox.size() == (1, 0)
        for _ in range(2 ** (attempt - 1)):
            assert claim(stores) == []  # not before 1, 2, 4 and 8 minutes are over
            make_due(stores)
        with stores.outbox.claim() as claimed:
            (row,) = claimed.rows
            assert (row.queue, row.body, row.attempts) == ("tasks", {"type": "Undo"}, attempt)
        newer = Message(queue=row.queue, body=row.body, attempts=row.attempts)
    assert not stores.outbox.put_off(newer, "unknown command")
    assert stores.outbox.size() == (0, 0)


def test_rows_under_claim_are_skipped_by_other_claims(stores: InstancesDatabase):
    record(stores, Record(outbox=[message(f"m{number}") for number in range(10)]))
    make_due(stores)
    with stores.outbox.claim(6) as first, ThreadPoolExecutor(1) as other:
        second = other.submit(claim, stores).result(10)
        ids = {row.id for row in first.rows}
    assert len(ids) == 6
    assert len(second) == 4
    assert ids.isdisjoint(second)


def test_a_writer_does_not_wait_for_the_relay(stores: InstancesDatabase):
    record(stores, Record(outbox=[message("m1")]))
    make_due(stores)
    with stores.outbox.claim(), ThreadPoolExecutor(1) as writer:
        writer.submit(record, stores, Record(published=["m1"], outbox=[message("m2")])).result(5)
    assert stores.outbox.size() == (1, 0)


def test_every_committed_row_is_claimed_whatever_order_transactions_end_in(database_url: str):
    """With a cursor over ids half of the rows would never be seen; tests/faults/test_r14_gap.py has relays do it."""
    stores = open_instances(database_url)
    rows, longest = 200, 0.01
    done, dice = Event(), random.Random(14)
    pauses = [dice.uniform(0, longest) for _ in range(rows)]

    def write(number: int) -> str | None:
        with stores.store.lock([]) as locked:
            done.wait(pauses[number])  # others commit meanwhile, in another order
            if number % 5 == 0:
                return None
            locked.record(Record(outbox=[message(f"m{number}")]))
        return f"m{number}"

    def relay() -> list[str]:
        seen = []
        while not done.is_set() or stores.outbox.size() != (0, 0):
            make_due(stores)
            seen += claim(stores, 7)
        return seen

    with ThreadPoolExecutor(10) as threads:
        relays = [threads.submit(relay) for _ in range(2)]
        committed = [name for name in threads.map(write, range(rows)) if name]
        done.set()
        claimed = [name for one in relays for name in one.result(60)]
    stores.close()
    assert len(committed) == rows * 4 // 5
    assert set(claimed) == set(committed)  # `make_due` may void a claim on SQLite: twice is allowed, never is not


@pytest.fixture
def bloated(postgres_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[InstancesDatabase]:
    """Stores on PostgreSQL whose outbox passes for full of dead rows; tests/faults/test_r15_bloat.py has them."""
    monkeypatch.setattr(reach, "MANY", 0)
    opened = open_instances(postgres_url)
    yield opened
    opened.close()


def late(stores: InstancesDatabase, name: str, seconds: float) -> None:
    """A row that is committed this long after its time."""
    with stores._database.writing() as connection:
        time = stores._database.now() - int(seconds * 1000)
        connection.execute(sa.insert(outbox).values(id=name, queue="tasks", body={}, publish_after=time))


@pytest.mark.postgres
def test_what_is_committed_late_is_found_among_dead_rows(bloated: InstancesDatabase):
    assert claim(bloated) == []
    late(bloated, "m1", LATE / 1000 - 2)
    assert claim(bloated) == ["m1"]


@pytest.mark.postgres
def test_what_is_committed_too_late_waits_for_a_whole_look(bloated: InstancesDatabase, monkeypatch: pytest.MonkeyPatch):
    assert claim(bloated) == []
    late(bloated, "m1", LATE / 1000 + 2)
    late(bloated, "m0", 2**40)
    assert claim(bloated) == []  # else every look would walk past all that is dead
    monkeypatch.setattr(reach, "WHOLE", 0.0)
    assert claim(bloated) == ["m0", "m1"]


@pytest.mark.postgres
def test_a_relay_that_starts_looks_at_everything(bloated: InstancesDatabase, postgres_url: str):
    assert claim(bloated) == []
    late(bloated, "m1", 600)
    assert claim(bloated) == []
    started = open_instances(postgres_url)
    assert claim(started) == ["m1"]
    assert Reach().within(started._database, 0.0).compare(sa.true())  # also on a machine that has just started
    started.close()


@pytest.mark.postgres
def test_what_a_look_found_is_within_the_next_one(bloated: InstancesDatabase):
    """Whether it was not published, was beyond the limit, or came to what it left behind."""
    late(bloated, "m1", 600)
    late(bloated, "m2", 599)
    for _ in range(2):
        with pytest.raises(Unavailable), bloated.outbox.claim(1) as claimed:  # noqa: PT012 - the block is what is tested
            assert [row.id for row in claimed.rows] == ["m1"]
            raise Unavailable("the broker")
    assert claim(bloated, 1) == ["m1"]
    late(bloated, "m3", 605)
    assert claim(bloated) == ["m3", "m2"]
    assert claim(bloated) == []


@pytest.mark.parametrize("time", [0, -1, -(2**63)])
def test_a_row_made_by_hand_may_have_any_time(stores: InstancesDatabase, monkeypatch: pytest.MonkeyPatch, time: int):
    monkeypatch.setattr(reach, "MANY", 0)
    with stores._database.writing() as connection:
        connection.execute(sa.insert(outbox).values(id="m1", queue="tasks", body={}, publish_after=time))
    late(stores, "m2", 600)
    with pytest.raises(Unavailable), stores.outbox.claim(1) as claimed:  # noqa: PT012 - the block is what is tested
        assert [row.id for row in claimed.rows] == ["m1"]
        raise Unavailable("the broker")
    assert set(claim(stores)) >= {"m2"}
    monkeypatch.setattr(reach, "WHOLE", 0.0)
    claim(stores)
    assert stores.outbox.size() == (0, 0)


@pytest.mark.postgres
def test_a_look_that_failed_was_none(bloated: InstancesDatabase, monkeypatch: pytest.MonkeyPatch):
    late(bloated, "m1", 600)
    with monkeypatch.context() as broken:
        broken.setattr(outbox_on_postgres, "read_claim", _unavailable)
        with pytest.raises(Unavailable):
            claim(bloated)
    assert claim(bloated) == ["m1"]


@pytest.mark.postgres
def test_where_few_rows_are_dead_every_look_is_whole(postgres_url: str):
    stores = open_instances(postgres_url)
    assert claim(stores) == []
    late(stores, "m1", 2**40)
    assert claim(stores) == ["m1"]
    stores.close()


def _unavailable(*_: object) -> None:
    raise Unavailable("the database")
