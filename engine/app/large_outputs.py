"""Keeps large outputs apart from the state, which is read and written with every event, and puts them back for people."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from threading import Event

import orjson

from engine.app.insist import insist
from engine.app.kinds import Failed
from engine.app.read import TaskView
from engine.app.value_ports import ValueStore
from engine.core.outputs import too_large
from engine.core.references import reference, references, referred, resolved
from engine.core.values import JsonObject
from engine.errors import TooLarge

INLINE = 16 * 1024
"""Bytes of an output, as JSON, up to which it stays in the state."""
SHOWN = 1024 * 1024
"""Bytes of large outputs that one answer to people puts in place; the rest stays a reference."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LargeOutputs:
    """What a task worker does with the outputs of an attempt. Limits in bytes: of one output, and of all large ones of an instance."""

    store: ValueStore
    output: int = 1024 * 1024
    instance: int = 64 * 1024 * 1024

    def kept(self, instance: str, outputs: JsonObject, stop: Event) -> JsonObject:
        """The outputs as they go into the state. Raises Failed: `output_too_large`, `instance_too_large`; Stopped.

        A map that looks like a reference is kept apart whatever its size, so that it is taken for none.
        """
        small, large = {}, {}
        for name, value in outputs.items():
            document = orjson.dumps(value)
            if len(document) > self.output:
                message = f"the output {name!r} has {len(document)} bytes; at most {self.output} can be kept"
                raise Failed("output_too_large", message, {"limit": self.output, "output": name})
            if len(document) <= INLINE and referred(value) is None:
                small[name] = value
                continue
            digest = hashlib.sha256(document).hexdigest()
            small[name], large[digest] = reference(digest, len(document)), value
        error = too_large(small)
        if error is not None:
            raise Failed(error["kind"], error["message"], error["details"])
        if large:
            try:
                insist(lambda: self.store.put(instance, large, most=self.instance), stop)
            except TooLarge as problem:
                message = f"the large outputs of an instance may have {self.instance} bytes"
                raise Failed("instance_too_large", message, {"limit": problem.limit}) from None
        return small


def whole(store: ValueStore, instance: str, views: Sequence[TaskView], *, most: int = SHOWN) -> tuple[TaskView, ...]:
    """The tasks with their large outputs in place, as far as `most` bytes go, the first ones first."""
    left = most
    wanted: list[str] = []
    for view in views:
        for digest, size in references(view.outputs):
            if digest not in wanted and size <= left:
                wanted.append(digest)
                left -= size
    if not wanted:
        return tuple(views)
    found = store.get(instance, wanted)
    return tuple(replace(view, outputs=resolved(view.outputs, found.get)) for view in views)
