"""A worker without threads of its own works on messages where they are fetched."""

from __future__ import annotations

import threading

import dramatiq
import pytest

from engine.adapters.broker.connect import Broker
from engine.adapters.broker.intake import Intake
from engine.adapters.broker.wire import PERFORM
from engine.core.values import JsonObject
from engine.workers.queue_worker import QueueWorker
from tests.servers import wait_until
from tests.workers.doubles import IDLE, run_task


def test_without_threads_a_message_is_worked_on_by_whoever_fetched_it(broker: Broker):
    """One that its actor cannot take is dropped, as ever, and holds up nobody."""
    seen: list[tuple[str, str]] = []

    def take(command: JsonObject) -> None:
        seen.append((command["instance"], type(threading.current_thread()).__name__))
        if command["instance"] == "bad":
            raise ValueError("no")

    broker.dramatiq.serve("tasks", Intake(window=10))
    dramatiq.actor(broker=broker.dramatiq, actor_name=PERFORM, queue_name="tasks")(take)
    worker = QueueWorker(broker.dramatiq, ["tasks"], threads=0, idle=IDLE)
    worker.start()
    try:
        broker.publisher.publish([run_task("bad"), run_task("good")])
        wait_until(lambda: len(seen) == 2, what="both")
        assert sorted(seen) == [("bad", "_Reader"), ("good", "_Reader")]
        wait_until(lambda: not broker.dramatiq.queues["tasks"].unsettled(), what="the acknowledgements")
    finally:
        assert worker.end(5)


def test_an_actor_gets_all_that_it_was_sent(broker: Broker):
    seen: list[tuple[int, str]] = []
    broker.dramatiq.serve("tasks", Intake(window=10))
    actor = dramatiq.actor(broker=broker.dramatiq, actor_name="other", queue_name="tasks")(
        lambda number, *, name: seen.append((number, name))
    )
    worker = QueueWorker(broker.dramatiq, ["tasks"], threads=1, idle=IDLE)
    worker.start()
    try:
        actor.send(4, name="four")
        wait_until(lambda: seen == [(4, "four")], what="the call")
    finally:
        assert worker.end(5)


@pytest.mark.parametrize("threads", [0, 2])
def test_what_no_actor_is_for_is_dropped(broker: Broker, threads: int):
    seen: list[str] = []
    broker.dramatiq.serve("tasks", Intake(window=10))
    dramatiq.actor(broker=broker.dramatiq, actor_name=PERFORM, queue_name="tasks")(
        lambda body: seen.append(body["instance"])
    )
    worker = QueueWorker(broker.dramatiq, ["tasks"], threads=threads, idle=IDLE)
    worker.start()
    try:
        broker.dramatiq.enqueue(
            dramatiq.Message(queue_name="tasks", actor_name="nobody", args=({},), kwargs={}, options={})
        )
        broker.publisher.publish([run_task("behind")])
        wait_until(lambda: seen == ["behind"], what="the one behind it")
        wait_until(lambda: not broker.dramatiq.queues["tasks"].unsettled(), what="the acknowledgements")
    finally:
        assert worker.end(5)
