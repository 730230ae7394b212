"""List and map literals, with their optional elements."""

from __future__ import annotations

from collections.abc import Sequence

from engine.core.expressions.budget import Run
from engine.core.expressions.closures import Closure
from engine.core.expressions.errors import Failure
from engine.core.expressions.inner import Optional, kind
from engine.core.values import Json


def make_list(items: Sequence[tuple[Closure, bool]], offset: int) -> Closure:
    """`[a, ?b]`: an absent `?b` adds nothing."""
    if not any(optional for _, optional in items):
        closures = [closure for closure, _ in items]
        return lambda run: [closure(run) for closure in closures]

    def build(run: Run) -> Json:
        made = []
        for closure, optional in items:
            value = closure(run)
            if not optional:
                made.append(value)
            elif _needs_optional(value, offset).present:
                made.append(value.value)
        return made

    return build


def make_map(entries: Sequence[tuple[Closure, Closure, bool]], offset: int) -> Closure:
    """`{key: value, ?key: value}`; keys are strings, and no key twice."""

    def build(run: Run) -> Json:
        made: dict[str, Json] = {}
        for key_closure, value_closure, optional in entries:
            key = key_closure(run)
            if type(key) is not str:
                raise Failure(f"the keys of a map are strings, not {kind(key)}", offset)
            value = value_closure(run)
            if optional:
                if not _needs_optional(value, offset).present:
                    continue
                value = value.value
            if key in made:
                raise Failure(f"the key {key[:40]!r} stands twice in one map", offset)
            made[key] = value
        return made

    return build


def _needs_optional(value: Json, offset: int) -> Optional:
    if type(value) is Optional:
        return value
    raise Failure(f"what follows '?' must be an optional, not {kind(value)}", offset)
