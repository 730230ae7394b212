"""Armed inside a process: it is of a newer version, in which each command and each event has a field more."""

from __future__ import annotations

from types import ModuleType
from typing import Any

from engine.core import commands, events

FIELD = "of_tomorrow"


def arm() -> None:
    """Write the field, and read it."""
    for codec in (commands, events):
        _change(codec)


def _change(codec: ModuleType) -> None:
    write, read = codec.to_json, codec.from_json

    def written(what: Any) -> Any:
        return {**write(what), FIELD: True}

    def known(body: Any, *rest: Any) -> Any:
        return read({name: value for name, value in body.items() if name != FIELD}, *rest)

    codec.to_json, codec.from_json = written, known  # type: ignore[attr-defined]
