"""What one evaluation may spend, and the run that spends it."""

from __future__ import annotations

from collections.abc import Mapping

from engine.core.expressions.errors import Exhausted
from engine.core.values import Json

STEPS = 10_000
"""Steps of one evaluation: an operation, an iteration, an element or 256 characters read or made are one each."""

CHARACTERS_PER_STEP = 256
RESULT_BYTES = 64 * 1024
"""How large the JSON of a result may be."""

NESTING = 100
"""How deep values may nest where they are compared, written or given back."""


class Run:
    """One evaluation: the names it reads, the variables of its macros by slot, and the steps left."""

    __slots__ = ("left", "names", "slots")

    def __init__(self, names: Mapping[str, Json], slots: int, steps: int) -> None:
        self.names = names
        self.slots: list[Json] = [None] * slots
        self.left = steps
        if steps < 0:
            raise spent()

    def charge(self, steps: int) -> None:
        """Pay `steps` before doing the work they stand for; raises `Exhausted`."""
        self.left -= steps
        if self.left < 0:
            raise spent()

    def charge_text(self, characters: int) -> None:
        """Pay for reading or making so many characters."""
        self.charge(characters // CHARACTERS_PER_STEP)


def spent() -> Exhausted:
    """The error of a spent budget, the same wherever it is noticed."""
    return Exhausted(f"the expression needs more than its {STEPS:,} steps")
