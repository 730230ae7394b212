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
        digest = value[VALUE]
        return digest if isinstance(digest, str) else None
    return None


def resolved(value: Json, known: Known) -> Json:
    """The value with what it refers to in place of each reference; itself where it has none."""
    if type(value) is dict:
        digest = referred(value)
        if digest is not None:
            found = known(digest)
            return value if found is None else found
        members = {key: resolved(member, known) for key, member in value.items()}
        return members if any(members[key] is not value[key] for key in members) else value
    if type(value) is list:
        listed = [resolved(member, known) for member in value]
        return listed if any(new is not old for new, old in zip(listed, value, strict=True)) else value
    return value


def refers(value: Json) -> bool:
    """Whether something in it stands for another value: such outputs belong to their instance and cannot be used elsewhere."""
    if type(value) is dict:
        return referred(value) is not None or any(refers(member) for member in value.values())
    return type(value) is list and any(refers(member) for member in value)
