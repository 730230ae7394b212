"""The types that keys of workflow files share: ids, durations, references, and forms that stand for one another."""

from __future__ import annotations

from itertools import combinations
from typing import Annotated, Any, TypeAlias

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, JsonValue, StringConstraints
from pydantic.config import JsonDict
from pydantic_core import PydanticCustomError

from engine.core.durations import duration

ID = r"^[a-z][a-z0-9_]*$"
NAME = r"^[a-z][a-z0-9-]{0,62}$"
SECRET = r"^[A-Z][A-Z0-9_]*$"  # noqa: S105 - the pattern of names, no secret
_SPAN = (
    r"^(?=.)([0-9]{1,9}d)?([0-9]{1,9}h)?([0-9]{1,9}m)?([0-9]{1,9}s)?([0-9]{1,9}ms)?$"
    r"|^P([0-9]{1,9}W|(?=.)([0-9]{1,9}D)?(T(?=.)([0-9]{1,9}H)?([0-9]{1,9}M)?([0-9]{1,9}([.,][0-9]{1,3})?S)?)?)$"
)
"""The form of `engine.core.durations`, for editors."""
CEL_WORDS = frozenset({"in", "true", "false", "null"})


class Shape(BaseModel):
    """A map of a file with known keys: types are strict and unknown keys are errors (`engine.spec.shape` suggests)."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, use_attribute_docstrings=True)


def _no_cel_word(value: str) -> str:
    if value in CEL_WORDS:
        raise PydanticCustomError("bad_id", 'the id "{word}" is a word of the expression language', {"word": value})
    return value


def _duration(value: Any) -> Any:
    if not isinstance(value, str):
        raise PydanticCustomError("duration", "a span of time is text like 10s, 5m, 2h, 7d or 1h30m")
    try:
        return duration(value)
    except ValueError as error:
        raise PydanticCustomError("duration", "{reason}", {"reason": str(error)}) from None


def _no_zero(value: int) -> int:
    if value == 0:
        raise PydanticCustomError("duration", "nothing ends within no time; leave the key out for no bound")
    return value


def _condition(value: Any) -> Any:
    return str(value).lower() if isinstance(value, bool) else value


def _one_or_more(value: Any) -> Any:
    return [value] if isinstance(value, str) else value


Id: TypeAlias = Annotated[str, StringConstraints(pattern=ID, max_length=64), AfterValidator(_no_cel_word)]
Queue: TypeAlias = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_-]{0,62}$")]
"""A task queue."""

SecretName: TypeAlias = Annotated[str, StringConstraints(pattern=SECRET, max_length=128)]
Duration: TypeAlias = Annotated[
    int,
    BeforeValidator(
        _duration,
        json_schema_input_type=Annotated[str, Field(pattern=_SPAN, examples=["10s", "5m", "1h30m", "P7D"])],
    ),
]
"""Milliseconds, once read."""
Bound: TypeAlias = Annotated[Duration, AfterValidator(_no_zero)]
"""A span within which something has to end."""
Condition: TypeAlias = Annotated[str, BeforeValidator(_condition, json_schema_input_type=str | bool)]
"""A bare CEL expression; `true` and `false` may stand without quotes."""
Names: TypeAlias = Annotated[list[str], BeforeValidator(_one_or_more, json_schema_input_type=str | list[str])]
Values: TypeAlias = dict[str, JsonValue]
"""A map of values that may hold templates."""
JsonSchema: TypeAlias = dict[str, JsonValue]
"""A JSON Schema (2020-12) of an author's; checked by `engine.spec.schema_check`."""


def exactly_one(*keys: str) -> JsonDict:
    """In a schema, for editors: one of these keys is there, and no other."""
    return {"oneOf": [_there(key) for key in keys]}


def at_least_one(*keys: str) -> JsonDict:
    """In a schema, for editors: one of these keys is there, or several."""
    return {"anyOf": [_there(key) for key in keys]}


def at_most_one(*keys: str) -> JsonDict:
    """In a schema, for editors: no two of these keys are there."""
    return {"not": {"anyOf": [{"required": list(pair)} for pair in combinations(keys, 2)]}}


def _there(key: str) -> JsonDict:
    return {"required": [key], "properties": {key: {"not": {"type": "null"}}}}
