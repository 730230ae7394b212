"""CEL's math extension over 64-bit ints and doubles."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence

from engine.core.expressions.budget import Run
from engine.core.expressions.errors import Failure
from engine.core.expressions.operators import NUMBERS, checked_int, no_overload
from engine.core.values import Json

_BITS = 64
_MASK = (1 << _BITS) - 1


def greatest(run: Run, *values: Json) -> Json:
    """`math.greatest(a, b, …)` or of one list."""
    return max(_numbers("math.greatest", run, values))


def least(run: Run, *values: Json) -> Json:
    """`math.least(a, b, …)` or of one list."""
    return min(_numbers("math.least", run, values))


def _numbers(name: str, run: Run, values: Sequence[Json]) -> Sequence[Json]:
    found = values[0] if len(values) == 1 and type(values[0]) is list else values
    run.charge(len(found))
    if not found:
        raise Failure(f"{name}() needs at least one number")
    for value in found:
        if type(value) not in NUMBERS:
            raise no_overload(f"{name}()", value)
    return found


def _rounding(name: str, round_: Callable[[float], float]) -> Callable[[Run, Json], float]:
    def rounded(run: Run, value: Json) -> float:  # noqa: ARG001 - all functions have one shape
        if type(value) is not float:
            raise no_overload(f"math.{name}()", value)
        return math.copysign(round_(value), value) if math.isfinite(value) else value

    return rounded


def _half_away(value: float) -> float:
    whole = math.trunc(value)
    return float(whole + int(math.copysign(1, value))) if abs(value - whole) >= 0.5 else float(whole)  # noqa: PLR2004


def absolute(run: Run, value: Json) -> Json:  # noqa: ARG001
    """`math.abs(x)`."""
    if type(value) is int:
        return checked_int(abs(value))
    if type(value) is float:
        return abs(value)
    raise no_overload("math.abs()", value)


def sign(run: Run, value: Json) -> Json:  # noqa: ARG001
    """`math.sign(x)`: -1, 0 or 1 of the same type."""
    if type(value) is int:
        return (value > 0) - (value < 0)
    if type(value) is float:
        return value if math.isnan(value) else float((value > 0) - (value < 0))
    raise no_overload("math.sign()", value)


def sqrt(run: Run, value: Json) -> float:  # noqa: ARG001
    """`math.sqrt(x)`: NaN for negative numbers."""
    if type(value) not in NUMBERS:
        raise no_overload("math.sqrt()", value)
    return math.sqrt(value) if value >= 0 else math.nan


def _question(name: str, ask: Callable[[float], bool]) -> Callable[[Run, Json], bool]:
    def answer(run: Run, value: Json) -> bool:  # noqa: ARG001
        if type(value) is not float:
            raise no_overload(f"math.{name}()", value)
        return ask(value)

    return answer


def _bitwise(name: str, combine: Callable[[int, int], int]) -> Callable[[Run, Json, Json], int]:
    def combined(run: Run, left: Json, right: Json) -> int:  # noqa: ARG001
        if type(left) is not int or type(right) is not int:
            raise no_overload(f"math.{name}()", left, right)
        return combine(left, right)

    return combined


def bit_not(run: Run, value: Json) -> int:  # noqa: ARG001
    """`math.bitNot(x)`."""
    if type(value) is not int:
        raise no_overload("math.bitNot()", value)
    return ~value


def _shift_left(value: int, places: int) -> int:
    return _signed(value << min(_places(places), _BITS))


def _shift_right(value: int, places: int) -> int:
    return _signed((value & _MASK) >> min(_places(places), _BITS))


def _places(places: int) -> int:
    if places < 0:
        msg = "bits cannot be shifted by a negative number"
        raise Failure(msg)
    return places


def _signed(bits: int) -> int:
    low = bits & _MASK
    return low - (1 << _BITS) if low >> (_BITS - 1) else low


FUNCTIONS: Mapping[str, Callable[..., Json]] = {
    "math.greatest": greatest,
    "math.least": least,
    "math.ceil": _rounding("ceil", math.ceil),
    "math.floor": _rounding("floor", math.floor),
    "math.round": _rounding("round", _half_away),
    "math.trunc": _rounding("trunc", math.trunc),
    "math.abs": absolute,
    "math.sign": sign,
    "math.sqrt": sqrt,
    "math.isNaN": _question("isNaN", math.isnan),
    "math.isInf": _question("isInf", math.isinf),
    "math.isFinite": _question("isFinite", math.isfinite),
    "math.bitAnd": _bitwise("bitAnd", int.__and__),
    "math.bitOr": _bitwise("bitOr", int.__or__),
    "math.bitXor": _bitwise("bitXor", int.__xor__),
    "math.bitNot": bit_not,
    "math.bitShiftLeft": _bitwise("bitShiftLeft", _shift_left),
    "math.bitShiftRight": _bitwise("bitShiftRight", _shift_right),
}
