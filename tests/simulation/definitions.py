"""Definitions, read once: every process reads one once, and here all do together, for the time it takes says nothing."""

from __future__ import annotations

from engine.core.codec import definition_from_json
from engine.core.model import Definition
from engine.core.values import JsonObject

MOST = 64
"""More than a seed has."""

_known: dict[int, tuple[JsonObject, Definition]] = {}


def parse(document: JsonObject) -> Definition:
    """`engine.core.codec.definition_from_json` of this very document, which nobody changes."""
    found = _known.get(id(document))
    if found is None:
        if len(_known) >= MOST:
            _known.clear()
        found = _known[id(document)] = document, definition_from_json(document)
    return found[1]
