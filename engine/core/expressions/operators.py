"""CEL's operators over JSON values: arithmetic that overflows loudly, equality and order across number types."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Mapping
from typing import TypeAlias

from engine.core.expressions.budget import CHARACTERS_PER_STEP, NESTING, Run
from engine.core.expressions.errors import Failure
from engine.core.expressions.inner import ABSENT, Duration, Optional, Timestamp, kind, some
from engine.core.expressions.moments import checked_duration, checked_timestamp
from engine.core.values import Json

Operator: TypeAlias = Callable[[Run, Json, Json], Json]

INT_MIN, INT_MAX = -(1 << 63), (1 << 63) - 1
NUMBERS = frozenset((int, float))
_ORDERED = frozenset((str, bool, bytes, Timestamp, Duration))
_KEYS = frozenset((str, int, float, bool))
"""What may be asked for in a map; only strings are ever found."""

_SIMPLE = frozenset((int, float, bool, type(None)))


def checked_int(value: int) -> int:
    """`value`, if 64 bits hold it."""
    if INT_MIN <= value <= INT_MAX:
        return value
    msg = "integer overflow"
    raise Failure(msg)


def no_overload(name: str, *values: Json) -> Failure:
    """The failure of an operator or function that does not take such values."""
    return Failure(f"{name} does not take {' and '.join(kind(value) for value in values)}")


def equal(run: Run, left: Json, right: Json, depth: int = NESTING) -> bool:
    """CEL equality: numbers by value whatever their type, values of different types are unequal, never an error."""
    left_type, right_type = type(left), type(right)
    if left_type is not right_type:
        return left_type in NUMBERS and right_type in NUMBERS and bool(left == right)
    if left_type in _SIMPLE:
        return bool(left == right)
    if left_type is str:
        if len(left) >= CHARACTERS_PER_STEP:
            run.charge_text(len(left))
        return bool(left == right)
    if depth == 0:
        msg = f"the values nest deeper than {NESTING}"
        raise Failure(msg)
    if left_type is Optional:
        return left.present == right.present and equal(run, left.value, right.value, depth - 1)
    if left_type in {list, dict}:
        run.charge(len(left))
        return _all_equal(run, left, right, depth - 1)
    return bool(left == right)


def _all_equal(run: Run, left: Json, right: Json, depth: int) -> bool:
    if type(left) is list:
        return len(left) == len(right) and all(equal(run, a, b, depth) for a, b in zip(left, right, strict=True))
    return left.keys() == right.keys() and all(equal(run, value, right[key], depth) for key, value in left.items())


def contains(run: Run, item: Json, box: Json) -> bool:
    """`item in box`."""
    if type(box) is list:
        run.charge(len(box))
        return any(equal(run, item, other) for other in box)
    if type(box) is dict and type(item) in _KEYS:
        return type(item) is str and item in box
    raise no_overload("'in'", item, box)


def add(run: Run, left: Json, right: Json) -> Json:
    """`left + right`."""
    left_type, right_type = type(left), type(right)
    if left_type is right_type:
        if left_type is int:
            return checked_int(left + right)
        if left_type is float:
            return left + right
        if left_type in (str, bytes):
            run.charge_text(len(left) + len(right))
            return left + right
        if left_type is list:
            run.charge(len(left) + len(right))
            return left + right
        if left_type is Duration:
            return checked_duration(left.nanos + right.nanos)
    elif {left_type, right_type} == {Timestamp, Duration}:
        return checked_timestamp(left.nanos + right.nanos)
    raise no_overload("'+'", left, right)


def subtract(run: Run, left: Json, right: Json) -> Json:  # noqa: ARG001 - all operators have one shape
    """`left - right`."""
    left_type, right_type = type(left), type(right)
    if left_type is right_type:
        if left_type is int:
            return checked_int(left - right)
        if left_type is float:
            return left - right
        if left_type in (Timestamp, Duration):
            return checked_duration(left.nanos - right.nanos)
    elif left_type is Timestamp and right_type is Duration:
        return checked_timestamp(left.nanos - right.nanos)
    raise no_overload("'-'", left, right)


def multiply(run: Run, left: Json, right: Json) -> Json:  # noqa: ARG001
    """`left * right`."""
    if type(left) is type(right) is int:
        return checked_int(left * right)
    if type(left) is type(right) is float:
        return left * right
    raise no_overload("'*'", left, right)


def divide(run: Run, left: Json, right: Json) -> Json:  # noqa: ARG001
    """`left / right`: integers truncate towards zero, doubles follow IEEE 754."""
    if type(left) is type(right) is int:
        if right == 0:
            msg = "division by zero"
            raise Failure(msg)
        return checked_int(_truncated(left, right))
    if type(left) is type(right) is float:
        if right != 0.0:
            return left / right
        if left == 0.0 or math.isnan(left):
            return math.nan
        return math.copysign(math.inf, left) * math.copysign(1.0, right)
    raise no_overload("'/'", left, right)


def modulo(run: Run, left: Json, right: Json) -> Json:  # noqa: ARG001
    """`left % right`: the sign is the dividend's; integers only."""
    if type(left) is type(right) is int:
        if right == 0:
            msg = "modulus by zero"
            raise Failure(msg)
        checked_int(_truncated(left, right))
        return left - right * _truncated(left, right)
    raise no_overload("'%'", left, right)


