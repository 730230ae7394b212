"""What a plain scalar means: the core schema of YAML 1.2, less its octal numbers and what JSON cannot hold."""

from __future__ import annotations

import math
import re

from engine.core.values import Json

_NULLS = frozenset({"", "~", "null", "Null", "NULL"})
_BOOLEANS = {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}
_INTEGER = re.compile(r"[-+]?[0-9]+")
_HEXADECIMAL = re.compile(r"0x[0-9a-fA-F]+")
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?")
_NOT_FINITE = re.compile(r"[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)")
_FIRST = frozenset("0123456789+-.~nNtTfF")
"""What anything that is no text begins with."""
_LONGEST_INTEGER = 20  # a sign and the 19 digits of 2^63


class OutOfRange(ValueError):
    """A number that is neither a 64-bit integer nor a finite double."""


def resolve(text: str) -> Json:
    """The value of a plain (unquoted) scalar. Raises OutOfRange.

    `on`, `yes`, `22:22` and `2024-01-31` are strings, `0777` is 777 (https://yaml.org/spec/1.2.2/#103-core-schema).
    """
    if text and text[0] not in _FIRST:
        return text
    if text in _NULLS:
        return None
    if text in _BOOLEANS:
        return _BOOLEANS[text]
    if text[0].isalpha():
        return text
    if _INTEGER.fullmatch(text):
        return _integer(text, 10)
    if _HEXADECIMAL.fullmatch(text):
        return _integer(text, 16)
    if _NOT_FINITE.fullmatch(text):
        raise OutOfRange(text)
    if _FLOAT.fullmatch(text):
        number = float(text)
        if not math.isfinite(number):
            raise OutOfRange(text)
        return number
    return text


def _integer(text: str, radix: int) -> int:
    if len(text.lstrip("+-0x")) > _LONGEST_INTEGER:
        raise OutOfRange(text)
    number = int(text, radix)
    if not -(2**63) <= number < 2**63:
        raise OutOfRange(text)
    return number
