"""What the editors' schemas say of a place in a file: the keys it may have, the words it may be, and their descriptions."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache

from engine.core.values import Json, JsonObject
from engine.spec.editor_schemas import documents
from engine.spec.load import is_loaded, is_project
from engine.spec.nodes import Document, Mapping, Node, Path

_CHOICES = ("anyOf", "oneOf", "allOf")
_KINDS = "uses"


@cache
def _documents() -> dict[str, JsonObject]:
    return documents()


def schemas_at(document: Document, path: Path) -> list[JsonObject]:
    """Every schema that speaks of the value at `path`, what `uses` decides among them."""
    name = document.source.path
    kind = "project" if is_project(name) else "workflow" if is_loaded(name) else "test"
    root = _documents()[f"{kind}.schema.json"]
    found = list(_spread(root, root, document.root))
    for index, step in enumerate(path):
        node = document.find(path[: index + 1])
        found = [each for schema in found for part in _below(schema, step) for each in _spread(root, part, node)]
    return found


def described(schemas: list[JsonObject]) -> str:
    """The first description among some schemas, empty where there is none."""
    return next((str(schema["description"]) for schema in schemas if schema.get("description")), "")


def keys(schemas: list[JsonObject]) -> dict[str, str]:
    """The keys that a map may have, with their descriptions."""
    found: dict[str, str] = {}
    for schema in schemas:
        for key, value in schema.get("properties", {}).items():
            if schema.get("type") == "object" or key not in found:
                found[key] = str(value.get("description", "")) or found.get(key, "")
    return found


def words(schemas: list[JsonObject]) -> list[str]:
    """The words that a value may be, where they are known."""
    found: dict[str, None] = {}
    for schema in schemas:
        listed = [*schema.get("enum", ()), *([schema["const"]] if "const" in schema else ())]
        found.update((each, None) for each in listed if isinstance(each, str))
        if schema.get("type") == "boolean":
            found.update({"true": None, "false": None})
    return list(found)


def kind_described(kind: str) -> str:
    """What a kind of task does."""
    for rule in _documents()["workflow.schema.json"]["$defs"]["TaskKeys"]["allOf"]:
        place = rule["then"].get("properties", {}).get("with", {}).get("$ref", "")
        if rule["if"]["properties"][_KINDS]["const"] == kind and place:
            return str(_documents()["workflow.schema.json"]["$defs"][place.rpartition("/")[2]].get("description", ""))
    return ""


def _spread(root: JsonObject, schema: Json, node: Node | None) -> Iterator[JsonObject]:
    """A schema and all that it is made of, as far as it holds for the map `node`."""
    if not isinstance(schema, dict):
        return
    yield schema
    if "$ref" in schema:
        yield from _spread(root, root["$defs"].get(schema["$ref"].rpartition("/")[2]), node)
    for choice in _CHOICES:
        for part in schema.get(choice, ()):
            yield from _spread(root, part, node)
    if "then" in schema and _holds(schema["if"], node):
        yield from _spread(root, schema["then"], node)


def _holds(condition: JsonObject, node: Node | None) -> bool:
    wanted = condition.get("properties", {}).get(_KINDS, {}).get("const")
    entry = node.entries.get(_KINDS) if isinstance(node, Mapping) else None
    return wanted is not None and entry is not None and entry.node.value == wanted


def _below(schema: JsonObject, step: str | int) -> Iterator[Json]:
    if isinstance(step, int):
        yield schema.get("items")
    elif step in schema.get("properties", {}):
        yield schema["properties"][step]
    else:
        yield from schema.get("patternProperties", {}).values()
        yield schema.get("additionalProperties")
