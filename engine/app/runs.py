"""What never changes of an instance, read once and kept for the instances that were worked on last."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

import orjson

from engine.app.recent import Recent
from engine.app.records import Facts
from engine.core.codec import definition_from_json
from engine.core.context import Context
from engine.core.model import Definition
from engine.core.references import Known, nothing_known
from engine.core.state import ScopeState
from engine.core.values import Json, JsonObject

MEMORY = 32 * 1024 * 1024
"""Bytes of JSON that are kept of all instances together: one webhook's body may have 25 MiB."""

SMALLEST = 2_048
"""Bytes that an instance counts for beside its inputs and its trigger."""

DEFINITIONS = 512

VALUES = 32 * 1024 * 1024
"""Bytes of JSON that are kept of large outputs of all instances together."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """An instance's facts in the form that `decide` reads."""

    facts: Facts
    definition: Definition
    instance: JsonObject
    memo: dict[str, Any] = field(default_factory=dict)
    """What `decide` has worked out for the instance (`engine.core.context.Context.memo`)."""

    @classmethod
    def of(cls, id: str, facts: Facts, definition: Definition, *, started_at: int | None = None) -> Run:
        """Put together the names an expression can read; `started_at` for an instance that is just being inserted."""
        facts = facts if started_at is None else replace(facts, started_at=started_at)
        started = datetime.fromtimestamp(facts.started_at / 1000, UTC).isoformat(timespec="milliseconds")
        instance = {
            "id": id,
            "workflow": facts.workflow,
            "commit": facts.commit,
            "started_at": started.replace("+00:00", "Z"),
            "started_by": facts.started_by,
        }
        return cls(facts=facts, definition=definition, instance=instance)

    def context(self, scope: str, outer: tuple[ScopeState, ...], values: Known = nothing_known) -> Context:
        """What `decide` is told about this instance for an event of one scope."""
        return Context(
            instance=self.instance,
            inputs=self.facts.inputs,
            trigger=self.facts.trigger,
            scope=scope,
            outer=outer,
            values=values,
            memo=self.memo,
        )


class Runs:
    """The runs used last, bounded by their size. Safe to share between threads."""

    def __init__(self, *, memory: int = MEMORY) -> None:
        self._runs: Recent[Run] = Recent(memory, weigh=_weight)
        self._definitions: Recent[Definition] = Recent(DEFINITIONS)
        self._values: Recent[Json] = Recent(VALUES, weigh=lambda value: len(orjson.dumps(value)))

    def get(self, instance: str) -> Run | None:
        """The run of an instance, if it is kept."""
        return self._runs.get(instance)

    def keep(self, run: Run) -> None:
        """Keep the run of an instance that is known to be stored."""
        self._runs.put(run.instance["id"], run)

    def learn(self, instance: str, facts: Facts, document: Callable[[str], JsonObject]) -> Run:
        """Make and keep the run of a stored instance; `document` reads a definition by its digest.

        Raises Malformed: the definition was made by a newer engine, or is damaged.
        """
        run = Run.of(instance, facts, self.definition(facts.digest, document))
        self.keep(run)
        return run

    def values(self, instance: str, load: Callable[[str, Sequence[str]], Mapping[str, Json]]) -> Known:
        """Large outputs of an instance, read by `load` only if they are not kept."""

        def value(digest: str) -> Json:
            key = f"{instance}/{digest}"
            found = self._values.get(key)
            if found is None:
                found = load(instance, [digest]).get(digest)
                if found is not None:
                    self._values.put(key, found)
            return found

        return value

    def definition(self, digest: str, document: Callable[[str], JsonObject]) -> Definition:
        """A definition, read only if it is not kept. Raises Malformed."""
        definition = self._definitions.get(digest)
        if definition is None:
            definition = definition_from_json(document(digest))
            self._definitions.put(digest, definition)
        return definition


def _weight(run: Run) -> int:
    return SMALLEST + len(orjson.dumps([run.facts.inputs, run.facts.trigger]))
