"""The schemas of what each kind of task takes in `with`, as far as templates can be held against them."""

from __future__ import annotations

from functools import cache

from engine.core.values import Json, JsonObject
from engine.spec.kinds import PARAMS


@cache
def parameters(kind: str) -> Json:
    """The schema of a kind's parameters; None where it takes anything."""
    model = PARAMS.get(kind)
    return None if model is None else _plain(model.model_json_schema())


def _plain(schema: Json) -> Json:
    """The schema with a list of types where it chooses between types."""
    if not isinstance(schema, dict):
        return schema
    plain: JsonObject = {key: schema[key] for key in ("type", "patternProperties") if key in schema}
    for key in ("items", "additionalProperties"):
        if key in schema:
            plain[key] = _plain(schema[key])
    if "properties" in schema:
        plain["properties"] = {name: _plain(member) for name, member in schema["properties"].items()}
    choices = [_plain(choice) for choice in schema.get("anyOf", ())]
    if choices and all(isinstance(choice.get("type"), str) for choice in choices):
        for choice in choices:
            plain.update(choice)
        plain["type"] = sorted({choice["type"] for choice in choices})
    return plain
