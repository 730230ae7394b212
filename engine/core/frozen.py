"""How the small things are made that each event needs a dozen of: they are frozen where mypy looks, and plain where Python runs.

`dataclass(frozen=True)` sets each field through `object.__setattr__`: one with ten fields takes three times as long to make.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TypeVar, dataclass_transform

Class = TypeVar("Class")


@dataclass_transform(frozen_default=True, kw_only_default=True, field_specifiers=(field,))
def frozen(cls: type[Class]) -> type[Class]:
    """`@dataclass(frozen=True, slots=True, kw_only=True)`, but that nothing except mypy keeps its fields from being set."""
    return dataclass(slots=True, kw_only=True, unsafe_hash=True)(cls)
