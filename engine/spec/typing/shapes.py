"""What values that the file makes will look like, as a tree for the scopes of others: items of `for_each`, outputs."""

from __future__ import annotations

from engine.core.values import JsonObject
from engine.spec.cel import CelSyntaxError, parse
from engine.spec.interpolate import InterpolationError, Piece, split
from engine.spec.names import Scope
from engine.spec.nodes import Document, Mapping, Node, Path, Scalar
from engine.spec.output_shapes import shape_of_value
from engine.spec.typing.check import type_in
from engine.spec.typing.types import UNKNOWN, Type, either, element_of, list_of, member_of, of_schema, only

_WORDS = {
    "null": "null",
    "bool": "boolean",
    "whole": "integer",
    "int": "integer",
    "double": "number",
    "string": "string",
    "timestamp": "string",
    "duration": "string",
    "list": "array",
    "map": "object",
}
_TEXT = only("string")


def shape_at(document: Document, path: Path, scope: Scope) -> JsonObject:
    """The shape of the value that the templates at `path` make; empty where nothing is known."""
    node = document.find(path)
    return {} if node is None else described(_made(node, scope))


def item_at(document: Document, path: Path, scope: Scope) -> JsonObject:
    """The shape of what the `for_each` at `path` goes through."""
    node = document.find(path)
    if node is None or isinstance(node, Mapping):
        return {}
    box = _expression(node.text, scope) if isinstance(node, Scalar) else _made(node, scope)
    items = []
    if "list" in box.kinds:
        items.append(described(element_of(box)))
    if "map" in box.kinds:
        entry = {"key": {"type": "string"}, "value": described(member_of(box, None))}
        items.append({"type": "object", "properties": entry})
    return items[0] if len(items) == 1 else {}


def _made(node: Node, scope: Scope) -> Type:
    if isinstance(node, Mapping):
        members = {key: _made(entry.node, scope) for key, entry in node.entries.items()}
        return Type(kinds=only("map").kinds, members=members)
    if not isinstance(node, Scalar):
        found: Type | None = None
        for item in node.items:
            made = _made(item, scope)
            found = made if found is None else either(found, made)
        return list_of(found or UNKNOWN)
    if not isinstance(node.value, str) or "${{" not in node.text:
        return of_schema(shape_of_value(node.value))
    try:
        pieces = split(node.text)
    except InterpolationError:
        return UNKNOWN
    first = pieces[0]
    return _expression(first.source, scope) if len(pieces) == 1 and isinstance(first, Piece) else _TEXT


def _expression(source: str, scope: Scope) -> Type:
    try:
        return type_in(parse(source.strip()).ast, scope)
    except CelSyntaxError:
        return UNKNOWN


def described(known: Type) -> JsonObject:
    """The tree that `of_schema` reads as this type."""
    if not known.kinds <= _WORDS.keys():
        return {}
    words = {_WORDS[kind] for kind in known.kinds}
    shape: JsonObject = {**(known.schema or {}), "type": sorted(words - {"integer"} if "number" in words else words)}
    if known.schema is not None and known.element is None and known.members is None:
        return shape
    if "list" in known.kinds:
        shape["items"] = described(element_of(known))
    if known.members is not None:
        shape["properties"] = {name: described(member) for name, member in known.members.items()}
    return shape
