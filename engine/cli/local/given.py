"""Reads the values of options: inputs and vars by the types they are to have, secrets, events, a trigger's body."""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import typer

from engine.cli.instances import parse_json
from engine.config import SECRET_PREFIX
from engine.core.values import Json, JsonObject

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]{0,99}")


def inputs(file: str | None, pairs: Sequence[str], schema: JsonObject) -> JsonObject:
    """Those of the file (`-`: standard input), and over them those of the command line. Raises typer.BadParameter."""
    properties = schema.get("properties", {})
    return {**(values(file) if file else {}), **typed(pairs, properties)}


def typed(pairs: Sequence[str], schemas: Mapping[str, Any]) -> JsonObject:
    """`name=value` as the schemas of the names want them: text stays text where text is wanted, `1.10` too.

    Raises typer.BadParameter.
    """
    found: JsonObject = {}
    for pair in pairs:
        name, text = _pair(pair)
        found[name] = value(text, schemas.get(name, {}))
    return found


def value(text: str, schema: Any) -> Json:
    """JSON, or else text; text as it is where the schema wants text."""
    wanted = schema.get("type") if isinstance(schema, dict) else None
    if wanted == "string":
        return text
    try:
        return parse_json(text)
    except ValueError:
        return text


def overrides(pairs: Sequence[str], known: JsonObject) -> JsonObject:
    """`--var`: each of a name that the project has, and of the type it has there. Raises typer.BadParameter."""
    found = typed(pairs, {name: {"type": _type(each)} for name, each in known.items()})
    for name, each in found.items():
        if name not in known:
            near = get_close_matches(name, known, 1)
            hint = f"; did you mean {near[0]!r}?" if near else ""
            raise typer.BadParameter(f"project.yaml has no var {name!r}{hint}")
        if _type(each) != _type(known[name]) and known[name] is not None:
            raise typer.BadParameter(f"the var {name!r} is {_type(known[name])} in project.yaml, not {_type(each)}")
    return found


def secrets(pairs: Sequence[str], environment: Mapping[str, str]) -> dict[str, str]:
    """`NAME=VALUE`, or `NAME` alone for the variable of that name: as the variables in which secrets are looked for.

    Raises typer.BadParameter.
    """
    found = {}
    for pair in pairs:
        name, given, text = pair.partition("=")
        if not _NAME.fullmatch(name):
            raise typer.BadParameter(f"{name!r} is no name of a secret")
        if not given and name not in environment:
            raise typer.BadParameter(
                f"--secret {name} takes the variable {name}, which is not set; or write {name}=VALUE"
            )
        found[SECRET_PREFIX + re.sub("[.-]", "_", name).upper()] = text if given else environment[name]
    return found


def events(pairs: Sequence[str]) -> list[tuple[str, Json]]:
    """`TYPE=JSON`, or `TYPE` alone for an event without a body, in order. Raises typer.BadParameter."""
    found: list[tuple[str, Json]] = []
    for pair in pairs:
        name, given, text = pair.partition("=")
        if not name:
            raise typer.BadParameter(f"{pair!r} is not TYPE=JSON")
        try:
            found.append((name, parse_json(text) if given else None))
        except ValueError:
            raise typer.BadParameter(f"the body of the event {name!r} is no JSON") from None
    return found


def body(file: str) -> Json:
    """What a file holds, JSON of any size or YAML; `-` is standard input. Raises typer.BadParameter."""
    from engine.spec.document import read
    from engine.spec.nodes import Document

    try:
        data = sys.stdin.buffer.read() if file == "-" else Path(file).read_bytes()
    except OSError as error:
        raise typer.BadParameter(f"{file} cannot be read: {error.strerror}") from None
    try:
        return parse_json(data.decode())
    except ValueError:
        document = read(_named(file), data)
    if not isinstance(document, Document):
        raise typer.BadParameter(f"{_named(file)} is neither JSON nor YAML: {document[0].message}")
    return document.root.value


def values(file: str) -> JsonObject:
    """A file of inputs. Raises typer.BadParameter."""
    found = body(file)
    if not isinstance(found, dict):
        raise typer.BadParameter(f"{_named(file)} holds no map of inputs")
    return found


def seconds(text: str | None) -> float | None:
    """`10m` as the language writes times. Raises typer.BadParameter."""
    from engine.core.durations import duration

    try:
        return None if text is None else duration(text) / 1000
    except ValueError as error:
        raise typer.BadParameter(f"--timeout: {error}") from None


def _named(file: str) -> str:
    return "standard input" if file == "-" else file


def _pair(pair: str) -> tuple[str, str]:
    name, given, text = pair.partition("=")
    if not given:
        raise typer.BadParameter(f"{pair!r} is not NAME=VALUE")
    return name, text


def _type(value: Json) -> str:
    """The JSON Schema type of a value."""
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, int | float):
        return "number"
    if isinstance(value, str):
        return "string"
    return "null" if value is None else "array" if isinstance(value, list) else "object"
