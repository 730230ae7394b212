"""What is known of a value before it exists: the kinds it may have, and what stands in it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

from engine.core.values import Json
from engine.spec.typing.kinds import ANYTHING, Kinds

_KINDS = {
    "null": "null",
    "boolean": "bool",
    "integer": "whole",
    "number": "number",
    "string": "string",
    "array": "list",
    "object": "map",
}
_EMPTY: Mapping[str, Json] = {}
MAPS = (dict, Mapping)
"""A dict is known at once; other maps cost more to tell."""


@dataclass(slots=True, kw_only=True, eq=False)  # frozen ones take twice as long to make, and a file makes hundreds
class Type:
    """Some of `kinds`. What stands in it is known from a schema, or from the expression that makes it. Nothing changes it."""

    kinds: Kinds
    schema: Mapping[str, Json] | None = None
    """Of the list or map, looked into when somebody asks: of thousands of tasks an expression reads a few."""
    element: Type | None = None
    """Of a list, or what an optional holds."""
    members: Mapping[str, Type] | None = None
    """Of a map."""

    @property
    def unknown(self) -> bool:
        """Whether it may be anything."""
        return self.kinds is ANYTHING


UNKNOWN = Type(kinds=ANYTHING)


@cache
def only(kind: str) -> Type:
    """Exactly this kind, about which nothing else is known."""
    return Type(kinds=frozenset((kind,)))


@cache
def _of_kinds(*declared: str) -> Kinds:
    found = frozenset(_KINDS[word] for word in declared)
    return (found - {"number", "whole"}) | {"int", "double"} if "number" in found else found


def of_schema(schema: Json) -> Type:
    """The type of values that fit a schema, or our trees like schemas; unknown where it says no `type`."""
    if not isinstance(schema, MAPS):
        return UNKNOWN
    declared = schema.get("type")
    if isinstance(declared, str):
        return Type(kinds=_of_kinds(declared), schema=schema) if declared in _KINDS else UNKNOWN
    if not isinstance(declared, list | tuple) or not declared or not all(_is_kind(word) for word in declared):
        return UNKNOWN
    return Type(kinds=_of_kinds(*declared), schema=schema)


def _is_kind(word: Json) -> bool:
    return isinstance(word, str) and word in _KINDS


def list_of(element: Type) -> Type:
    """A list of such elements."""
    return Type(kinds=only("list").kinds, element=element)


def optional(inner: Type) -> Type:
    """An optional that holds such a value, if it holds one."""
    return Type(kinds=only("optional").kinds, element=inner)


def element_of(box: Type) -> Type:
    """An element of a list, or what an optional holds."""
    if box.element is not None:
        return box.element
    schema = box.schema or _EMPTY
    return UNKNOWN if "prefixItems" in schema else of_schema(schema.get("items"))


def member_of(box: Type, key: str | None) -> Type:
    """The member of a map that is called `key`, of some member if that is None."""
    if box.members is not None:
        return UNKNOWN if key is None else box.members.get(key, UNKNOWN)
    schema = box.schema or _EMPTY
    properties = schema.get("properties")
    if isinstance(properties, Mapping):
        found = None if key is None else properties.get(key)
        if found is not None or key is None:
            return of_schema(found)
    return UNKNOWN if "patternProperties" in schema else of_schema(schema.get("additionalProperties"))


def either(one: Type, other: Type) -> Type:
    """What a value is that may come from both."""
    if one is other or (one.schema is not None and one.schema is other.schema and one.kinds == other.kinds):
        return one
    if one.unknown or other.unknown:
        return UNKNOWN
    boxed = [each for each in (one, other) if each.kinds & {"list", "map", "optional"}]
    kinds = one.kinds | other.kinds
    if len(boxed) == 1:
        return Type(kinds=kinds, schema=boxed[0].schema, element=boxed[0].element, members=boxed[0].members)
    if not boxed or "map" in kinds or len(kinds & {"list", "optional"}) > 1:
        return Type(kinds=kinds)
    return Type(kinds=kinds, element=either(element_of(one), element_of(other)))
