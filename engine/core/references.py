"""Large outputs stand in the state as `{"$value": digest, "size": bytes}`: read where an expression reads them, and nowhere else.

A digest names a value of the same instance only. So a map that looks like one and names nothing is the map it is, and one
that does was copied from there: it stands for what the instance has already.
"""

from __future__ import annotations

from collections.abc import Callable

from engine.core.values import Json, JsonObject

VALUE = "$value"
_SIZE = "size"

Known = Callable[[str], Json]
"""The value of this instance with this digest; None if there is none (no value is null)."""


def nothing_known(_digest: str) -> Json:
    """For instances whose values are not at hand."""
    return None


def reference(digest: str, size: int) -> JsonObject:
    """What stands for a value."""
    return {VALUE: digest, _SIZE: size}


def referred(value: Json) -> str | None:
    """The digest of what a value stands for, None if it stands for itself."""
    if type(value) is dict and len(value) == len((VALUE, _SIZE)) and _SIZE in value and VALUE in value:
        digest, size = value[VALUE], value[_SIZE]
        return digest if type(digest) is str and type(size) is int else None
    return None


def resolved(outputs: Json, known: Known) -> Json:
    """The outputs of a task, or the list of those of its items, with each large one in place; itself where there is none.

    Only whole outputs are kept apart, so nothing is looked for within one: this is on the hot path.
    """
    if type(outputs) is dict:
        found: JsonObject | None = None
        for name, value in outputs.items():
            if type(value) is dict and (digest := referred(value)) is not None and (put := known(digest)) is not None:
                found = outputs.copy() if found is None else found
                found[name] = put
        return outputs if found is None else found
    if type(outputs) is list:
        listed = [resolved(each, known) if type(each) is dict else each for each in outputs]
        return listed if any(new is not old for new, old in zip(listed, outputs, strict=True)) else outputs
    return outputs


def references(outputs: Json) -> list[tuple[str, int]]:
    """Digest and size of each large one among the outputs of a task, or of its items."""
    if type(outputs) is dict:
        found = [(referred(value), value) for value in outputs.values()]
        return [(digest, value[_SIZE]) for digest, value in found if digest is not None]
    return [one for each in outputs for one in references(each)] if type(outputs) is list else []
