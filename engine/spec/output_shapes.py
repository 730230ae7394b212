"""What is known of values before they exist: the outputs of each kind of task, inputs by their schemas, vars."""

from __future__ import annotations

from collections.abc import Mapping

from engine.core.values import Json, JsonObject
from engine.spec.reliance import inner_kind_of
from engine.spec.task_models import TaskKeys

_COMBINED = frozenset({"$ref", "$dynamicRef", "allOf", "anyOf", "oneOf", "if", "patternProperties", "dependentSchemas"})
"""Keywords that can add members which `properties` does not list."""
_OPEN = {"description": "anything"}
"""Not empty, for an empty schema of other members reads as none."""
_TYPES = {type(None): "null", bool: "boolean", int: "integer", float: "number", str: "string", list: "array"}
_TEXT: JsonObject = {"type": "string"}

EVENT: JsonObject = {
    "type": "object",
    "properties": {"id": _TEXT, "type": _TEXT, "source": _TEXT, "body": {}, "received_at": _TEXT},
}
"""What is known of an event: in `match`, and as the outputs of who waited for it."""

Children = Mapping[str, Mapping[str, Json]]
"""The outputs of other workflows, as their files have them, by the workflow's name."""
Made = Mapping[str, Json] | None
"""The outputs of a task whose file makes them by expressions, where those have been looked at."""


def output_shape(task: TaskKeys, *, sure: bool, children: Children, made: Made = None) -> JsonObject:
    """`tasks.ID.outputs`; each may be missing unless the task has `sure`ly succeeded."""
    if task.for_each is not None:
        item = item_shape(task, children=children, made=made)
        return {"type": "array", "items": {**item, "type": ["object", "null"]}}
    return item_shape(task, sure=sure, children=children, made=made)


def item_shape(
    task: TaskKeys, *, sure: bool = True, children: Children, made: Made = None, absent: str = "x-maybe"
) -> JsonObject:
    """The outputs of one item or iteration of a task; `absent` says how those that may be missing are marked."""
    names = _names(task, children) if made is None else made
    if names is None:
        return {"type": "object", "additionalProperties": _OPEN}
    return {"type": "object", "properties": names, absent: () if sure else tuple(names)}


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
        shape["additionalProperties"] = schema.get("additionalProperties", False) and _others(schema)
    else:
        shape["additionalProperties"] = _OPEN if _COMBINED & schema.keys() else _others(schema)
    if isinstance(schema.get("items"), dict) and "prefixItems" not in schema:
        shape["items"] = shape_of(schema["items"])
    return shape


def _others(schema: JsonObject) -> JsonObject:
    """Members that `properties` does not list."""
    return shape_of(schema.get("additionalProperties")) or _OPEN


def shape_of_value(value: Json) -> JsonObject:
    """The type of a known value, and the members that it has."""
    if isinstance(value, Mapping):
        return {"type": "object", "properties": {name: shape_of_value(member) for name, member in value.items()}}
    return {"type": _TYPES[type(value)]}


def _names(task: TaskKeys, children: Children) -> Mapping[str, Json] | None:
    """The outputs by name; None where anything may come."""
    kind = inner_kind_of(task)
    given = task.with_ or {}
    if kind == "group":
        return {name: {} for name in task.outputs or {}}
    if kind == "workflow":
        return children.get(task.workflow or "") if task.wait else {"instance": _TEXT}
    declared = {name: shape_of(schema) for name, schema in (task.outputs or {}).items()}
    if kind == "http":
        return {"status": {"type": "integer"}, "headers": {}, "body": {}, **declared}
    if kind == "approval":
        form = given.get("form")
        fields = {name: shape_of(schema) for name, schema in form.items()} if isinstance(form, dict) else {}
        return {**fields, "comment": _TEXT, "decided_by": {"type": "array", "items": {}}}
    if kind == "values":
        return {name: {} for name in given}
    if kind == "event":
        return dict(EVENT["properties"])
    if kind == "emit":
        return {"id": _TEXT}
    if kind in ("wait", "message", "switch", "fail", "exit"):
        return {}
    return declared or None
