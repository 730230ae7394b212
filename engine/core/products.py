"""The items of `for_each: {product, include, exclude}`: every combination of the axes, less and more."""

from __future__ import annotations

from itertools import product

from engine.core.values import Json, JsonObject


def combinations(value: Json) -> list[Json]:
    """The items in the order of the axes, the last one turning fastest, then those of `include` that are not there yet.

    A combination goes if an entry of `exclude` has nothing that it has not. Raises ValueError for axes that are no lists.
    """
    axes = value.get("product") if isinstance(value, dict) else None
    if not isinstance(axes, dict) or not all(isinstance(axis, list) for axis in axes.values()):
        raise ValueError("`product` takes a map of lists")
    include, exclude = _maps(value, "include"), _maps(value, "exclude")
    found: list[Json] = [dict(zip(axes, values, strict=True)) for values in product(*axes.values())] if axes else []
    found = [item for item in found if not any(_within(entry, item) for entry in exclude)]
    return found + [entry for entry in include if entry not in found]


def _maps(value: JsonObject, name: str) -> list[JsonObject]:
    entries = value.get(name) or []
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise ValueError(f"`{name}` takes a list of maps")
    return entries


def _within(entry: JsonObject, item: JsonObject) -> bool:
    return all(name in item and item[name] == wanted for name, wanted in entry.items())
