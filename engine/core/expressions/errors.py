"""How an expression fails: one error for callers, two signals inside that `&&`, `||` and the macros tell apart."""

from __future__ import annotations

from typing import Literal

from engine.core.expressions.model import Position

UNPLACED = -1
"""The offset of a signal that has not yet passed the node that raised it."""


class EvaluationError(Exception):
    """An expression gave no value.

    `kind` is `expression` (a missing key, a wrong type, an overflow …) or `budget` (too many steps, too large a result).
    `offset` counts characters in the source; `position` is its place in the workflow file, where that is known.
    """

    def __init__(
        self, *, kind: Literal["expression", "budget"], message: str, offset: int, position: Position | None
    ) -> None:
        self.kind = kind
        self.message = message
        self.offset = offset
        self.position = position
        super().__init__(message)


class Stop(Exception):
    """An evaluation ends here; the innermost node that sees it writes its own offset in."""

    def __init__(self, message: str, offset: int = UNPLACED) -> None:
        self.message = message
        self.offset = offset
        super().__init__(message)


class Failure(Stop):
    """A value could not be made; `&&`, `||`, `all` and `exists` may still decide without it."""


class Exhausted(Stop):
    """The budget is spent; nothing absorbs this."""
