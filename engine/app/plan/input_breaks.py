"""Which inputs a workflow no longer takes as it did, and who gives them so."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

import jsonschema_rs

from engine.app.plan.affected import Sides, affected, still_calling
from engine.app.plan.meaning import inputs
from engine.app.plan.model import Break, BreakKind
from engine.app.plan.narrowing import narrower
from engine.app.plan.starters import Start, calls_of, starts_of
from engine.core.expressions.model import Literal
from engine.core.model import Definition
from engine.core.values import Json, JsonObject
from engine.spec.validation import validator


@dataclass(frozen=True, slots=True, kw_only=True)
class _Harm:
    kind: BreakKind
    key: str
    message: str
    why: str
    hits: Callable[[Start], bool]


def input_breaks(name: str, before: Definition, after: Definition, sides: Sides) -> Iterator[Break]:
    """One for each input and way; also where everybody known keeps up, as nobody knows who uses the API."""
    starts, calls = list(starts_of(name, sides.after)), list(calls_of(name, sides.before))
    for harm in _harms(inputs(before), inputs(after)):
        hit = [affected(start, harm.why) for start in starts if harm.hits(start)]
        hit += still_calling([call for call in calls if harm.hits(call)], sides, harm.why)
        yield Break(
            kind=harm.kind, workflow=name, subject=harm.key, message=harm.message, affected=tuple(hit), strangers=True
        )


def _harms(then: JsonObject, now: JsonObject) -> Iterator[_Harm]:
    for key, schema in now.items():
        if _required(schema) and not (key in then and _required(then[key])):
            message = "is now required" if key in then else "is new and required"
            lacks = partial(_lacks, key)
            yield _Harm(kind="input-required", key=key, message=message, why="does not give it", hits=lacks)
        reasons = list(narrower(then[key], schema)) if key in then else []
        if reasons:
            message = f"takes less: {'; '.join(reasons)}"
            misfits = partial(_may_misfit, key, schema)
            yield _Harm(kind="input-narrowed", key=key, message=message, why="may give what does not fit", hits=misfits)
    for key in (key for key in then if key not in now):
        gives = partial(_gives, key)
        yield _Harm(kind="input-removed", key=key, message="is not taken any more", why="gives it", hits=gives)


def _required(schema: Json) -> bool:
    return not (isinstance(schema, dict) and "default" in schema)


def _gives(key: str, start: Start) -> bool:
    return start.given is not None and key in start.given


def _lacks(key: str, start: Start) -> bool:
    return start.given is not None and key not in start.given


def _may_misfit(key: str, schema: Json, start: Start) -> bool:
    """Whether it gives a value that does not fit, or one of which only running it tells."""
    if start.given is None:
        return True
    given = start.given.get(key)
    if not isinstance(given, Literal) or not isinstance(schema, dict):
        return given is not None
    try:
        return not validator(schema).is_valid(given.value)
    except (ValueError, jsonschema_rs.ValidationError):
        return True
