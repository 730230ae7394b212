"""From a URL to everything a process needs of its broker. Nobody else knows which one it is (law 6)."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Protocol
from urllib.parse import urlsplit

from engine.adapters.broker.held import Held
from engine.adapters.broker.memory_leases import MemoryLeases
from engine.adapters.broker.memory_signals import MemorySignals
from engine.adapters.broker.memory_transport import MemoryTransport
from engine.adapters.broker.publisher import QueuePublisher
from engine.adapters.broker.queue_broker import QueueBroker
from engine.adapters.broker.transport import Transport
from engine.app.figures import QueueFigures
from engine.app.ports import Leases, Publisher, Signals
from engine.app.records import Message
from engine.errors import Misconfigured

LEASE_MS = 30_000
"""Milliseconds after which a silent process is taken for dead."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Broker:
    """The two queues' sending side, leases, signals, and Dramatiq's broker for those who read. Safe to share between threads."""

    publisher: Publisher
    leases: Leases
    signals: Signals
    dramatiq: QueueBroker
    queues: Callable[[], Collection[str]]
    """The names of the queues that are in use. Raises Unavailable."""
    figures: Callable[[], Sequence[QueueFigures]]
    """What every queue holds, and who reads it. Raises Unavailable."""
    ping: Callable[[], None]
    """Raises Unavailable."""
    close: Callable[[], None]
    """Give back unacknowledged messages and let go of connections. Workers stop before."""

    def settle(
        self,
        *,
        publish: Sequence[Message] = (),
        ack: Sequence[Held] = (),
        release: Sequence[str] = (),
        changed: Collection[str] = (),
    ) -> None:
        """End a batch in one step; see `QueueBroker.settle`."""
        self.dramatiq.settle(publish=publish, ack=ack, release=release, changed=changed)


class _Closing(Signals, Protocol):
    def close(self) -> None: ...


def connect(url: str, *, lease_ms: int = LEASE_MS, namespace: str = "headrace") -> Broker:
    """`memory://` or `redis://…` (also `rediss://`, `unix://`). Connects when first used. Raises Misconfigured.

    `memory://` gives queues of its own at every call: a process that wants to talk to itself calls this once.
    """
    scheme = urlsplit(url).scheme
    if scheme == "memory":
        return _memory(lease_ms)
    if scheme in {"redis", "rediss", "unix"}:
        return _redis(url, lease_ms, namespace)
    raise Misconfigured("HEADRACE_BROKER_URL", f"{scheme or url!r} is neither memory:// nor redis://")


def _memory(lease_ms: int) -> Broker:
    leases, signals = MemoryLeases(ms=lease_ms), MemorySignals()
    return _broker(MemoryTransport(leases, signals), leases, signals)


def _redis(url: str, lease_ms: int, namespace: str) -> Broker:
    from engine.adapters.broker.redis_client import open_client
    from engine.adapters.broker.redis_leases import RedisLeases
    from engine.adapters.broker.redis_names import Names
    from engine.adapters.broker.redis_signals import RedisSignals
    from engine.adapters.broker.redis_transport import RedisTransport

    client, names = open_client(url), Names(namespace)
    # A dead reader's messages must not come back before its leases have run out: whoever fetched them then would find
    # them leased and drop them. Hence the margin of two heartbeats.
    transport = RedisTransport(client, names, lease_ms=lease_ms, dead_after=int(lease_ms * 1.1))
    leases = RedisLeases(client, names, ms=lease_ms, owner=transport.broker_id)
    return _broker(transport, leases, RedisSignals(client, names))


def _broker(transport: Transport, leases: Leases, signals: _Closing) -> Broker:
    dramatiq = QueueBroker(transport)

    def close() -> None:
        signals.close()
        dramatiq.close()

    return Broker(
        publisher=QueuePublisher(dramatiq, transport),
        leases=leases,
        signals=signals,
        dramatiq=dramatiq,
        queues=transport.queues,
        figures=transport.figures,
        ping=transport.ping,
        close=close,
    )
