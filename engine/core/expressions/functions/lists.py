"""CEL's lists extension; `reverse` serves text too."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from engine.core.expressions.budget import NESTING, Run
from engine.core.expressions.errors import Failure
from engine.core.expressions.functions import strings
from engine.core.expressions.inner import ABSENT, Duration, Optional, Timestamp, kind, some
from engine.core.expressions.operators import equal, no_overload
from engine.core.values import Json

_SORTED = (int, float, bool, str, bytes, Timestamp, Duration)


def _list(name: str, value: Json) -> list[Json]:
    if type(value) is list:
        return value
    raise Failure(f"{name}() needs a list, not {kind(value)}")


def lists_range(run: Run, count: Json) -> list[int]:
    """`lists.range(n)`: 0 to n - 1."""
    if type(count) is not int:
        raise no_overload("lists.range()", count)
    if count < 0:
        msg = "lists.range() needs a count of 0 or more"
        raise Failure(msg)
    run.charge(count)
    return list(range(count))


def slice_list(run: Run, items: Json, start: Json, end: Json) -> list[Json]:
    """`list.slice(start, end)`: from `start` up to, without, `end`."""
    size = len(_list("slice", items))
    if type(start) is not int or type(end) is not int:
        raise no_overload("slice()", start, end)
    if not 0 <= start <= end <= size:
        raise Failure(f"there is no slice from {start} to {end} in a list of {size}")
    run.charge(end - start)
    return list(items[start:end])


def flatten(run: Run, items: Json, depth: Json = 1) -> list[Json]:
    """`list.flatten(depth)`."""
    if type(depth) is not int:
        raise no_overload("flatten()", depth)
    if depth < 0:
        msg = "flatten() needs a depth of 0 or more"
        raise Failure(msg)
    flat: list[Json] = []
    _flatten(run, _list("flatten", items), min(depth, NESTING), flat)
    return flat


def _flatten(run: Run, items: list[Json], depth: int, flat: list[Json]) -> None:
    run.charge(len(items))
    for item in items:
        if depth > 0 and type(item) is list:
            _flatten(run, item, depth - 1, flat)
        else:
            flat.append(item)


def distinct(run: Run, items: Json) -> list[Json]:
    """`list.distinct()`: the first of each group of equal elements."""
    kept: list[Json] = []
    for item in _list("distinct", items):
        run.charge(1 + len(kept))
        if not any(equal(run, item, other) for other in kept):
            kept.append(item)
    return kept


def reverse(run: Run, value: Json) -> Json:
    """`list.reverse()` and `text.reverse()`."""
    if type(value) is str:
        return strings.reverse(run, value)
    run.charge(len(_list("reverse", value)))
    return value[::-1]


def sort(run: Run, items: Json) -> list[Json]:
    """`list.sort()`, ascending."""
    return sort_by(run, _list("sort", items), items)


def sort_by(run: Run, items: list[Json], keys: list[Json]) -> list[Json]:
    """`items` in the order of their `keys`, which must be of one ordered type; the sort is stable, NaN is refused."""
    run.charge(len(items) * max(len(items).bit_length(), 1))
    if not keys:
        return []
    first = type(keys[0])
    if first not in _SORTED or any(type(key) is not first for key in keys):
        msg = f"only keys of one ordered type can be sorted, not {', '.join(sorted({kind(key) for key in keys}))}"
        raise Failure(msg)
    if any(key != key for key in keys):  # noqa: PLR0124 - only NaN differs from itself
        msg = "NaN cannot be sorted"
        raise Failure(msg)
    order = sorted(range(len(items)), key=keys.__getitem__)
    return [items[place] for place in order]


def first(run: Run, items: Json) -> Optional:  # noqa: ARG001 - all functions have one shape
    """`list.first()`, an optional."""
    return some(items[0]) if _list("first", items) else ABSENT


def last(run: Run, items: Json) -> Optional:  # noqa: ARG001
    """`list.last()`, an optional."""
    return some(items[-1]) if _list("last", items) else ABSENT


FUNCTIONS: Mapping[str, Callable[..., Json]] = {"lists.range": lists_range}
METHODS: Mapping[str, Callable[..., Json]] = {
    "slice": slice_list,
    "flatten": flatten,
    "distinct": distinct,
    "reverse": reverse,
    "sort": sort,
    "first": first,
    "last": last,
}
