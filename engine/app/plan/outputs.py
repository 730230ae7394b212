"""What is known of the type of a workflow's outputs, whose files declare none."""

from __future__ import annotations

from engine.core.expressions.model import Expression, ListOf, Literal, MapOf, Template, Text
from engine.core.model import Definition
from engine.core.values import Json

_NAMES = {str: "string", bool: "boolean", int: "integer", float: "number", list: "array", dict: "object"}


def outputs(definition: Definition) -> dict[str, str | None]:
    """The outputs by name, each with its JSON type where that can be told."""
    match definition.outputs:
        case Literal(value=dict() as values):
            return {name: _of_value(value) for name, value in values.items()}
        case MapOf(items=items):
            return {name: _of_template(template, definition) for name, template in items}
        case _:
            return {}


def _of_template(template: Template, definition: Definition) -> str | None:
    match template:
        case Literal():
            return _of_value(template.value)
        case Text():
            return "string"
        case ListOf():
            return "array"
        case MapOf():
            return "object"
        case Expression():
            return _of_expression(template, definition)


def _of_value(value: Json) -> str:
    return _NAMES.get(type(value), "null")


def _of_expression(expression: Expression, definition: Definition) -> str | None:
    """That of an input or a task's declared output which is passed on as it is."""
    match expression.source.strip().split("."):
        case ["inputs", name]:
            return _declared(definition.inputs.get("properties", {}).get(name))
        case ["tasks", task, "outputs", name] if (found := definition.tasks.tasks.get(task)) and not found.body:
            return _declared((found.outputs or {}).get(name))
        case _:
            return None


def _declared(schema: Json) -> str | None:
    found = schema.get("type") if isinstance(schema, dict) else None
    return found if isinstance(found, str) else None
