"""A broker of each kind and workers that are stopped at the end."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
import structlog

from engine.adapters.broker.connect import Broker, connect
from engine.workers.notification_worker import NotificationWorker
from engine.workers.task_worker import TaskWorker
from tests.workers.doubles import IDLE, RecordingAdvancer, ScriptedPerformer

KINDS = ["memory", pytest.param("redis", marks=pytest.mark.redis)]


@pytest.fixture(autouse=True)
def _plain_tracebacks() -> Iterator[None]:
    """Drawing a traceback takes structlog's console a second."""
    renderer = structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)
    structlog.configure(processors=[structlog.processors.add_log_level, renderer])
    yield
    structlog.reset_defaults()


@pytest.fixture(params=KINDS)
def broker_url(request: pytest.FixtureRequest) -> str:
    return "memory://" if request.param == "memory" else request.getfixturevalue("redis_url")


@pytest.fixture
def open_broker() -> Iterator[Callable[..., Broker]]:
    opened: list[Broker] = []

    def opener(url: str, *, lease_ms: int = 5000) -> Broker:
        opened.append(connect(url, lease_ms=lease_ms))
        return opened[-1]

    yield opener
    for broker in opened:
        broker.close()


@pytest.fixture
def broker(broker_url: str, open_broker: Callable[..., Broker]) -> Broker:
    return open_broker(broker_url)


@pytest.fixture
def performer() -> ScriptedPerformer:
    return ScriptedPerformer()


@pytest.fixture
def advancer() -> RecordingAdvancer:
    return RecordingAdvancer()


@pytest.fixture
def task_worker(performer: ScriptedPerformer) -> Iterator[Callable[..., TaskWorker]]:
    started: list[TaskWorker] = []

    def starter(broker: Broker, *, performer=performer, threads: int = 4, queues=("tasks",)) -> TaskWorker:
        worker = TaskWorker(broker, performer, threads=threads, queues=queues, idle=IDLE)
        worker.start()
        started.append(worker)
        return worker

    yield starter
    performer.release.set()
    for worker in started:
        if not worker._stopped.is_set():
            worker.stop(5)


@pytest.fixture
def notification_worker(advancer: RecordingAdvancer) -> Iterator[Callable[..., NotificationWorker]]:
    started: list[NotificationWorker] = []

    def starter(broker: Broker, *, advancer=advancer) -> NotificationWorker:
        worker = NotificationWorker(broker, advancer, idle=IDLE)
        worker.start()
        started.append(worker)
        return worker

    yield starter
    for worker in started:
        if not worker._stopped.is_set():
            worker.stop(5)
