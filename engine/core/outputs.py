"""How much a task or an instance may hand on: it is kept in the state, which is read and written with every event."""

from __future__ import annotations

import orjson

from engine.core.state import TaskError
from engine.core.values import Json

LIMIT = 64 * 1024
"""Bytes of a task's outputs, and of an instance's, as JSON."""


def too_large(outputs: Json) -> TaskError | None:
    """The error that outputs beyond the limit are; None if they can be kept."""
    size = len(orjson.dumps(outputs))
    if size <= LIMIT:
        return None
    message = f"outputs of {size} bytes; at most {LIMIT} can be kept"
    return {"kind": "output_too_large", "message": message, "details": {"limit": LIMIT}}
