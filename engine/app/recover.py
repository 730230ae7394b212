"""After the broker lost its memory, or a process died between two steps, ask again for all that is outstanding."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

import structlog

from engine.app.ports import InstanceStore, Leases, Publisher, Recovery
from engine.app.records import Delivery, DueScope, Message
from engine.app.runs import Run, Runs
from engine.core import commands as command_codec
from engine.core.commands import Outbound
from engine.core.keys import scopes_around
from engine.core.outstanding import outstanding
from engine.core.state import ScopeState
from engine.errors import Broken, NotFound, Rejected, Unavailable

GENERATION = "broker-generation"
"""Under this name the database remembers which broker it last spoke to."""

STALE_DELIVERY = 10_000
"""Milliseconds after which a delivery that is still `received` is taken up by the scheduler."""

HOPELESS_DELIVERY = 60_000
"""Milliseconds after which one that still cannot be processed counts as failed, for people to look at."""

_log = structlog.get_logger(__name__)


class Receives(Protocol):
    """`engine.app.receive.Receiver`."""

    def process(self, deliveries: Sequence[Delivery]) -> Sequence[object]: ...

    def give_up(self, delivery: Delivery, reason: str) -> None: ...


class Recoverer:
    """Re-sends outstanding commands and finishes deliveries. Runs in the scheduler that leads."""

    def __init__(
        self,
        *,
        store: InstanceStore,
        recovery: Recovery,
        publisher: Publisher,
        leases: Leases,
        receiver: Receives,
    ) -> None:
        self._store = store
        self._recovery = recovery
        self._publisher = publisher
        self._leases = leases
        self._receiver = receiver
        self._runs = Runs()
        self._seen = ""
        self._noticed = ("", 0)
        """The broker that is not the one we knew, and since when, in database time."""

    def run_once(self) -> int:
        """Look for deliveries left behind, and whether the broker is the one we knew. Returns how much was taken up again."""
        done = 0
        for look in (self._deliveries, self._after_lost_broker):
            try:
                done += look()
            except Unavailable as error:  # of the one, which must not keep the other waiting
                _log.warning("recovery waits", error=str(error))
        return done

    def resend(self, *, until: int) -> int:
        """Publish what live scopes that came to be `until` then ask for and nobody is at work on; returns how much.

        Doubles are harmless: leases and attempts fence them.
        """
        sent = 0
        self._runs = Runs()  # since the last time instances may have gone on with other definitions
        after: tuple[str, str] | None = None
        around: dict[tuple[str, str], ScopeState] = {}
        while scopes := self._recovery.live(after):
            around = {key: state for key, state in around.items() if _is_around(key, after)}
            around.update(((scope.instance, scope.path), scope.state) for scope in scopes)
            old = [scope for scope in scopes if scope.state["started_at"] <= until]
            commands = [command for scope in old for command in self._commands(scope, around)]
            messages = self._idle(commands)
            self._publisher.publish(messages)
            sent += len(messages)
            after = (scopes[-1].instance, scopes[-1].path)
        return sent

    def _after_lost_broker(self) -> int:
        generation = self._publisher.generation()
        if generation == self._seen:
            return 0
        if generation != self._noticed[0]:
            # Living workers need a moment to get their leases back; what is at work must not be asked for again.
            self._noticed = (generation, self._recovery.now())
            return 0
        sent = 0
        # Until all is sent no broker's name stands there: a scheduler that dies over it is followed by one that starts over.
        if self._recovery.mark(GENERATION, "") != generation:
            sent = self.resend(until=self._noticed[1])
            _log.info("broker is new, outstanding commands were sent again", messages=sent)
        self._recovery.mark(GENERATION, generation)
        self._seen = generation
        return sent

    def _deliveries(self) -> int:
        deliveries = self._recovery.received(STALE_DELIVERY)
        now = self._recovery.now() if deliveries else 0
        outcomes = self._receiver.process(deliveries)
        for delivery, outcome in zip(deliveries, outcomes, strict=True):
            if isinstance(outcome, Unavailable):
                raise outcome
            if isinstance(outcome, Exception):
                _log.exception("a delivery left behind cannot be processed", delivery=delivery.id, exc_info=outcome)
                if now - delivery.received_at >= HOPELESS_DELIVERY:
                    self._receiver.give_up(delivery, f"it could not be processed: {outcome!r}")
        return len(deliveries)

    def _commands(self, scope: DueScope, around: Mapping[tuple[str, str], ScopeState]) -> Sequence[Outbound]:
        try:
            run = self._run(scope.instance)
        except NotFound:
            return ()  # pruned meanwhile
        except (Rejected, Broken) as error:
            _log.error("an instance cannot be gone on with", instance=scope.instance, error=str(error))
            return ()
        above = (around.get((scope.instance, path)) for path in scopes_around(scope.path))
        outer = tuple(state for state in above if state is not None)
        return outstanding(
            run.definition,
            scope.state,
            run.context(scope.path, outer, self._runs.values(scope.instance, self._store.values)),
        )

    def _idle(self, commands: Sequence[Outbound]) -> list[Message]:
        """What nobody is at work on, as messages."""
        messages = [Message(queue=command.queue, body=command_codec.message_of(command)) for command in commands]
        leases = [command_codec.lease_of(message.body) for message in messages]
        keys = [lease for lease in leases if lease is not None]
        held = dict(zip(keys, self._leases.held(keys), strict=True))
        return [message for message, lease in zip(messages, leases, strict=True) if lease is None or not held[lease]]

    def _run(self, instance: str) -> Run:
        run = self._runs.get(instance)
        if run is None:
            run = self._runs.learn(instance, self._store.facts(instance), self._store.definition)
        return run


def _is_around(key: tuple[str, str], last: tuple[str, str] | None) -> bool:
    """Whether a scope may be one around those behind `last`, which stand in the next window."""
    return last is not None and key[0] == last[0] and last[1].startswith(key[1])
