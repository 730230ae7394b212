"""Start instances: the only place, beside reading the project, where a definition leaves the definitions DB (law 4)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import jsonschema_rs
from uuid_utils import uuid7

from engine.app.admission import admitted
from engine.app.advance import Advancer, Arriving
from engine.app.batch import Starting
from engine.app.ports import DefinitionStore, InstanceReader
from engine.app.recent import Fresh, Recent
from engine.app.records import DeliveryResult, Facts, Parent
from engine.app.versions import Version
from engine.core.codec import definition_from_json
from engine.core.model import Definition
from engine.core.values import JsonObject
from engine.errors import Conflict
from engine.spec.validation import validator


@dataclass(frozen=True, slots=True, kw_only=True)
class _Compiled:
    definition: Definition
    inputs: jsonschema_rs.Validator


class Starter:
    """Turns a workflow and inputs into a running instance. Safe to share between threads."""

    def __init__(self, *, definitions: DefinitionStore, reader: InstanceReader, advancer: Advancer) -> None:
        self._definitions = definitions
        self._reader = reader
        self._advancer = advancer
        self._compiled: Recent[_Compiled] = Recent(256)
        self._read: Fresh[Version] = Fresh(256)

    def start(self, workflow: str, inputs: JsonObject, *, by: str, start_key: str | None = None) -> str:
        """Start the active version and return the instance's id, said only after a durable commit.

        The same `start_key` starts nothing again and returns the first id.
        Raises NotFound (no such workflow), Invalid (inputs or a check), Unavailable.
        """
        if start_key and (first := self._reader.by_start_key(start_key)):
            return first.id  # whatever became of the workflow since
        prepared = self.prepare(self._active(workflow), inputs=inputs, trigger={}, by=by, start_key=start_key)
        return self._commit_once(prepared)

    def start_child(
        self, workflow: str, inputs: JsonObject, *, parent: Parent, depth: int, by: str, start_key: str
    ) -> str:
        """Start the active version for an attempt of a `workflow` task; like `start`, once for a key.

        Raises NotFound, Invalid, Unavailable.
        """
        prepared = self.prepare(
            self._active(workflow), inputs=inputs, trigger={}, by=by, start_key=start_key, depth=depth, parent=parent
        )
        return self._commit_once(prepared)

    def prepare(
        self,
        version: Version,
        *,
        inputs: JsonObject,
        trigger: JsonObject,
        by: str,
        start_key: str | None = None,
        delivery: str | None = None,
        depth: int = 0,
        parent: Parent | None = None,
    ) -> Starting:
        """Fill in defaults, validate the inputs and hold the checks. Raises Invalid; nothing is written."""
        compiled = self._compile(version)
        values = admitted(compiled.definition, compiled.inputs, inputs, trigger)
        facts = Facts(
            workflow=version.workflow,
            digest=version.digest,
            commit=version.commit,
            inputs=values,
            trigger=trigger,
            started_by=by,
            started_at=0,
            depth=depth,
            parent=parent,
        )
        return Starting(
            id=str(uuid7()),
            facts=facts,
            version=version.id,
            document=version.document,
            start_key=start_key,
            delivery=delivery,
        )

    def commit(self, prepared: Sequence[Starting], *, deliveries: Sequence[DeliveryResult] = ()) -> list[str]:
        """Insert the instances and close the deliveries in one transaction, then publish their first commands.

        Raises Conflict (a start key or a delivery was taken before), Unavailable.
        """
        self._advancer.submit([], starting=prepared, deliveries=deliveries)
        return [start.id for start in prepared]

    def take(self, arriving: Callable[[int], Arriving]) -> None:
        """Store webhook calls and insert the instances they start in one transaction, then publish their first commands.

        `arriving` is asked at the time of the transaction. Raises what it raises, Conflict (another delivery holds a key
        of one of them), Unavailable.
        """
        self._advancer.submit([], arriving=arriving)

    def _commit_once(self, prepared: Starting) -> str:
        try:
            return self.commit([prepared])[0]
        except Conflict:  # somebody was faster
            first = self._reader.by_start_key(prepared.start_key) if prepared.start_key else None
            if first is None:
                raise
            return first.id

    def _active(self, workflow: str) -> Version:
        return self._read.get(workflow, self._definitions.active)

    def _compile(self, version: Version) -> _Compiled:
        compiled = self._compiled.get(version.digest)
        if compiled is None:
            definition = definition_from_json(version.document)
            compiled = _Compiled(
                definition=definition,
                inputs=validator(definition.inputs or {"type": "object"}),
            )
            self._compiled.put(version.digest, compiled)
        return compiled
