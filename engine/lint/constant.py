"""Finds conditions and comparisons that can give but one value, from what is known of the few values they read."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import product
from math import prod
from typing import TypeAlias

from engine.core.values import Json
from engine.spec.cel_paths import children, path_of

Names: TypeAlias = tuple[str, ...]
Left: TypeAlias = Mapping[Names, tuple[Json, ...]]
"""The values that are left to each path of which that is known."""
_Given: TypeAlias = Mapping[Names, Json]

_MOST = 512
"""Combinations of values that are tried."""


class _Unknown(Exception):
    """The value depends on more than is known."""


def constants(ast: Json, left: Left) -> Iterator[tuple[Json, bool]]:
    """The largest parts of an expression that are always true or always false though they read something."""
    if not _paths(ast):
        return
    value = _always(ast, left) if ast[0] in ("binary", "and", "or", "not") else None
    if value is not None:
        yield ast, value
        return
    for child in children(ast):
        yield from constants(child, left)


def _always(ast: Json, left: Left) -> bool | None:
    sets = {path: left[path] for path in _paths(ast) if path in left}
    if not sets or prod(map(len, sets.values())) > _MOST:
        return None
    found = {_truth(ast, dict(zip(sets, chosen, strict=True))) for chosen in product(*sets.values())}
    return found.pop() if len(found) == 1 else None


def _paths(ast: Json) -> set[Names]:
    path = path_of(ast)
    if path is not None:
        return {path}
    return set().union(*map(_paths, children(ast)))


def _truth(node: Json, given: _Given) -> bool | None:
    """The value of a condition, None where it depends on more."""
    match node[0]:
        case "not":
            value = _truth(node[2], given)
            return None if value is None else not value
        case "and" | "or" as symbol:
            values = {_truth(node[2], given), _truth(node[3], given)}
            settled = symbol == "or"
            return settled if settled in values else None if None in values else not settled
        case "binary" if node[2] in ("==", "!=", "in"):
            try:
                return _compared(node[2], _value(node[3], given), node[4], given)
            except _Unknown:
                return None
    try:
        value = _value(node, given)
    except _Unknown:
        return None
    return value if isinstance(value, bool) else None


def _compared(symbol: str, left: Json, right: Json, given: _Given) -> bool | None:
    if symbol != "in":
        return _same(left, _value(right, given)) == (symbol == "==")
    if right[0] != "list" or any(optional for _, optional in right[2]):
        return None
    return any(_same(left, _value(item, given)) for item, _ in right[2])


def _value(node: Json, given: _Given) -> Json:
    if node[0] == "const":
        return node[2]
    path = path_of(node) if node[0] == "get" else None
    if path is None or path not in given:
        raise _Unknown
    return given[path]


def _same(one: Json, other: Json) -> bool:
    if isinstance(one, str | bool) and isinstance(other, str | bool):
        return type(one) is type(other) and one == other
    raise _Unknown
