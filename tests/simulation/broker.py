"""Redis in memory: queues, what each reader has fetched, leases, and a marker that goes with everything else when it is wiped."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from engine.adapters.broker.connect import LEASE_MS, Broker
from engine.adapters.broker.publisher import QueuePublisher
from engine.adapters.broker.queue_broker import QueueBroker
from engine.adapters.broker.transport import CANCEL_SECONDS
from engine.adapters.broker.wire import Envelope, Fetched, priority_of
from engine.app.figures import QueueFigures
from engine.app.ports import Standing
from tests.simulation.faults import Weather
from tests.simulation.kernel import MS, SECOND, Kernel, Process
from tests.simulation.threads import Event

DEAD_AFTER = int(LEASE_MS * 1.1) * MS
"""Ticks for which a reader may be silent."""


class Redis:
    """The server. Time is its own."""

    def __init__(self, kernel: Kernel, weather: Weather) -> None:
        self.kernel = kernel
        self.weather = weather
        self.process = Process("redis")
        self.generation = "g1"
        self.ready: dict[str, list[Envelope]] = {}
        self.fetched: dict[tuple[str, str], dict[str, Envelope]] = {}
        """By reader and queue."""
        self.filled: dict[str, Event] = {}
        self._leases: dict[str, tuple[str, int]] = {}
        self._taken_for: dict[str, str] = {}
        """By lease that has not been renewed: the message it was taken for."""
        self._cancels: dict[str, int] = {}
        self._wiped = 1

    def wipe(self) -> None:
        """FLUSHALL."""
        self.weather.count("broker wiped")
        self._wiped += 1
        self.generation = f"g{self._wiped}"
        for kept in (self.ready, self.fetched, self._leases, self._taken_for, self._cancels):
            kept.clear()

    def push(self, envelope: Envelope) -> None:
        """A message arrives as its fate has it."""
        for after in self.weather.fate():
            if not after:
                self.put(envelope)
                continue

            def arrive(after: int = after) -> None:
                self.kernel.sleep(after)
                self.put(envelope)

            self.kernel.spawn(self.process, arrive, "late message")

    def put(self, envelope: Envelope) -> None:
        """At the end of its queue, before those of lower priority."""
        ready = self.ready.setdefault(envelope.queue, [])
        rank = priority_of(envelope.id)
        place = len(ready)
        while rank and place and priority_of(ready[place - 1].id) < rank:
            place -= 1
        ready.insert(place, envelope)
        self.queue_event(envelope.queue).set()

    def queue_event(self, queue: str) -> Event:
        """Set when something is put there."""
        return self.filled.setdefault(queue, Event())

    def take(self, reader: str, queue: str, limit: int) -> list[Fetched]:
        """For this reader, until it acknowledges; with the leases that nobody has."""
        ready = self.ready.get(queue, [])
        taken, self.ready[queue] = ready[:limit], ready[limit:]
        self.fetched.setdefault((reader, queue), {}).update((envelope.id, envelope) for envelope in taken)
        return [Fetched(envelope.id, envelope.data, self._lease(reader, envelope)) for envelope in taken]

    def put_back(self, reader: str, queue: str, ids: Collection[str]) -> None:
        """What this reader holds of these."""
        held = self.fetched.get((reader, queue), {})
        for one in ids:
            if one in held:
                envelope = held.pop(one)
                if envelope.lease and self.holder(envelope.lease) == reader:
                    self._free(envelope.lease, one)
                self.put(envelope)

    def bury(self, reader: str, *, at_once: bool = False) -> None:
        """A reader is silent: what it has fetched comes back once it counts as dead."""

        def come_back() -> None:
            if not at_once:
                self.kernel.sleep(DEAD_AFTER)
            for holder, queue in list(self.fetched):
                if holder == reader:
                    self.put_back(reader, queue, list(self.fetched[holder, queue]))

        self.kernel.spawn(self.process, come_back, "dead reader")

    def holder(self, lease: str) -> str | None:
        """Who has a lease now."""
        found = self._leases.get(lease)
        return found[0] if found and found[1] > self.kernel.now else None

    def hold(self, lease: str, owner: str) -> Standing:
        """Give it to this owner, unless another one has it."""
        if self.holder(lease) not in (None, owner):
            return "lost"
        self._leases[lease] = owner, self.kernel.now + LEASE_MS * MS
        self._taken_for.pop(lease, None)
        return "cancelled" if self._cancels.get(lease, 0) > self.kernel.now else "ours"

    def _lease(self, reader: str, envelope: Envelope) -> Standing | None:
        lease = envelope.lease
        if lease is None:
            return None
        if self.holder(lease) is not None:
            return "lost"
        standing = self.hold(lease, reader)
        self._taken_for[lease] = envelope.id
        return standing

    def _free(self, lease: str, message: str) -> None:
        if self._taken_for.get(lease) == message:
            del self._leases[lease], self._taken_for[lease]

    def settle(self, reader: str, release: Sequence[str], cancel: Sequence[str]) -> None:
        """Let go of leases, and ask holders to stop."""
        for lease in release:
            if self.holder(lease) == reader:
                del self._leases[lease]
                self._taken_for.pop(lease, None)
        self._cancels.update(dict.fromkeys(cancel, self.kernel.now + CANCEL_SECONDS * SECOND))


class Transport:
    """Implements `engine.adapters.broker.transport.Transport` for one process."""

    def __init__(self, redis: Redis, process: Process, reader: str) -> None:
        self._redis = redis
        self._weather = redis.weather
        self._process = process
        self.reader = reader

    def settle(
        self,
        *,
        publish: Sequence[Envelope] = (),
        ack: Mapping[str, Sequence[str]] | None = None,
        release: Sequence[str] = (),
        cancel: Sequence[str] = (),
        changed: Collection[str] = (),  # noqa: ARG002 - as the port has it
    ) -> None:
        lost = self._weather.before(self._process, "broker", "settle")
        for queue, ids in (ack or {}).items():
            held = self._redis.fetched.get((self.reader, queue), {})
            for one in ids:
                held.pop(one, None)
        self._redis.settle(self.reader, release, cancel)
        for envelope in publish:
            self._redis.push(envelope)
        self._weather.after(self._process, "broker", "settle", unanswered=lost)

    def fetch(self, queue: str, limit: int, timeout: float) -> Sequence[Fetched]:
        filled, kernel = self._redis.queue_event(queue), self._redis.kernel
        if not self._redis.ready.get(queue):
            until = kernel.now + int(timeout * SECOND)
            filled.clear()
            filled.wait()
            if kernel.now > until:
                return []  # that nothing came within its time is told when something does: until then nobody comes again
        lost = self._weather.before(self._process, "broker", "fetch")
        found = self._redis.take(self.reader, queue, limit)
        self._weather.after(self._process, "broker", "fetch", unanswered=lost)
        return found

    def requeue(self, queue: str, ids: Sequence[str]) -> None:
        lost = self._weather.before(self._process, "broker", "requeue")
        self._redis.put_back(self.reader, queue, ids)
        self._weather.after(self._process, "broker", "requeue", unanswered=lost)

    def drop(self, queue: str, ids: Sequence[str]) -> None:
        lost = self._weather.before(self._process, "broker", "drop")
        held = self._redis.fetched.get((self.reader, queue), {})
        for one in ids:
            held.pop(one, None)
        self._weather.after(self._process, "broker", "drop", unanswered=lost)

    def requeue_others(self, queue: str, mine: Collection[str]) -> None:
        held = self._redis.fetched.get((self.reader, queue), {})
        self.requeue(queue, [one for one in held if one not in mine])

    def queues(self) -> Collection[str]:
        return list(self._redis.ready)

    def generation(self) -> str:
        lost = self._weather.before(self._process, "broker", "generation")
        found = self._redis.generation
        self._weather.after(self._process, "broker", "generation", unanswered=lost)
        return found

    def reading(self, queue: str, threads: int) -> None:
        """Nobody looks at it."""

    def figures(self) -> Sequence[QueueFigures]:
        """Nobody asks."""
        return []

    def ping(self) -> None:
        """Nobody asks."""

    def close(self) -> None:
        """In good order: what was fetched comes back at once."""
        self._redis.bury(self.reader, at_once=True)


class Leases:
    """Implements `engine.app.ports.Leases` for one process."""

    def __init__(self, redis: Redis, process: Process, owner: str) -> None:
        self._redis = redis
        self._process = process
        self._owner = owner

    def renew(self, keys: Sequence[str]) -> Sequence[Standing]:
        if not keys:
            return []
        lost = self._before("renew")
        found = [self._redis.hold(key, self._owner) for key in keys]
        self._after("renew", lost)
        return found

    def release(self, keys: Sequence[str]) -> None:
        if keys:
            lost = self._before("release")
            self._redis.settle(self._owner, keys, ())
            self._after("release", lost)

    def held(self, keys: Sequence[str]) -> Sequence[bool]:
        if not keys:
            return []
        lost = self._before("held")
        found = [self._redis.holder(key) is not None for key in keys]
        self._after("held", lost)
        return found

    def _before(self, call: str) -> bool:
        return self._redis.weather.before(self._process, "broker", call)

    def _after(self, call: str, lost: bool) -> None:
        self._redis.weather.after(self._process, "broker", call, unanswered=lost)


class Signals:
    """Implements `engine.app.ports.Signals`: nobody waits here."""

    def changed(self, instances: Collection[str]) -> None:
        """Nobody hears it."""

    def wait(self, instance: str, timeout: float) -> bool:  # noqa: ARG002 - as the port has it
        """Nobody asks."""
        return False


def connect(redis: Redis, process: Process, reader: str) -> Broker:
    """What `engine.adapters.broker.connect` gives, for one process."""
    transport = Transport(redis, process, reader)
    dramatiq = QueueBroker(transport)
    return Broker(
        publisher=QueuePublisher(dramatiq, transport),
        leases=Leases(redis, process, reader),
        signals=Signals(),
        dramatiq=dramatiq,
        queues=transport.queues,
        figures=transport.figures,
        ping=transport.ping,
        close=dramatiq.close,
    )
