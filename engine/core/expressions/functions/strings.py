"""CEL's string functions and its strings extension; places and lengths count characters."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache

import re2

from engine.core.expressions.budget import Run
from engine.core.expressions.errors import Failure
from engine.core.expressions.inner import kind
from engine.core.values import Json

_UPPER = {code: code - 32 for code in range(ord("a"), ord("z") + 1)}
_LOWER = {code: code + 32 for code in range(ord("A"), ord("Z") + 1)}
_SPACE = "\t\n\v\f\r \x85\xa0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u2028\u2029\u202f\u205f\u3000"
_QUOTED = str.maketrans(
    {
        "\a": "\\a",
        "\b": "\\b",
        "\f": "\\f",
        "\n": "\\n",
        "\r": "\\r",
        "\t": "\\t",
        "\v": "\\v",
        "\\": "\\\\",
        '"': '\\"',
    }
)
_TO_THE_END: Json = object()
"""An argument that was not given, which null is not."""

_PATTERN_CHARACTERS = 1024
_PATTERN_MEMORY = 1 << 20
"""Bytes RE2 may use for one pattern: what does not fit is refused instead of running slowly."""

_STEPS_OF_A_BAD_PATTERN = 500
_INSTRUCTIONS_PER_STEP = 8
_MATCHING_PER_STEP = 500
"""RE2 may look at every instruction of the compiled pattern for every character, some 20 ns each."""


def _text(name: str, value: Json) -> str:
    if type(value) is str:
        return value
    raise Failure(f"{name}() needs a string, not {kind(value)}")


def _whole(name: str, value: Json) -> int:
    if type(value) is int:
        return value
    raise Failure(f"{name}() needs an int, not {kind(value)}")


def contains(run: Run, text: Json, part: Json) -> bool:
    """`text.contains(part)`."""
    run.charge_text(len(_text("contains", text)))
    return _text("contains", part) in text


def starts_with(run: Run, text: Json, part: Json) -> bool:
    """`text.startsWith(part)`."""
    run.charge_text(len(_text("startsWith", part)))
    return _text("startsWith", text).startswith(part)


def ends_with(run: Run, text: Json, part: Json) -> bool:
    """`text.endsWith(part)`."""
    run.charge_text(len(_text("endsWith", part)))
    return _text("endsWith", text).endswith(part)


def matches(run: Run, text: Json, pattern: Json) -> bool:
    """`text.matches(pattern)`: RE2 finds the pattern anywhere, in time linear in the text."""
    _text("matches", text)
    if len(_text("matches", pattern)) > _PATTERN_CHARACTERS:
        raise Failure(f"the pattern is longer than {_PATTERN_CHARACTERS} characters")
    try:
        compiled = _pattern(pattern)
        size = compiled.programsize
        run.charge(1 + size // _INSTRUCTIONS_PER_STEP + len(text) * size // _MATCHING_PER_STEP)
        return compiled.search(text) is not None
    except re2.error as error:
        run.charge(_STEPS_OF_A_BAD_PATTERN)
        detail = error.args[0]
        shown = detail.decode(errors="replace") if isinstance(detail, bytes) else str(detail)
        raise Failure(f"the pattern is no RE2 expression: {shown}") from None
    except UnicodeEncodeError:
        msg = "the text or the pattern has half a surrogate pair, which is no character"
        raise Failure(msg) from None


@lru_cache(maxsize=512)
def _pattern(pattern: str) -> re2._Regexp:
    options = re2.Options()
    options.log_errors = False
    options.max_mem = _PATTERN_MEMORY
    return re2.compile(pattern, options)


def char_at(run: Run, text: Json, place: Json) -> str:  # noqa: ARG001 - all functions have one shape
    """`text.charAt(place)`: empty just behind the end."""
    size = len(_text("charAt", text))
    if not 0 <= _whole("charAt", place) <= size:
        raise _outside(place, text)
    return str(text[place : place + 1])


def index_of(run: Run, text: Json, part: Json, start: Json = 0) -> int:
    """`text.indexOf(part, start)`: -1 where it is not found."""
    run.charge_text(len(_text("indexOf", text)))
    _text("indexOf", part)
    if not 0 <= _whole("indexOf", start) <= len(text):
        raise _outside(start, text)
    return int(text.find(part, start))


def last_index_of(run: Run, text: Json, part: Json, last: Json = _TO_THE_END) -> int:
    """`text.lastIndexOf(part, last)`: `last` is the highest place it may begin at."""
    run.charge_text(len(_text("lastIndexOf", text)))
    _text("lastIndexOf", part)
    if last is _TO_THE_END:
        return int(text.rfind(part))
    if not 0 <= _whole("lastIndexOf", last) <= len(text):
        raise _outside(last, text)
    return int(text.rfind(part, 0, last + len(part)))


def lower_ascii(run: Run, text: Json) -> str:
    """`text.lowerAscii()`."""
    run.charge_text(len(_text("lowerAscii", text)))
    return str(text.translate(_LOWER))


def upper_ascii(run: Run, text: Json) -> str:
    """`text.upperAscii()`."""
    run.charge_text(len(_text("upperAscii", text)))
    return str(text.translate(_UPPER))


def replace(run: Run, text: Json, old: Json, new: Json, limit: Json = -1) -> str:
    """`text.replace(old, new, limit)`: a negative limit replaces all."""
    for value in (text, old, new):
        _text("replace", value)
    run.charge_text(len(text))
    found = text.count(old)
    count = found if _whole("replace", limit) < 0 else min(limit, found)
    run.charge_text(len(text) + count * len(new))
    return str(text.replace(old, new, count))


def split(run: Run, text: Json, separator: Json, limit: Json = -1) -> list[str]:
    """`text.split(separator, limit)`: at most `limit` pieces, all if it is negative; an empty separator gives characters."""
    for value in (text, separator):
        _text("split", value)
    if _whole("split", limit) == 0:
        return []
    run.charge_text(len(text))
    if limit == 1:
        return [text]
    pieces = text.count(separator) + 1 if separator else max(len(text), 1)
    run.charge(pieces if limit < 0 else min(pieces, limit))
    if separator:
        return list(text.split(separator, limit - 1 if limit > 0 else -1))
    if limit < 0 or limit >= len(text):
        return list(text) or [""]
    return [*text[: limit - 1], text[limit - 1 :]]


def substring(run: Run, text: Json, start: Json, end: Json = _TO_THE_END) -> str:
    """`text.substring(start, end)`: from `start` up to, without, `end`."""
    size = len(_text("substring", text))
    stop = size if end is _TO_THE_END else _whole("substring", end)
    if not 0 <= _whole("substring", start) <= size or not 0 <= stop <= size or start > stop:
        raise Failure(f"there is no substring from {start} to {stop} in {size} characters")
    run.charge_text(stop - start)
    return str(text[start:stop])


def trim(run: Run, text: Json) -> str:
    """`text.trim()`: without the white space around it."""
    run.charge_text(len(_text("trim", text)))
    return str(text.strip(_SPACE))


def reverse(run: Run, text: str) -> str:
    """`text.reverse()`."""
    run.charge_text(len(text))
    return text[::-1]


def join(run: Run, items: Json, separator: Json = "") -> str:
    """`list.join(separator)`, a list of strings."""
    if type(items) is not list:
        raise Failure(f"join() needs a list, not {kind(items)}")
    _text("join", separator)
    run.charge(len(items))
    run.charge_text(sum(len(_text("join", item)) for item in items) + len(separator) * len(items))
    return str(separator.join(items))


def quote(run: Run, text: Json) -> str:
    """`strings.quote(text)`: in double quotes, with escapes, safe to print."""
    run.charge_text(2 * len(_text("quote", text)))
    return f'"{text.translate(_QUOTED)}"'


def _outside(place: int, text: str) -> Failure:
    return Failure(f"place {place} is outside a text of {len(text)} characters")


FUNCTIONS: Mapping[str, Callable[..., Json]] = {"matches": matches, "strings.quote": quote}
METHODS: Mapping[str, Callable[..., Json]] = {
    "contains": contains,
    "startsWith": starts_with,
    "endsWith": ends_with,
    "matches": matches,
    "charAt": char_at,
    "indexOf": index_of,
    "lastIndexOf": last_index_of,
    "lowerAscii": lower_ascii,
    "upperAscii": upper_ascii,
    "replace": replace,
    "split": split,
    "substring": substring,
    "trim": trim,
    "join": join,
}
