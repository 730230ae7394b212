"""Reads the body of a delivery as JSON, refusing all that two readers could take differently or no database can keep."""

from __future__ import annotations

import json
import math
import re
from typing import NoReturn
from urllib.parse import parse_qs

from engine.app.storable import DEPTH, too_deep, unstorable
from engine.core.values import Json, JsonObject
from engine.errors import Malformed

FORM = "application/x-www-form-urlencoded"
FORM_FIELD = "payload"
"""Where GitHub puts the JSON of a webhook that was set up to send forms."""

_ODD = re.compile(r"\\u(?:0000|[dD][89a-fA-F])")
"""What else could not be kept must have been written with one of these: most bodies have none, and need no closer look."""

_DIGITS = 400
"""More than any double has; beyond it Python's own reading of integers turns quadratic."""


def parse(body: bytes, content_type: str = "") -> Json:
    """The value of a body: UTF-8 JSON (I-JSON, RFC 7493), or a form with it in the field `payload`. Raises Malformed."""
    text = _text(body)
    if content_type.partition(";")[0].strip().lower() == FORM:
        text = _field(text)
    try:
        value = _DECODER.decode(text)
    except RecursionError:
        raise Malformed("the body is nested too deeply") from None
    except json.JSONDecodeError as error:
        raise Malformed(f"the body is no JSON: {error.msg} at line {error.lineno}, column {error.colno}") from None
    deep = text.count("{") + text.count("[") > DEPTH and too_deep(value)
    bad = unstorable(value) if deep or _ODD.search(text) else None
    if bad:
        raise Malformed(f"the body cannot be kept: {bad[1]}, at {bad[0] or 'its root'}")
    return value


def _text(body: bytes) -> str:
    try:
        return body.decode("utf-8")
    except UnicodeDecodeError as error:
        raise Malformed(f"the body is no UTF-8: byte {error.start} is wrong") from None


def _field(text: str) -> str:
    try:
        found = parse_qs(text, strict_parsing=True, max_num_fields=100).get(FORM_FIELD, [])
    except ValueError:
        found = []
    if len(found) != 1:
        raise Malformed(f"the form has no single field {FORM_FIELD!r}")
    return found[0]


def _object(pairs: list[tuple[str, Json]]) -> JsonObject:
    value = dict(pairs)
    if len(value) != len(pairs):
        raise Malformed("a key stands twice in one JSON object of the body")
    return value


def _constant(name: str) -> NoReturn:
    raise Malformed(f"the body is no JSON: {name} is no number")


def _integer(text: str) -> int | float:
    """An integer, or the nearest double for one beyond 64 bits, as JavaScript reads it."""
    if len(text) > _DIGITS:
        raise Malformed(f"the body has a number of {len(text)} digits")
    value = int(text)
    return value if -(2**63) <= value < 2**63 else _double(text)


def _double(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise Malformed(f"the body has a number that no double holds: {text[:20]}")
    return value


_DECODER = json.JSONDecoder(
    object_pairs_hook=_object, parse_constant=_constant, parse_int=_integer, parse_float=_double
)
