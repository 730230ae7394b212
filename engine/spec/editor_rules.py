"""What the loader checks in code, said in the words of JSON Schema as far as these go, so that editors say it too.

What they cannot say (what depends on another value, file or place) is found by lint alone.
"""

from __future__ import annotations

from collections.abc import Mapping

from engine.core.values import Json, JsonObject
from engine.spec.task_checks import never

_NEEDS = {
    "as": ["for_each"],
    "key": ["for_each"],
    "max_parallel": ["for_each"],
    "enough": ["for_each"],
    "rest": ["enough"],
    "shell": ["run"],
    "working_directory": ["run"],
    "wait": ["workflow"],
}
"""Keys of a task that belong to another key."""
_EITHER = {"with": ("uses", "workflow"), "fail_fast": ("for_each", "tasks")}
"""Keys of a task that belong to one of two others."""
_EXAMPLES: JsonObject = {"run": "x", "switch": {}, "tasks": {}, "workflow": "x"}
"""Of each form but `uses`, whose kinds differ, a value: whichever it is, the keys that go with it are the same."""
_CANCELS: JsonObject = {
    "required": ["join"],
    "properties": {"join": {"anyOf": [{"const": "any"}, {"type": "object"}]}},
}
"""Only joins that do not wait for every task can cancel the rest."""
_VARIABLES: JsonObject = {
    "propertyNames": {"pattern": "^[A-Za-z_][A-Za-z0-9_]*$"},
    "additionalProperties": {"type": ["string", "number", "boolean"]},
}


def finish_task(task: JsonObject, forms: tuple[str, ...], kinds: Mapping[str, tuple[str, bool]]) -> None:
    """One of the forms, the keys that belong to it, and the parameters of each kind: where they are, and whether any must be."""
    properties = task["properties"]
    properties["uses"] = {"enum": sorted(kinds), "description": properties["uses"]["description"]}
    for form in forms:
        properties[form] = _given(properties[form])
    if "env" in properties:
        properties["env"] = {
            "description": properties["env"]["description"],
            "anyOf": [_map(_VARIABLES), {"type": "null"}],
        }
    task["oneOf"] = [{"required": [form]} for form in forms]
    task["dependentRequired"] = {key: needed for key, needed in _NEEDS.items() if key in properties}
    task["dependentSchemas"] = {
        **({"cancel_rest": _CANCELS} if "cancel_rest" in properties else {}),
        **{
            key: {"anyOf": [{"required": [one]} for one in either]}
            for key, either in _EITHER.items()
            if key in properties
        },
        **{form: _without(form, _EXAMPLES[form], properties) for form in forms if form in _EXAMPLES},
    }
    task["allOf"] = [
        {
            "if": {"properties": {"uses": {"const": kind}}, "required": ["uses"]},
            "then": {
                **({"properties": {"with": {"$ref": place}}} if place else {}),
                **({"required": ["with"]} if needed else {}),
                **_without("uses", kind, properties),
            },
        }
        for kind, (place, needed) in kinds.items()
    ]


def _without(form: str, value: Json, properties: JsonObject) -> JsonObject:
    """None of the keys that do not go with a form."""
    keys = [{"required": [key]} for key in never(form, value) if key in properties]
    return {"not": {"anyOf": keys}} if keys else {}


def _given(schema: JsonObject) -> JsonObject:
    """A form that is there says what the task is: it is not left empty."""
    if "anyOf" not in schema:
        return schema
    choices = [choice for choice in schema["anyOf"] if choice != {"type": "null"}]
    marks = {key: value for key, value in schema.items() if key not in ("anyOf", "default")}
    return {**marks, "anyOf": choices} if len(choices) != 1 else {**choices[0], **marks}


def _map(schema: JsonObject) -> JsonObject:
    return {"type": "object", **schema}
