"""In one process commands and outcomes skip the queues, and a crash would still lose nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from threading import Event

import pytest

from engine.adapters.broker.connect import Broker
from engine.app.advance import Advanced
from engine.core.keys import lease_key
from engine.errors import Malformed, Unavailable
from engine.workers import batcher
from engine.workers.combined_worker import CombinedWorker
from tests.servers import wait_until
from tests.workers.doubles import IDLE, Reader, RecordingAdvancer, ScriptedPerformer, notification, run_task

LENGTH = 5


def chain(one) -> Advanced:
    """Each instance has LENGTH tasks, one after another."""
    attempt = one.event.get("attempt", 0)
    if one.event["type"] == "TaskStarted":
        return Advanced()
    if attempt == LENGTH:
        return Advanced(finished=(one.instance,))
    return Advanced(messages=(row(one.instance, attempt + 1),))


def row(instance: str, attempt: int = 1, does: str = "succeed"):
    return replace(run_task(instance, attempt=attempt, does=does), id=f"{instance}/{attempt}")


@pytest.fixture
def combined(performer: ScriptedPerformer) -> Iterator[Callable[..., CombinedWorker]]:
    started: list[CombinedWorker] = []

    def starter(broker: Broker, advancer: RecordingAdvancer, *, threads: int = 4) -> CombinedWorker:
        worker = CombinedWorker(broker, performer, advancer, threads=threads, idle=IDLE)
        worker.start()
        started.append(worker)
        return worker

    yield starter
    performer.release.set()
    for worker in started:
        if not worker._tasks._stopped.is_set():
            worker.stop(8)


def deleted(advancer: RecordingAdvancer) -> list[str]:
    return sorted(advancer.published + advancer.deleted)


def watched(function, called: Event):
    def calls(*args):
        called.set()
        return function(*args)

    return calls


def test_chains_run_to_their_end_and_every_row_is_deleted_once(broker, combined, performer):
    advancer = RecordingAdvancer(chain)
    combined(broker, advancer)
    names = [f"i{n}" for n in range(50)]
    broker.publisher.publish([notification(name, attempt=0) for name in names])
    wait_until(lambda: len(advancer.taken) == 50 * (LENGTH + 1), what="all events")
    rows = sorted(f"{name}/{attempt}" for name in names for attempt in range(1, LENGTH + 1))
    wait_until(lambda: deleted(advancer) == rows, what="the deletion of all rows")
    assert sorted(performer.started) == sorted(names * LENGTH)
    for queue in ("tasks", "notifications"):
        wait_until(lambda queue=queue: not broker.dramatiq.queues[queue].unsettled(), what="the end")
    leases = [lease_key(name, "build", 1) for name in names]
    wait_until(lambda: not any(broker.leases.held(leases)), what="a beat after those that brought a lease back")


def test_a_row_stays_until_the_outcome_of_its_command_is_committed(broker, combined, performer):
    def answer(one) -> Advanced:
        return Advanced(messages=(row("a", does="wait"),)) if one.event["type"] == "E" else Advanced()

    advancer = RecordingAdvancer(answer)
    combined(broker, advancer)
    broker.publisher.publish([notification("a")])
    wait_until(lambda: performer.running == 1, what="the start")
    broker.publisher.publish([row("a")])  # as the relay would, after a second
    wait_until(lambda: len(advancer.taken) == 2, what="TaskStarted")
    broker.publisher.publish([row("a"), run_task("other")])
    wait_until(lambda: "other" in performer.started, what="the one behind the double")
    assert deleted(advancer) == []
    performer.release.set()
    wait_until(lambda: deleted(advancer) == ["a/1"], what="the row's deletion")


def test_a_row_stays_while_the_outcome_of_its_command_is_put_back(broker, combined, performer, monkeypatch):
    monkeypatch.setattr(batcher, "HELD_AT_MOST", 1_000)

    def answer(one) -> Advanced:
        if one.instance != "a" or one.event["type"] != "E":
            return Advanced()
        advancer.held = {"a"}
        return Advanced(messages=(row("a"),))

    advancer = RecordingAdvancer(answer)
    combined(broker, advancer)
    broker.publisher.publish([notification("a")])
    wait_until(lambda: performer.started == ["a"] and advancer.batches[-1] == [], what="the outcome, put back")
    broker.publisher.publish([notification("other")])
    wait_until(lambda: advancer.taken == ["a", "other"], what="another instance's event")
    assert deleted(advancer) == []
    advancer.held = set()
    wait_until(lambda: deleted(advancer) == ["a/1"], what="the row's deletion")


def test_a_lease_is_kept_while_the_relay_is_at_the_row(broker, combined, performer, monkeypatch):
    """Of a command that is over. The relay puts off what has a lease, and would send what has none."""
    monkeypatch.setattr(batcher, "HELD_AT_MOST", 1_000)
    advancer = RecordingAdvancer(
        lambda one: Advanced(messages=(row("a", does="wait"),)) if one.event["type"] == "E" else Advanced()
    )
    asked = Event()
    advancer.left, advancer.delete = {"a/1"}, watched(advancer.delete, asked)
    combined(broker, advancer)
    broker.publisher.publish([notification("a")])
    wait_until(lambda: performer.running == 1, what="the start")
    performer.release.set()
    assert asked.wait(30)
    assert list(broker.leases.held([lease_key("a", "build", 1)])) == [True]
    assert deleted(advancer) == []
    advancer.left = set()
    wait_until(lambda: deleted(advancer) == ["a/1"], what="the row's deletion")
    wait_until(lambda: not any(broker.leases.held([lease_key("a", "build", 1)])), what="the end of the lease")


def test_a_relay_that_never_ends_is_waited_for_a_while(broker, combined, performer, monkeypatch):
    monkeypatch.setattr(batcher, "HELD_AT_MOST", 0.05)
    advancer = RecordingAdvancer(chain)
    advancer.left = {"a/1"}
    combined(broker, advancer)
    broker.publisher.publish([notification("a", attempt=0)])
    wait_until(lambda: len(deleted(advancer)) == LENGTH - 1, what="the other rows")
    advancer.left = set()
    wait_until(lambda: deleted(advancer) == sorted(f"a/{n}" for n in range(1, LENGTH + 1)), what="that row too")


def test_a_database_that_is_away_when_rows_are_deleted_is_asked_again(broker, combined):
    advancer = RecordingAdvancer(chain)
    really, tries = advancer.delete, []

    def fails_once(published):
        tries.append(published)
        if len(tries) == 1:
            raise Unavailable("the database", "it restarts")
        return really(published)

    advancer.delete, advancer.left = fails_once, {f"a/{LENGTH}"}
    combined(broker, advancer)
    broker.publisher.publish([notification("a", attempt=0)])
    wait_until(lambda: len(tries) >= 2, what="a second try")
    advancer.left = set()
    wait_until(lambda: len(deleted(advancer)) == LENGTH, what="all rows")


@pytest.mark.redis
def test_what_does_not_fit_is_published(redis_url, open_broker, combined, performer):
    advancer = RecordingAdvancer(
        lambda one: (
            Advanced(messages=tuple(row(f"t{n}", does="wait") for n in range(10)))
            if one.event["type"] == "E"
            else Advanced()
        )
    )
    elsewhere = Reader(open_broker(redis_url), "tasks")
    broker = open_broker(redis_url)
    combined(broker, advancer, threads=2)
    broker.publisher.publish([notification("a")])
    assert len(elsewhere.wait_for(8)) == 8
    assert performer.running == 2
    wait_until(lambda: len(deleted(advancer)) == 8, what="the deletion of the published rows")


def test_what_was_handed_over_and_is_not_done_at_the_end_is_left_to_its_row(broker, combined, performer):
    advancer = RecordingAdvancer(
        lambda one: Advanced(messages=(row("a", does="until stopped"),)) if one.event["type"] == "E" else Advanced()
    )
    worker = combined(broker, advancer)
    broker.publisher.publish([notification("a")])
    wait_until(lambda: performer.running == 1, what="the start")
    worker.stop(8.2)
    assert deleted(advancer) == []
    assert list(broker.leases.held([lease_key("a", "build", 1)])) == [False]
    worker.join()


def test_an_outcome_that_cannot_be_taken_becomes_a_failure(broker, combined):
    def answer(one) -> Advanced:
        if one.event["type"] == "TaskSucceeded":
            raise Malformed("a lone surrogate")
        if one.event["type"] == "TaskFailed":
            assert one.event["error"]["kind"] == "internal"
        return Advanced(messages=(row("a"),)) if one.event["type"] == "E" else Advanced()

    advancer = RecordingAdvancer(answer)
    combined(broker, advancer)
    broker.publisher.publish([notification("a")])
    wait_until(lambda: len(advancer.taken) == 2 and deleted(advancer) == ["a/1"], what="the failure")
    assert advancer.rejected == [("a", "a lone surrogate")]
