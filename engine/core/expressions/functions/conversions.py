"""CEL's conversions between types, `type` and `size`."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping

from engine.core.expressions.budget import Run
from engine.core.expressions.errors import Failure
from engine.core.expressions.inner import Duration, Timestamp, TypeName, type_of
from engine.core.expressions.moments import (
    SECOND,
    checked_timestamp,
    duration_text,
    parse_duration,
    parse_timestamp,
    timestamp_text,
)
from engine.core.expressions.operators import INT_MAX, INT_MIN, checked_int, no_overload
from engine.core.values import Json

_INTEGER = re.compile(r"[+-]?[0-9]{1,30}", re.ASCII)
_DECIMAL = re.compile(
    r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?|[+-]?(?:inf|infinity|nan)", re.ASCII | re.IGNORECASE
)
_TRUE = frozenset(("1", "t", "true", "True", "TRUE"))
_FALSE = frozenset(("0", "f", "false", "False", "FALSE"))
_LONGEST_NUMBER = 400
_EXPONENT_FROM = 1e16


def to_int(run: Run, value: Json) -> int:  # noqa: ARG001 - all functions have one shape
    """`int(x)`: a double is truncated, a timestamp gives seconds since 1970."""
    if type(value) in {int, bool}:
        return int(value)
    if type(value) is float:
        if not math.isfinite(value) or not INT_MIN < value < INT_MAX:
            msg = f"{double_text(value)} does not fit an int"
            raise Failure(msg)
        return int(value)
    if type(value) is str:
        if not _INTEGER.fullmatch(value):
            raise Failure(f"{value[:40]!r} is no int")
        return checked_int(int(value))
    if type(value) is Timestamp:
        return value.nanos // SECOND
    raise no_overload("int()", value)


def to_double(run: Run, value: Json) -> float:  # noqa: ARG001
    """`double(x)`."""
    if type(value) is float:
        return value
    if type(value) is int:
        return float(value)
    if type(value) is str:
        if len(value) > _LONGEST_NUMBER or not _DECIMAL.fullmatch(value):
            raise Failure(f"{value[:40]!r} is no double")
        return float(value)
    raise no_overload("double()", value)


def to_string(run: Run, value: Json) -> str:
    """`string(x)`."""
    if type(value) is str:
        return value
    if type(value) is bytes:
        run.charge_text(len(value))
        try:
            decoded = value.decode()
        except UnicodeDecodeError:
            msg = "these bytes are no UTF-8 text"
            raise Failure(msg) from None
        if "\0" in decoded:
            msg = "these bytes have a NUL, which text here may not have"
            raise Failure(msg)
        return decoded
    text = scalar_text(value)
    if text is None:
        raise no_overload("string()", value)
    return text


def scalar_text(value: Json) -> str | None:
    """The one text of a string, number, boolean, timestamp or duration; None for all else."""
    if type(value) is str:
        return value
    if type(value) is bool:
        return "true" if value else "false"
    if type(value) is int:
        return str(value)
    if type(value) is float:
        return double_text(value)
    if type(value) is Timestamp:
        return timestamp_text(value)
    if type(value) is Duration:
        return duration_text(value)
    return None


def double_text(value: float) -> str:
    """The shortest text that reads back as `value`; whole numbers below 10^16 without a point."""
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "+Inf" if value > 0 else "-Inf"
    if value.is_integer() and abs(value) < _EXPONENT_FROM:
        return f"{value:.0f}"
    return repr(value)


def to_bool(run: Run, value: Json) -> bool:  # noqa: ARG001
    """`bool(x)`."""
    if type(value) is bool:
        return value
    if type(value) is str:
        if value in _TRUE:
            return True
        if value in _FALSE:
            return False
        raise Failure(f"{value[:40]!r} is no bool")
    raise no_overload("bool()", value)


def to_bytes(run: Run, value: Json) -> bytes:
    """`bytes(text)`: its UTF-8."""
    if type(value) is bytes:
        return value
    if type(value) is str:
        run.charge_text(len(value))
        try:
            return value.encode()
        except UnicodeEncodeError:
            msg = "the text has half a surrogate pair, which is no character"
            raise Failure(msg) from None
    raise no_overload("bytes()", value)


def to_timestamp(run: Run, value: Json) -> Timestamp:  # noqa: ARG001
    """`timestamp(text)` or `timestamp(seconds since 1970)`."""
    if type(value) is Timestamp:
        return value
    if type(value) is str:
        return parse_timestamp(value)
    if type(value) is int:
        return checked_timestamp(value * SECOND)
    raise no_overload("timestamp()", value)


def to_duration(run: Run, value: Json) -> Duration:  # noqa: ARG001
    """`duration(text)`."""
    if type(value) is Duration:
        return value
    if type(value) is str:
        return parse_duration(value)
    raise no_overload("duration()", value)


def to_dyn(run: Run, value: Json) -> Json:  # noqa: ARG001
    """`dyn(x)`: for the type check only."""
    return value


def type_name(run: Run, value: Json) -> TypeName:  # noqa: ARG001
    """`type(x)`."""
    return type_of(value)


def size(run: Run, value: Json) -> int:  # noqa: ARG001
    """`size(x)`: characters, bytes, elements or entries."""
    if type(value) in (str, bytes, list, dict):
        return len(value)
    raise no_overload("size()", value)


FUNCTIONS: Mapping[str, Callable[..., Json]] = {
    "int": to_int,
    "double": to_double,
    "string": to_string,
    "bool": to_bool,
    "bytes": to_bytes,
    "timestamp": to_timestamp,
    "duration": to_duration,
    "dyn": to_dyn,
    "type": type_name,
    "size": size,
}
METHODS: Mapping[str, Callable[..., Json]] = {"size": size}
