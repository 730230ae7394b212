"""What an entry of `on` makes of something that happened: an instance to be, or why none. The same for every kind of trigger."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from engine.app.batch import Starting
from engine.app.recent import Recent
from engine.app.start import Starter
from engine.app.versions import Version
from engine.core.codec import definition_from_json
from engine.core.expressions.errors import EvaluationError
from engine.core.expressions.evaluate import condition
from engine.core.expressions.render import render
from engine.core.model import Definition, EventTrigger, ScheduleTrigger, WebhookTrigger, WorkflowTrigger
from engine.core.values import JsonObject
from engine.errors import Invalid

Entry = WebhookTrigger | ScheduleTrigger | EventTrigger | WorkflowTrigger

DEEPEST = 20
"""How many instances may stand above one: children of children, and workflows that start after one another."""

LONGEST_REASON = 500
"""Characters of a refusal's reason: a value that does not fit may be as large as the body."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """Why an entry does not start its workflow; `fault` means that it took what happened and could not."""

    reason: str
    fault: bool = False

    @classmethod
    def of(cls, reason: str, *, fault: bool = False) -> Refusal:
        """With a reason of any length."""
        return cls(reason=reason if len(reason) <= LONGEST_REASON else reason[: LONGEST_REASON - 1] + "…", fault=fault)

    @classmethod
    def joined(cls, refusals: Sequence[Refusal]) -> Refusal:
        """What several entries of one workflow say, each thing once."""
        reason = "; ".join(dict.fromkeys(refusal.reason for refusal in refusals))
        return cls(reason=reason, fault=any(refusal.fault for refusal in refusals))


class Triggers:
    """Holds an entry against what happened. Nothing is written: who asks commits what it answers. Safe to share between threads."""

    def __init__(self, starter: Starter) -> None:
        self._starter = starter
        self._compiled: Recent[Definition] = Recent(256)

    def definition(self, version: Version) -> Definition:
        """A version as it was compiled. Raises Malformed: it was loaded by a newer engine."""
        definition = self._compiled.get(version.digest)
        if definition is None:
            definition = definition_from_json(version.document)
            self._compiled.put(version.digest, definition)
        return definition

    def offer(
        self,
        version: Version,
        entry: Entry,
        trigger: JsonObject,
        *,
        by: str,
        start_key: str,
        delivery: str | None = None,
        depth: int = 0,
    ) -> Starting | Refusal:
        """The instance that the entry wants for `trigger` (the value that expressions see), or why there is none.

        Raises Malformed.
        """
        inputs = inputs_of(entry, trigger, self.definition(version).vars, file=version.path)
        if isinstance(inputs, Refusal):
            return inputs
        try:
            return self._starter.prepare(
                version, inputs=inputs, trigger=trigger, by=by, start_key=start_key, delivery=delivery, depth=depth
            )
        except Invalid as error:
            details = "; ".join(f"{problem.pointer or '/'}: {problem.detail}" for problem in error.problems)
            return Refusal.of(f"{error.detail}: {details}" if details else error.detail, fault=True)


def inputs_of(entry: Entry, trigger: JsonObject, vars: JsonObject, *, file: str = "") -> JsonObject | Refusal:
    """The inputs that an entry gives, if its condition holds; `file` is where its expressions stand."""
    names = {"trigger": trigger, "vars": vars}
    wanted = None if isinstance(entry, ScheduleTrigger) else entry.condition
    try:
        if wanted is not None and not condition(wanted, names):
            return Refusal.of(f"condition is false: {wanted.source}")
        inputs = render(entry.inputs, names)
    except EvaluationError as error:
        at = f"{file}:{error.position.line}:{error.position.column}: " if file and error.position else ""
        return Refusal.of(f"{at}an expression has no value: {error.message}", fault=True)
    if not isinstance(inputs, dict):
        return Refusal.of("the inputs of the trigger are no map", fault=True)
    return inputs


def rfc3339(milliseconds: int) -> str:
    """A time as expressions see it."""
    moment = datetime.fromtimestamp(milliseconds / 1000, UTC).isoformat(timespec="milliseconds")
    return moment.replace("+00:00", "Z")
