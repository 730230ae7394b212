"""JSON as both databases can keep it: whatever PostgreSQL would refuse or change silently is refused here, by name."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

import orjson

from engine.core.values import Json
from engine.errors import Invalid

_LISTS = list, tuple


def dump(value: Json) -> str:
    """The document's text. Raises Invalid, as `encoded` does."""
    return encoded(value).decode()


def encoded(value: Json) -> bytes:
    """The document's text in UTF-8. Raises Invalid for NUL characters, lone surrogates, NaN, infinities and whatever is no JSON."""
    try:
        data = orjson.dumps(value)
    except (TypeError, ValueError, RecursionError) as error:  # orjson's own errors are TypeErrors
        raise Invalid(f"the value cannot be stored as JSON: {error}") from error
    # orjson writes NaN as null and NUL as an escape: only documents with one of these are looked at closely.
    if b"\\" in data and b"\\u0000" in data:  # a single byte is found ten times as fast
        _refuse_nul(value)
    if b"null" in data:
        _refuse_what_is_no_number([value])
    return data


def load(text: str | bytes) -> Any:
    """The value of a stored document."""
    return orjson.loads(text)


def _refuse_nul(value: Json) -> None:
    if isinstance(value, dict):
        for key, inner in value.items():
            _refuse_nul(key)
            _refuse_nul(inner)
    elif isinstance(value, _LISTS):
        for inner in value:
            _refuse_nul(inner)
    elif isinstance(value, str) and "\0" in value:
        raise Invalid("the value cannot be stored: a text holds a NUL character")


def _refuse_what_is_no_number(values: Iterable[Json]) -> None:
    """Most documents with a null hold an honest one: this is on the hot path, so leaves cost no call."""
    for value in values:
        if isinstance(value, float):
            if not math.isfinite(value):
                raise Invalid("the value cannot be stored: NaN and infinities are no JSON")
        elif isinstance(value, dict):
            _refuse_what_is_no_number(value.values())
        elif isinstance(value, _LISTS):
            _refuse_what_is_no_number(value)


def storable_text(text: str) -> str:
    """A text for people to read, with what cannot be kept replaced: logs and errors must not be lost over a character."""
    return text.replace("\0", "\N{REPLACEMENT CHARACTER}").encode("utf-8", "replace").decode()
