"""What is known of values before they exist: the outputs of each kind of task, inputs by their schemas, vars."""

from __future__ import annotations

from collections.abc import Mapping

from engine.core.values import Json, JsonObject
from engine.spec.models import TaskKeys
from engine.spec.reliance import kind_of

_COMBINED = frozenset({"$ref", "$dynamicRef", "allOf", "anyOf", "oneOf", "if", "patternProperties", "dependentSchemas"})
"""Keywords that can add members which `properties` does not list."""
_OPEN = {"description": "anything"}
"""Not empty, for an empty schema of other members reads as none."""


def output_shape(task: TaskKeys, *, sure: bool) -> JsonObject:
    """`tasks.ID.outputs`; each may be missing unless the task has `sure`ly succeeded."""
    names = _names(task)
    if names is None:
        return {"type": "object", "additionalProperties": _OPEN}
    return {"type": "object", "properties": names, "x-maybe": () if sure else tuple(names)}


def shape_of(schema: Json) -> JsonObject:
    """The members that a value of this schema has; one that the schema does not require may be missing."""
    if not isinstance(schema, dict):
        return {}
    shape: JsonObject = {"type": schema.get("type")}
    properties = schema.get("properties")
    if isinstance(properties, dict) and not _COMBINED & schema.keys():
        required = schema.get("required", [])
        shape["properties"] = {name: shape_of(member) for name, member in properties.items()}
        shape["x-optional"] = tuple(name for name in properties if name not in required)
        shape["additionalProperties"] = schema.get("additionalProperties", False) and _OPEN
    else:
        shape["additionalProperties"] = _OPEN
    if isinstance(schema.get("items"), dict):
        shape["items"] = shape_of(schema["items"])
    return shape


def shape_of_value(value: Json) -> JsonObject:
    """The members that a known value has."""
    if isinstance(value, Mapping):
        return {"type": "object", "properties": {name: shape_of_value(member) for name, member in value.items()}}
    return {}


def _names(task: TaskKeys) -> dict[str, Json] | None:
    """The outputs by name; None where anything may come."""
    kind = kind_of(task)
    given = task.with_ or {}
    declared = {name: shape_of(schema) for name, schema in (task.outputs or {}).items()}
    if kind == "http":
        return {"status": {"type": "integer"}, "headers": {}, "body": {}, **declared}
    if kind == "approval":
        form = given.get("form")
        fields = {name: shape_of(schema) for name, schema in form.items()} if isinstance(form, dict) else {}
        return {**fields, "comment": {"type": "string"}, "decided_by": {"type": "array", "items": {}}}
    if kind == "values":
        return {name: {} for name in given}
    if kind in ("wait", "message"):
        return {}
    return declared or None