def _truncated(left: int, right: int) -> int:
    quotient = abs(left) // abs(right)
    return quotient if (left < 0) == (right < 0) else -quotient


def _comparison(symbol: str, compare: Callable[[Json, Json], bool]) -> Operator:
    def ordered(run: Run, left: Json, right: Json) -> Json:
        left_type, right_type = type(left), type(right)
        if left_type in NUMBERS and right_type in NUMBERS:
            return compare(left, right) if left_type is right_type else compare(float(left), float(right))
        if left_type is right_type and left_type in _ORDERED:
            if left_type is str and len(left) >= CHARACTERS_PER_STEP:
                run.charge_text(len(left))
            return compare(left, right)
        raise no_overload(f"'{symbol}'", left, right)

    return ordered


def negate(value: Json) -> Json:
    """`-value`."""
    if type(value) is int:
        return checked_int(-value)
    if type(value) is float:
        return -value
    raise no_overload("'-'", value)


def index(run: Run, box: Json, key: Json) -> Json:
    """`box[key]`."""
    box_type = type(box)
    if box_type is dict:
        if type(key) is str:
            return member(run, box, key)
        raise no_overload("a map's '[ ]'", key)
    if box_type is list:
        place = _place(key)
        if place is not None:
            if 0 <= place < len(box):
                return box[place]
            msg = f"index {place} is outside a list of {len(box)}"
            raise Failure(msg)
        raise no_overload("a list's '[ ]'", key)
    if box_type is Optional:
        return optional_index(run, box, key)
    raise no_overload("'[ ]'", box)


def optional_index(run: Run, box: Json, key: Json) -> Json:
    """`box[?key]`: absent where there is no such key or place."""
    if type(box) is Optional:
        return optional_index(run, box.value, key) if box.present else ABSENT
    if type(box) is dict and type(key) in _KEYS:
        return some(box[key]) if type(key) is str and key in box else ABSENT
    if type(box) is list and (place := _place(key)) is not None:
        return some(box[place]) if 0 <= place < len(box) else ABSENT
    raise no_overload("'[? ]'", box, key)


def _place(key: Json) -> int | None:
    if type(key) is int:
        return key
    return int(key) if type(key) is float and key.is_integer() else None


def member(run: Run, box: Json, name: str) -> Json:
    """`box.name`."""
    if type(box) is dict:
        try:
            return box[name]
        except KeyError:
            raise Failure(f"there is no key {name!r} here") from None
    if type(box) is Optional:
        return optional_member(run, box, name)
    raise Failure(f"{kind(box)} has no member {name!r}")


def optional_member(run: Run, box: Json, name: str) -> Json:
    """`box.?name`."""
    if type(box) is Optional:
        return optional_member(run, box.value, name) if box.present else ABSENT
    if type(box) is dict:
        return some(box[name]) if name in box else ABSENT
    raise Failure(f"{kind(box)} has no member {name!r}")


def has(box: Json, name: str) -> bool:
    """`has(box.name)`."""
    if type(box) is Optional:
        return box.present and has(box.value, name)
    if type(box) is dict:
        return name in box
    raise Failure(f"{kind(box)} has no member {name!r}")


BINARY: Mapping[str, Operator] = {
    "+": add,
    "-": subtract,
    "*": multiply,
    "/": divide,
    "%": modulo,
    "==": equal,
    "!=": lambda run, left, right: not equal(run, left, right),
    "<": _comparison("<", operator.lt),
    "<=": _comparison("<=", operator.le),
    ">": _comparison(">", operator.gt),
    ">=": _comparison(">=", operator.ge),
    "in": contains,
    "[]": index,
    "[?]": optional_index,
}
"""What the `binary` nodes of the AST do, by their symbol."""
