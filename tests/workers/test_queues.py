"""Which task queues a process reads: those it is told, or all that something is sent to."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from engine.adapters.broker.connect import Broker
from engine.app.records import Message
from engine.workers.combined_worker import CombinedWorker
from engine.workers.task_worker import TaskWorker
from tests.broker.conftest import read, take_all
from tests.servers import wait_until
from tests.workers.doubles import IDLE, RecordingAdvancer, ScriptedPerformer, run_task


def sent(instance: str, queue: str) -> Message:
    return run_task(instance, queue=queue)


def done(performer: ScriptedPerformer) -> list[str]:
    return sorted(performer.started)


@pytest.fixture
def following(broker: Broker, performer: ScriptedPerformer) -> Iterator[CombinedWorker]:
    worker = CombinedWorker(broker, performer, RecordingAdvancer(), threads=2, idle=IDLE, follow=True)
    worker.start()
    yield worker
    performer.release.set()
    worker.stop(8)


def test_who_is_told_to_reads_these_queues_and_no_other(broker: Broker, performer: ScriptedPerformer):
    worker = TaskWorker(broker, performer, threads=2, queues=("gpu", "slow"), idle=IDLE)
    worker.start()
    try:
        broker.publisher.publish([sent("i1", "gpu"), sent("i2", "slow"), sent("i3", "tasks")])
        wait_until(lambda: done(performer) == ["i1", "i2"])
    finally:
        worker.stop(8)
    assert [message.body["instance"] for message in take_all(read(broker, "tasks"))] == ["i3"]


def test_who_follows_reads_whatever_something_is_sent_to(broker: Broker, performer: ScriptedPerformer, following):
    broker.publisher.publish([sent("i1", "tasks"), sent("i2", "gpu")])
    wait_until(lambda: done(performer) == ["i1", "i2"])
    broker.publisher.publish([sent("i3", "slow"), sent("i4", "gpu")])
    wait_until(lambda: done(performer) == ["i1", "i2", "i3", "i4"])
