"""Reads the file a script wrote its outputs to: `name=value` lines, `name<<END` blocks, or one JSON object."""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterator, Mapping
from pathlib import Path

import orjson

from engine.app.kinds import Failed
from engine.core.values import Json, JsonObject

LIMIT = 2 * 1024 * 1024
"""Bytes that are read; what is kept of them is bounded further when the task ends."""
_ENTRY = re.compile(r"([a-z][a-z0-9_]*)(=|<<)(.*)")


def read(file: Path, declared: Mapping[str, JsonObject]) -> JsonObject:
    """The outputs. A value whose declared schema wants no text is read as JSON. Raises Failed."""
    text = _text(file)
    if text.lstrip().startswith("{"):
        return _object(text)
    return {name: _typed(name, value, declared.get(name)) for name, value in _entries(text)}


def _text(file: Path) -> str:
    # The script owned this path: by now it may be a pipe that never ends, or lead elsewhere.
    try:
        handle = os.open(file, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError as error:
        raise Failed("outputs", f"the output file cannot be read: {error.strerror}") from None
    try:
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            raise Failed("outputs", "the output file is no regular file any more")
        content = os.read(handle, LIMIT + 1)
    finally:
        os.close(handle)
    if len(content) > LIMIT:
        raise Failed("output_too_large", f"more than {LIMIT} bytes were written to the output file", {"limit": LIMIT})
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise Failed("outputs", "the output file is not UTF-8") from None


def _object(text: str) -> JsonObject:
    try:
        value = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise Failed("outputs", f"the output file starts like a JSON object and is none: {error}") from None
    found: JsonObject = value
    return found


def _entries(text: str) -> Iterator[tuple[str, str]]:
    lines = enumerate(text.replace("\r\n", "\n").split("\n"), start=1)
    for number, line in lines:
        if not line.strip():
            continue
        entry = _ENTRY.fullmatch(line)
        if entry is None:
            raise Failed("outputs", f"line {number} of the output file is neither name=value nor name<<END")
        name, sign, rest = entry.groups()
        if sign == "=":
            yield name, rest
            continue
        if not rest:
            raise Failed("outputs", f"line {number} of the output file names no end mark after {name}<<")
        block: list[str] = []
        for _, inner in lines:
            if inner == rest:
                break
            block.append(inner)
        else:
            raise Failed("outputs", f"the block {name}<<{rest} of line {number} of the output file never ends")
        yield name, "\n".join(block)


def _typed(name: str, value: str, schema: Json) -> Json:
    wanted = schema.get("type") if isinstance(schema, dict) else None
    if wanted is None or "string" in wanted:
        return value
    try:
        return orjson.loads(value)
    except orjson.JSONDecodeError:
        raise Failed("outputs", f"the output {name!r} should be {wanted} and is no JSON", {"output": name}) from None
