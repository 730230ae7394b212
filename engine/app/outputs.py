"""Decides whether what a kind returned can be a task's outputs: it can be stored, the declared schemas hold, it is not too large."""

from __future__ import annotations

from collections.abc import Mapping

import orjson

from engine.app.kinds import Failed
from engine.app.masking import Masker
from engine.app.storable import unstorable
from engine.core.outputs import too_large
from engine.core.values import Json, JsonObject
from engine.spec.validation import problems, validator


def finished(outputs: Json, declared: Mapping[str, JsonObject], masker: Masker) -> JsonObject:
    """`checked`, where all has to stay in the state. Raises Failed: `outputs` or `output_too_large`."""
    complete = checked(outputs, declared, masker)
    error = too_large(complete)
    if error is not None:
        raise Failed(error["kind"], error["message"], error["details"])
    return complete


def checked(outputs: Json, declared: Mapping[str, JsonObject], masker: Masker) -> JsonObject:
    """The outputs as people read them: plain JSON without secrets, with the defaults of declared names filled in.

    A declared name without `default` has to be there. Raises Failed: `outputs`.
    """
    complete: JsonObject = masker.value(plain(outputs))
    for name, schema in declared.items():
        if name in complete:
            _hold(name, schema, complete[name])
        elif isinstance(schema, dict) and "default" in schema:
            complete[name] = schema["default"]
        else:
            raise Failed("outputs", f"the declared output {name!r} is missing", {"output": name})
    return complete


def plain(outputs: Json) -> JsonObject:
    """What a kind returned as the JSON it will be read back as. Raises Failed if there is no such JSON."""
    if not isinstance(outputs, dict):
        raise Failed("outputs", f"outputs must be a map, not {type(outputs).__name__}")
    try:
        found = unstorable(outputs)
        if found:
            raise Failed("outputs", f"{found[0]}: {found[1]}", {"pointer": found[0]})
        read_back: JsonObject = orjson.loads(orjson.dumps(outputs))
    except TypeError as error:
        raise Failed("outputs", f"outputs are no JSON: {error}") from None
    return read_back


def _hold(name: str, schema: JsonObject, value: Json) -> None:
    wrong = problems(validator(schema), value)
    if wrong:
        listed = [{"pointer": f"/{name}{problem.pointer}", "detail": problem.detail} for problem in wrong]
        raise Failed("outputs", f"the output {name!r} does not fit its schema: {wrong[0].detail}", {"problems": listed})
