"""CEL's optional values: made, asked and opened."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from engine.core.expressions.budget import Run
from engine.core.expressions.errors import Failure
from engine.core.expressions.inner import ABSENT, Duration, Optional, Timestamp, kind, some
from engine.core.values import Json

_ZERO_TIMES = (Timestamp(nanos=0), Duration(nanos=0))


def _optional(name: str, value: Json) -> Optional:
    if type(value) is Optional:
        return value
    raise Failure(f"{name}() needs an optional (from '.?', '[?]' or optional.of), not {kind(value)}")


def of(run: Run, value: Json) -> Optional:  # noqa: ARG001 - all functions have one shape
    """`optional.of(x)`."""
    return some(value)


def none(run: Run) -> Optional:  # noqa: ARG001
    """`optional.none()`."""
    return ABSENT


def of_non_zero(run: Run, value: Json) -> Optional:  # noqa: ARG001
    """`optional.ofNonZeroValue(x)`: absent for null, false, 0, and what is empty."""
    return ABSENT if value in _ZERO_TIMES or not value else some(value)


def has_value(run: Run, value: Json) -> bool:  # noqa: ARG001
    """`x.hasValue()`."""
    return _optional("hasValue", value).present


def value_of(run: Run, value: Json) -> Json:  # noqa: ARG001
    """`x.value()`."""
    if _optional("value", value).present:
        return value.value
    msg = "value() of an optional that is absent"
    raise Failure(msg)


FUNCTIONS: Mapping[str, Callable[..., Json]] = {
    "optional.of": of,
    "optional.none": none,
    "optional.ofNonZeroValue": of_non_zero,
}
METHODS: Mapping[str, Callable[..., Json]] = {"hasValue": has_value, "value": value_of}
