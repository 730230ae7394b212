"""The shape every compiled node has, and how a failure learns its place."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

from engine.core.expressions.budget import Run
from engine.core.expressions.errors import UNPLACED, Stop
from engine.core.values import Json

Closure: TypeAlias = Callable[[Run], Json]


def placed(stop: Stop, offset: int) -> Stop:
    """`stop`, at `offset` unless a node further in has placed it already."""
    if stop.offset == UNPLACED:
        stop.offset = offset
    return stop
