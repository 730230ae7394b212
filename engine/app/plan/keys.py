"""Finds which values of two maps differ, by the keys that lead to them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import orjson

from engine.app.plan.code import Written, plain, same
from engine.app.plan.model import Change, KeyChange

_PLAIN = re.compile(r"[A-Za-z_$][A-Za-z0-9_$-]*")
_ABSENT: Any = object()


def differences(before: Mapping[str, Written], after: Mapping[str, Written], *at: str) -> Iterator[KeyChange]:
    """What to tell of two maps at the place `at`: a line for each value, however deep it lies; lists are told as a whole."""
    for key in [*before, *(key for key in after if key not in before)]:
        one, other = before.get(key, _ABSENT), after.get(key, _ABSENT)
        if isinstance(one, Mapping) and isinstance(other, Mapping):
            yield from differences(one, other, *at, key)
        elif one is _ABSENT or other is _ABSENT or not same(one, other):
            yield change((*at, key), one, other)


def change(at: Iterable[str], before: Written = _ABSENT, after: Written = _ABSENT) -> KeyChange:
    """A value that differs, or that is on one side only."""
    kind: Change = "added" if before is _ABSENT else "removed" if after is _ABSENT else "changed"
    return KeyChange(
        key=".".join(map(_part, at)),
        change=kind,
        before=None if before is _ABSENT else plain(before),
        after=None if after is _ABSENT else plain(after),
    )


def _part(key: str) -> str:
    """A key within a path; in quotes where it would be taken for several."""
    return key if _PLAIN.fullmatch(key) else orjson.dumps(key).decode()
