"""What evaluates only the operands it needs: `&&`, `||`, `?:`, `or` and `orValue`."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from engine.core.expressions.budget import Run
from engine.core.expressions.closures import Closure
from engine.core.expressions.errors import Failure
from engine.core.expressions.inner import Optional, kind
from engine.core.values import Json


def decided_by(decisive: bool, first: Closure, second: Closure, offset: int) -> Closure:
    """`&&` (decided by False) and `||` (by True): a decisive side wins over an error of the other, whichever comes first."""
    symbol = "||" if decisive else "&&"

    def decide(run: Run) -> Json:
        try:
            value = first(run)
        except Failure as failure:
            if _is(second, run, decisive):
                return decisive
            raise failure from None
        if value is decisive:
            return decisive
        other = second(run)
        if other is decisive:
            return decisive
        if type(value) is type(other) is bool:
            return not decisive
        wrong = value if type(value) is not bool else other
        raise Failure(f"'{symbol}' needs bools, not {kind(wrong)}", offset)

    return decide


def _is(closure: Closure, run: Run, decisive: bool) -> bool:
    try:
        return closure(run) is decisive
    except Failure:
        return False


def choice(condition: Closure, then: Closure, otherwise: Closure, offset: int) -> Closure:
    """`condition ? then : otherwise`."""

    def choose(run: Run) -> Json:
        value = condition(run)
        if value is True:
            return then(run)
        if value is False:
            return otherwise(run)
        raise Failure(f"'?:' needs a bool, not {kind(value)}", offset)

    return choose


def _or_value(optional: Closure, other: Closure, offset: int) -> Closure:
    def choose(run: Run) -> Json:
        value = _optional("orValue", optional(run), offset)
        return value.value if value.present else other(run)

    return choose


def _or(optional: Closure, other: Closure, offset: int) -> Closure:
    def choose(run: Run) -> Json:
        value = _optional("or", optional(run), offset)
        return value if value.present else _optional("or", other(run), offset)

    return choose


def _optional(name: str, value: Json, offset: int) -> Optional:
    if type(value) is Optional:
        return value
    raise Failure(f"{name}() needs an optional (from '.?', '[?]' or optional.of), not {kind(value)}", offset)


LAZY_METHODS: Mapping[str, Callable[[Closure, Closure, int], Closure]] = {"orValue": _or_value, "or": _or}
"""The methods that look at their argument only when the optional before them is absent."""
