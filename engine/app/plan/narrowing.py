"""Whether a schema refuses what another one took."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import orjson

from engine.app.plan.code import same
from engine.core.values import Json

_SAYS_NOTHING = frozenset(
    {"title", "description", "default", "examples", "deprecated", "readOnly", "writeOnly", "$comment", "$id"}
    | {"contentEncoding", "contentMediaType", "contentSchema"}
)
_TYPES = frozenset({"array", "boolean", "integer", "null", "number", "object", "string"})
_LEAST = ("minimum", "exclusiveMinimum", "minLength", "minItems", "minProperties", "minContains")
_MOST = ("maximum", "exclusiveMaximum", "maxLength", "maxItems", "maxProperties", "maxContains")
_COUNTS = ("minLength", "minItems", "minProperties")
"""Bounds that are 0 where nothing is said."""
_WITHIN = ("items", "additionalProperties", "propertyNames", "unevaluatedProperties", "unevaluatedItems")
_EACH = ("properties", "patternProperties")


def narrower(before: Json, after: Json, at: str = "") -> Iterator[str]:
    """How `after` takes less than `before`, a phrase each; "may" where only the schemas' words differ.

    Never silent where a value that fitted does not fit any more.
    """
    one, other = _map(before), _map(after)
    place = f"{at}: " if at else ""
    if one is None or other is None:
        if after is False and before is not False:
            yield f"{place}nothing fits any more"
        return
    known = {"type", "enum", "const", "required", *_LEAST, *_MOST, *_WITHIN, *_EACH}
    yield from (f"{place}{reason}" for reason in _types(one, other))
    yield from (f"{place}{reason}" for reason in _values(one, other))
    yield from (f"{place}{reason}" for reason in _bounds(one, other))
    added = [name for name in other.get("required", ()) if name not in one.get("required", ())]
    yield from (f'{place}"{name}" is now required' for name in added)
    for key in sorted((one.keys() | other.keys()) - known - _SAYS_NOTHING):
        if key in other and not same(one.get(key), other[key]):
            yield f"{place}`{key}` {'differs' if key in one else 'is new'}, so it may take less"
    yield from _inner(one, other, at)


def _map(schema: Json) -> dict[str, Any] | None:
    """A schema as a map; `true` takes everything, `false` nothing."""
    return {} if schema is True else schema if isinstance(schema, dict) else None


def _types(one: Mapping[str, Any], other: Mapping[str, Any]) -> Iterator[str]:
    gone = sorted(_allowed(one) - _allowed(other))
    if gone and "type" in other:
        yield (
            f"it must be {' or '.join(sorted(_named(other)))}"
            if "type" not in one
            else f"no {' or '.join(gone)} any more"
        )


def _allowed(schema: Mapping[str, Any]) -> frozenset[str]:
    named = _named(schema)
    return named | {"integer"} if "number" in named else named


def _named(schema: Mapping[str, Any]) -> frozenset[str]:
    found = schema.get("type", list(_TYPES))
    return frozenset([found] if isinstance(found, str) else found)


def _values(one: Mapping[str, Any], other: Mapping[str, Any]) -> Iterator[str]:
    then, now = _listed(one), _listed(other)
    if now is None:
        return
    if then is None:
        yield f"only {', '.join(map(_shown, now))} may be given"
        return
    gone = [value for value in then if not any(same(value, each) for each in now)]
    if gone:
        yield f"{', '.join(map(_shown, gone))} may not be given any more"


def _listed(schema: Mapping[str, Any]) -> list[Json] | None:
    found = [schema["const"]] if "const" in schema else schema.get("enum")
    return found if isinstance(found, list) else None


def _bounds(one: Mapping[str, Any], other: Mapping[str, Any]) -> Iterator[str]:
    tighter: dict[str, Callable[[float, float], bool]] = {
        **dict.fromkeys(_LEAST, lambda then, now: now > then),
        **dict.fromkeys(_MOST, lambda then, now: now < then),
    }
    for key, is_tighter in tighter.items():
        usual = one.get(key, 0 if key in _COUNTS else None)
        if key not in other or (usual is not None and not is_tighter(usual, other[key])):
            continue
        yield f"`{key}` is now {_shown(other[key])}" + (f" instead of {_shown(one[key])}" if key in one else "")


def _inner(one: Mapping[str, Any], other: Mapping[str, Any], at: str) -> Iterator[str]:
    for key in _WITHIN:
        if key in other:
            yield from narrower(one.get(key, True), other[key], f"{at}.{key}" if at else key)
    for key in _EACH:
        then, now = one.get(key, {}), other.get(key, {})
        others = one.get("additionalProperties", True)
        for name in now:
            yield from narrower(then.get(name, others), now[name], f"{at}.{name}" if at else name)


def _shown(value: Json) -> str:
    return orjson.dumps(value).decode()
