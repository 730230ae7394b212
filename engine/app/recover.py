"""After the broker lost its memory, or a process died between two steps, ask again for all that is outstanding."""

from __future__ import annotations

from collections.abc import Callable

import structlog

from engine.app.batch import Run
from engine.app.ports import InstanceStore, Leases, Publisher, Recovery
from engine.app.recent import Recent
from engine.app.records import Delivery, DueScope, Message
from engine.core import commands as command_codec
from engine.core.codec import definition_from_json
from engine.core.commands import RunTask
from engine.core.keys import ROOT, lease_key
from engine.core.model import Definition
from engine.core.outstanding import outstanding
from engine.core.state import ScopeState
from engine.errors import HeadraceError, NotFound, Unavailable

GENERATION = "broker-generation"
"""Under this name the database remembers which broker it last spoke to."""

STALE_DELIVERY = 10_000
"""Milliseconds after which a delivery that is still `received` is taken up by the scheduler."""

_log = structlog.get_logger(__name__)


class Recoverer:
    """Re-sends outstanding commands and finishes deliveries. Runs in the scheduler that leads."""

    def __init__(
        self,
        *,
        store: InstanceStore,
        recovery: Recovery,
        publisher: Publisher,
        leases: Leases,
        process_delivery: Callable[[Delivery], object],
    ) -> None:
        self._store = store
        self._recovery = recovery
        self._publisher = publisher
        self._leases = leases
        self._process_delivery = process_delivery
        self._runs: Recent[Run] = Recent(1024)
        self._definitions: Recent[Definition] = Recent(256)
        self._seen = ""

    def run_once(self) -> int:
        """Look whether the broker is the one we knew, and for deliveries left behind. Returns how much was sent again."""
        return self._after_lost_broker() + self._deliveries()

    def resend(self) -> int:
        """Publish every outstanding command of every live scope. Doubles are harmless: leases and attempts fence them."""
        sent = 0
        after: tuple[str, str] | None = None
        roots: dict[str, ScopeState] = {}
        while scopes := self._recovery.live(after):
            last = after[0] if after else ""  # its root may stand in the window before
            roots = {key: root for key, root in roots.items() if key == last}
            roots.update((scope.instance, scope.state) for scope in scopes if scope.path == ROOT)
            messages = [message for scope in scopes for message in self._messages(scope, roots.get(scope.instance))]
            self._publisher.publish(messages)
            sent += len(messages)
            after = (scopes[-1].instance, scopes[-1].path)
        return sent

    def _after_lost_broker(self) -> int:
        generation = self._publisher.generation()
        if generation == self._seen:
            return 0
        sent = 0
        if self._recovery.mark(GENERATION, generation) != generation:
            try:
                sent = self.resend()
            except HeadraceError:
                self._recovery.mark(GENERATION, "")  # not done: the next look starts over
                raise
            _log.info("broker is new, outstanding commands were sent again", messages=sent)
        self._seen = generation
        return sent

    def _deliveries(self) -> int:
        deliveries = self._recovery.received(STALE_DELIVERY)
        for delivery in deliveries:
            try:
                self._process_delivery(delivery)
            except Unavailable:
                raise
            except HeadraceError as error:
                _log.warning("a delivery left behind cannot be processed", delivery=delivery.id, error=str(error))
        return len(deliveries)

    def _messages(self, scope: DueScope, root: ScopeState | None) -> list[Message]:
        try:
            run = self._run(scope.instance)
        except NotFound:
            return []  # pruned meanwhile
        outer = () if scope.path == ROOT or root is None else (root,)
        commands = outstanding(run.definition, scope.state, run.context(scope.path, outer))
        keys = [lease_key(c.instance, c.path, c.attempt) for c in commands]
        held = self._leases.held(keys) if keys else []
        return [
            Message(queue=command.queue, body=command_codec.to_json(command))
            for command, busy in zip(commands, held, strict=True)
            if not (busy and isinstance(command, RunTask))
        ]

    def _run(self, instance: str) -> Run:
        run = self._runs.get(instance)
        if run is None:
            facts = self._store.facts(instance)
            definition = self._definitions.get(facts.digest)
            if definition is None:
                definition = definition_from_json(self._store.definition(facts.digest))
                self._definitions.put(facts.digest, definition)
            run = Run.of(instance, facts, definition)
            self._runs.put(instance, run)
        return run
