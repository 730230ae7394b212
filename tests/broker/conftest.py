"""One broker of each kind, and short ways to read from them."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from engine.adapters.broker.connect import Broker, connect
from engine.adapters.broker.consumer import QueueConsumer
from engine.adapters.broker.held import Held
from engine.adapters.broker.intake import Intake

LEASE_MS = 300

KINDS = ["memory", pytest.param("redis", marks=pytest.mark.redis)]


@pytest.fixture(params=KINDS)
def broker_url(request: pytest.FixtureRequest) -> str:
    return "memory://" if request.param == "memory" else request.getfixturevalue("redis_url")


@pytest.fixture
def open_broker() -> Iterator[Callable[[str], Broker]]:
    opened: list[Broker] = []

    def opener(url: str) -> Broker:
        opened.append(connect(url, lease_ms=LEASE_MS))
        return opened[-1]

    yield opener
    for broker in opened:
        broker.close()


@pytest.fixture
def broker(broker_url: str, open_broker: Callable[[str], Broker]) -> Broker:
    return open_broker(broker_url)


def read(broker: Broker, queue: str, *, window: int = 100, timeout_ms: int = 50) -> QueueConsumer:
    if queue not in broker.dramatiq.get_declared_queues():
        broker.dramatiq.serve(queue, Intake(window=window))
    return broker.dramatiq.consume(queue, timeout=timeout_ms)


def take_all(consumer: QueueConsumer) -> list[Held]:
    found = []
    while (message := next(consumer)) is not None:
        found.append(message)
    return found
