"""Holds values against JSON Schemas, for lint and engine alike: nothing is fetched, patterns run in linear time, errors carry pointers."""

from __future__ import annotations

from functools import lru_cache
from itertools import islice

import jsonschema_rs
import orjson

from engine.core.values import Json, JsonObject
from engine.errors import Problem

LARGEST_KEPT = 16 * 1024
"""Bytes of a schema that is kept."""


def validator(schema: JsonObject) -> jsonschema_rs.Validator:
    """Compile a 2020-12 schema; one that was compiled a moment ago is kept, as the same task comes up again and again.

    Raises ValueError for one that cannot be used: a `$ref` that leaves it, a pattern that needs backtracking.
    """
    try:
        written = orjson.dumps(schema)
    except TypeError:  # a number beyond 64 bits
        return _compile(schema)
    return _kept(written) if len(written) <= LARGEST_KEPT else _compile(schema)


@lru_cache(maxsize=512)
def _kept(written: bytes) -> jsonschema_rs.Validator:
    return _compile(orjson.loads(written))


def _compile(schema: JsonObject) -> jsonschema_rs.Validator:
    return jsonschema_rs.Draft202012Validator(
        schema, offline=True, validate_formats=True, pattern_options=jsonschema_rs.RegexOptions()
    )


MOST = 100
"""Problems that are listed of one value."""

LONGEST = 500
"""Characters of a problem's detail, which quotes the value."""


def problems(compiled: jsonschema_rs.Validator, value: Json) -> tuple[Problem, ...]:
    """What in the value does not fit, with RFC 6901 pointers; enough of it to mend the value, whatever its size."""
    return tuple(
        Problem(pointer="".join(f"/{_escaped(step)}" for step in error.instance_path), detail=_short(error.message))
        for error in islice(compiled.iter_errors(value), MOST)
    )


def _short(text: str) -> str:
    return text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"


def _escaped(step: object) -> str:
    return str(step).replace("~", "~0").replace("/", "~1")
