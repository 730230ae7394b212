"""Whether an instance may be: defaults are filled in, the inputs validated, the checks held."""

from __future__ import annotations

from collections.abc import Sequence

import jsonschema_rs
import orjson

from engine.app.storable import unstorable
from engine.core.expressions.errors import EvaluationError
from engine.core.expressions.evaluate import condition
from engine.core.expressions.render import render
from engine.core.model import Definition
from engine.core.values import JsonObject
from engine.errors import Invalid, Problem
from engine.spec.validation import problems

LIMIT = 1024 * 1024
"""Bytes of inputs, as JSON."""


def admitted(
    definition: Definition, schema: jsonschema_rs.Validator, inputs: JsonObject, trigger: JsonObject
) -> JsonObject:
    """The inputs with defaults; `schema` is that of the definition's inputs. Raises Invalid: they do not fit, or a check refuses."""
    properties = definition.inputs.get("properties", {})
    defaults = {name: schemas["default"] for name, schemas in properties.items() if "default" in schemas}
    values = {**defaults, **inputs}
    misfits = _problems(schema, values)
    if misfits:
        raise Invalid(f"the inputs of {definition.name} do not fit", problems=misfits)
    _hold_checks(definition, values, trigger)
    return values


def _problems(schema: jsonschema_rs.Validator, values: JsonObject) -> Sequence[Problem]:
    bad = unstorable(values)
    if bad:
        return [Problem(pointer=bad[0], detail=bad[1])]
    size = len(orjson.dumps(values))
    if size > LIMIT:
        return [Problem(pointer="", detail=f"inputs of {size} bytes; at most {LIMIT} can be kept")]
    return problems(schema, values)


def _hold_checks(definition: Definition, inputs: JsonObject, trigger: JsonObject) -> None:
    names = {"inputs": inputs, "trigger": trigger, "vars": definition.vars}
    for number, check in enumerate(definition.checks):
        try:
            if condition(check.condition, names):
                continue
            detail = str(render(check.message, names))
        except EvaluationError as error:
            detail = f"the check could not be evaluated: {error.message}"
        raise Invalid(f"refused by a check: {detail}", problems=[Problem(pointer=f"/checks/{number}", detail=detail)])
