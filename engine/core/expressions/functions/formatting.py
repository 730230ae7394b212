"""`text.format(values)` of CEL's strings extension: %s %d %f %e %b %x %X %o %%."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping

from engine.core.expressions.budget import NESTING, Run
from engine.core.expressions.errors import Failure
from engine.core.expressions.functions.conversions import scalar_text, to_bytes
from engine.core.expressions.inner import TypeName, kind
from engine.core.expressions.operators import NUMBERS
from engine.core.values import Json

_CLAUSE = re.compile(r"%(?:%|(?:\.([0-9]{1,4}))?([A-Za-z])|)")
_PRECISION = 6
_MOST_PRECISION = 100


def format_text(run: Run, text: Json, values: Json) -> str:
    """`text.format(values)`; raises `Failure` for a clause without a value, or of a type it does not write."""
    if type(text) is not str or type(values) is not list:
        raise Failure(f"format() takes a text and a list, not {kind(text)} and {kind(values)}")
    run.charge_text(len(text))
    pieces: list[str] = []
    at = used = 0
    for match in _CLAUSE.finditer(text):
        pieces.append(text[at : match.start()])
        at = match.end()
        if match[0] == "%%":
            pieces.append("%")
            continue
        if used == len(values):
            raise Failure(f"format() has no value left for {match[0]!r}")
        piece = _write(run, match, values[used])
        run.charge(1)
        run.charge_text(len(piece))
        pieces.append(piece)
        used += 1
    return "".join([*pieces, text[at:]])


def _write(run: Run, match: re.Match[str], value: Json) -> str:
    writer = _WRITERS.get(match[2] or "")
    if writer is None:
        raise Failure(f"format() knows no clause {match[0]!r}")
    precision = int(match[1]) if match[1] else _PRECISION
    if precision > _MOST_PRECISION:
        raise Failure(f"format() writes at most {_MOST_PRECISION} decimals")
    written = writer(run, value, precision)
    if written is None:
        raise Failure(f"format() cannot write {kind(value)} as {match[0]!r}")
    return written


def _any(run: Run, value: Json, precision: int) -> str | None:  # noqa: ARG001 - all writers have one shape
    return _shown(run, value, NESTING)


def _shown(run: Run, value: Json, depth: int) -> str:
    if depth == 0:
        raise Failure(f"the value nests deeper than {NESTING}")
    if type(value) is list:
        run.charge(len(value))
        return _paid(run, "[" + ", ".join(_shown(run, item, depth - 1) for item in value) + "]")
    if type(value) is dict:
        run.charge(len(value))
        return _paid(
            run, "{" + ", ".join(f"{key}: {_shown(run, value[key], depth - 1)}" for key in sorted(value)) + "}"
        )
    if value is None:
        return "null"
    if type(value) is float:
        return _not_finite(value) or str(scalar_text(value))
    if type(value) is bytes:
        return value.decode(errors="replace")
    if type(value) is TypeName:
        return value.name
    text = scalar_text(value)
    if text is None:
        raise Failure(f"format() cannot write {kind(value)} as '%s'")
    return text


def _paid(run: Run, text: str) -> str:
    run.charge_text(len(text))
    return text


def _decimal(run: Run, value: Json, precision: int) -> str | None:  # noqa: ARG001
    if type(value) is int:
        return str(value)
    return _not_finite(value) if type(value) is float else None


def _not_finite(value: float) -> str | None:
    if math.isnan(value):
        return "NaN"
    return ("Infinity" if value > 0 else "-Infinity") if math.isinf(value) else None


def _float(letter: str) -> Callable[[Run, Json, int], str | None]:
    def write(run: Run, value: Json, precision: int) -> str | None:  # noqa: ARG001
        if type(value) not in NUMBERS:
            return None
        return _not_finite(float(value)) or f"{float(value):.{precision}{letter}}"

    return write


def _base(letter: str) -> Callable[[Run, Json, int], str | None]:
    def write(run: Run, value: Json, precision: int) -> str | None:  # noqa: ARG001
        if type(value) is int:
            return f"{value:{letter}}"
        if type(value) is bool and letter == "b":
            return f"{value:d}"
        if type(value) in (str, bytes) and letter in "xX":
            run.charge_text(2 * len(value))
            digits = to_bytes(run, value).hex()
            return digits.upper() if letter == "X" else digits
        return None

    return write


_WRITERS: Mapping[str, Callable[[Run, Json, int], str | None]] = {
    "s": _any,
    "d": _decimal,
    "f": _float("f"),
    "e": _float("e"),
    **{letter: _base(letter) for letter in "bxXo"},
}
METHODS: Mapping[str, Callable[..., Json]] = {"format": format_text}
