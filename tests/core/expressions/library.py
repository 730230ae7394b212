"""The CEL library as an oracle: the same source on the same JSON, its answer as plain values."""

from __future__ import annotations

import datetime as dt
import math
from functools import cache

from cel_expr_python import cel

_CONFIG = "extensions: [{name: optional}, {name: strings}, {name: math}, {name: lists}, {name: encoders}]"


class NoAnswer(Exception):
    """The library refuses the expression, or its answer is none JSON has."""


class Failed(Exception):
    """The library evaluated it to an error."""


@cache
def environment(names):
    return cel.NewEnv(config=cel.NewEnvConfigFromYaml(_CONFIG), variables=dict.fromkeys(names, cel.Type.DYN))


def answer(source, names):
    try:
        compiled = environment(tuple(sorted(names))).compile(source)
    except RuntimeError as error:
        raise NoAnswer from error
    try:
        value = compiled.eval(data=names)
    except (RuntimeError, ValueError) as error:
        raise Failed from error
    if value.type() == cel.Type.ERROR:
        raise Failed
    return _plain(value)


def _plain(value):
    if value.type() == cel.Type.NULL:  # before `value()`, which loses a reference to None
        return None
    try:
        plain = value.value()
    except TypeError as error:  # an optional
        raise NoAnswer from error
    if isinstance(plain, list):
        return [_plain(item) for item in plain]
    if isinstance(plain, dict):
        if not all(isinstance(key, str) for key in plain):
            raise NoAnswer
        return {key: _plain(item) for key, item in plain.items()}
    if isinstance(plain, float) and not math.isfinite(plain):
        raise NoAnswer
    if isinstance(plain, (bytes, bytearray, dt.datetime, dt.timedelta, cel.Type)):
        raise NoAnswer
    return plain
