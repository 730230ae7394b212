"""Everything an expression may call, and how many arguments each call takes."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import TypeAlias

from engine.core.expressions.functions import (
    conversions,
    encoders,
    formatting,
    lists,
    numbers,
    optionals,
    strings,
    times,
)
from engine.core.values import Json

Function: TypeAlias = Callable[..., Json]

FUNCTIONS: Mapping[str, Function] = {
    **conversions.FUNCTIONS,
    **strings.FUNCTIONS,
    **lists.FUNCTIONS,
    **numbers.FUNCTIONS,
    **optionals.FUNCTIONS,
    **encoders.FUNCTIONS,
}
"""Called as `name(…)`, some with a namespace: `math.greatest(…)`."""

METHODS: Mapping[str, Function] = {
    **conversions.METHODS,
    **strings.METHODS,
    **formatting.METHODS,
    **lists.METHODS,
    **optionals.METHODS,
    **times.METHODS,
}
"""Called as `value.name(…)`."""

NAMESPACES = frozenset(name.partition(".")[0] for name in FUNCTIONS if "." in name)
"""The words before the dot; they are no values."""

LAZY: Mapping[str, int] = {"orValue": 1, "or": 1}
"""Methods that evaluate their argument only when they need it, with how many they take."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Macro:
    """A method whose arguments are not values: first the names of variables, then expressions in which they stand."""

    variables: int
    bodies: tuple[int, ...]


MACROS: Mapping[str, Macro] = {
    "all": Macro(variables=1, bodies=(1,)),
    "exists": Macro(variables=1, bodies=(1,)),
    "exists_one": Macro(variables=1, bodies=(1,)),
    "filter": Macro(variables=1, bodies=(1,)),
    "map": Macro(variables=1, bodies=(1, 2)),
    "sortBy": Macro(variables=1, bodies=(1,)),
    "optMap": Macro(variables=1, bodies=(1,)),
    "optFlatMap": Macro(variables=1, bodies=(1,)),
}
"""`has` is the one macro that is no method."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Arity:
    """How many values a call takes, its receiver included; `most` is None where there is no bound."""

    least: int
    most: int | None


@cache
def arity(function: Function) -> Arity:
    """Read from the function's own signature, without the `Run` it gets first."""
    parameters = list(inspect.signature(function).parameters.values())[1:]
    if any(parameter.kind is parameter.VAR_POSITIONAL for parameter in parameters):
        return Arity(least=1, most=None)
    required = sum(parameter.default is parameter.empty for parameter in parameters)
    return Arity(least=required, most=len(parameters))
