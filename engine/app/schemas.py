"""Holds a value against a user's JSON Schema: nothing is fetched, patterns run in linear time, errors carry pointers."""

from __future__ import annotations

import jsonschema_rs

from engine.core.values import Json, JsonObject
from engine.errors import Problem


def validator(schema: JsonObject) -> jsonschema_rs.Validator:
    """Compile a 2020-12 schema. A `$ref` that leaves the schema and a pattern with backtracking do not compile."""
    return jsonschema_rs.Draft202012Validator(
        schema, offline=True, validate_formats=True, pattern_options=jsonschema_rs.RegexOptions()
    )


def problems(compiled: jsonschema_rs.Validator, value: Json) -> tuple[Problem, ...]:
    """Everything in the value that does not fit, with RFC 6901 pointers."""
    return tuple(
        Problem(pointer="".join(f"/{_escaped(step)}" for step in error.instance_path), detail=error.message)
        for error in compiled.iter_errors(value)
    )


def _escaped(step: object) -> str:
    return str(step).replace("~", "~0").replace("/", "~1")
