"""In one process commands and outcomes skip the queues, and a crash would still lose nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest

from engine.adapters.broker.connect import Broker
from engine.app.advance import Advanced
from engine.core.keys import lease_key
from engine.errors import Malformed
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
    return sorted(advancer.published + advancer.flushed)


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
