"""A form for the values of a JSON Schema: its fields as a template shows them, and what a browser sends back as JSON."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import orjson

from engine.core.values import Json, JsonObject
from engine.errors import Problem

PREFIX = "form."
"""Before the names of fields, so that none meets a name of the page's own."""
LONG = 200
"""From this `maxLength` on a text gets more than one line."""

Control = Literal["text", "long", "number", "switch", "choice", "json"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """One field. `value` is what stands in it, `choices` are for `choice`, `hint` says what fits, `problem` what does not."""

    name: str
    label: str
    control: Control
    value: str
    required: bool
    choices: tuple[str, ...] = ()
    hint: str = ""
    step: str = "any"
    problem: str = ""

    @property
    def key(self) -> str:
        """The name that the browser sends."""
        return PREFIX + self.name


def fields(
    properties: JsonObject,
    required: Sequence[str],
    sent: Mapping[str, str] | None = None,
    problems: Sequence[Problem] = (),
    *,
    below: str = "",
) -> tuple[Field, ...]:
    """The fields of an object's properties, filled with what was `sent` before, or with the defaults.

    `below` is the pointer under which the problems of these values stand.
    """
    return tuple(
        _field(
            name,
            schema if isinstance(schema, dict) else {},
            required=name in required,
            sent=sent,
            found=_found(name, problems, below),
        )
        for name, schema in properties.items()
    )


def values(properties: JsonObject, sent: Mapping[str, str]) -> tuple[JsonObject, tuple[Problem, ...]]:
    """What a browser sent, as JSON by the schemas' types, and what cannot be read. An empty field is left out."""
    found: JsonObject = {}
    wrong: list[Problem] = []
    for name, schema in properties.items():
        kind = _control(schema)
        text = sent.get(PREFIX + name, "")
        if kind == "switch":
            found[name] = text == "true"
        elif text != "":
            try:
                found[name] = _read(kind, schema, text)
            except ValueError as error:
                wrong.append(Problem(pointer=f"/{name}", detail=str(error)))
    return found, tuple(wrong)


def _read(kind: Control, schema: JsonObject, text: str) -> Json:
    if kind == "number":
        try:
            return int(text) if schema.get("type") == "integer" else float(text)
        except ValueError:
            raise ValueError("not a number") from None
    if kind == "json":
        try:
            return orjson.loads(text)
        except orjson.JSONDecodeError:
            raise ValueError("not JSON: text stands in double quotes") from None
    if kind == "choice":
        return next((choice for choice in schema["enum"] if _shown(choice) == text), text)
    return text.replace("\r\n", "\n")


def _found(name: str, problems: Sequence[Problem], below: str) -> str:
    own = f"{below}/{name.replace('~', '~0').replace('/', '~1')}"
    details = [p.detail for p in problems if p.pointer == own or p.pointer.startswith(own + "/")]
    # A missing name is told of the object that lacks it.
    details += [p.detail for p in problems if p.pointer == below and f'"{name}"' in p.detail]
    return "; ".join(details)


def _field(name: str, schema: JsonObject, *, required: bool, sent: Mapping[str, str] | None, found: str) -> Field:
    return Field(
        name=name,
        label=str(schema.get("title", name)),
        control=_control(schema),
        value=_shown(schema.get("default", "")) if sent is None else sent.get(PREFIX + name, ""),
        required=required,
        choices=tuple(_shown(choice) for choice in schema.get("enum", ())),
        hint=" · ".join(_hints(schema)),
        step="1" if schema.get("type") == "integer" else "any",
        problem=found,
    )


def _control(schema: Json) -> Control:
    if not isinstance(schema, dict):
        return "json"
    if isinstance(schema.get("enum"), list):
        return "choice"
    match schema.get("type"):
        case "string":
            return "long" if schema.get("maxLength", 0) >= LONG else "text"
        case "integer" | "number":
            return "number"
        case "boolean":
            return "switch"
        case _:
            return "json"


def _hints(schema: JsonObject) -> Iterator[str]:
    if schema.get("description"):
        yield str(schema["description"])
    if schema.get("pattern"):
        yield f"matches {schema['pattern']}"
    if schema.get("format"):
        yield str(schema["format"])
    for key, words in (("minimum", "at least"), ("maximum", "at most")):
        if key in schema:
            yield f"{words} {schema[key]}"
    if _control(schema) == "json":
        yield "JSON"


def _shown(value: Json) -> str:
    return value if isinstance(value, str) else orjson.dumps(value).decode()
