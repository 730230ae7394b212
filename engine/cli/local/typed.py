"""Lines that somebody types, without losing sight of the run meanwhile."""

from __future__ import annotations

import select
import sys
from collections.abc import Callable

TICK = 0.2
"""Seconds between two looks at whether the answer is still wanted."""


class NoAnswer(Exception):
    """There will be none: the input has ended, or the question is over."""


def is_there() -> bool:
    """Whether somebody can be asked."""
    return sys.stdin is not None and sys.stdin.isatty()


def line(over: Callable[[], bool]) -> str:
    """What is typed, without the spaces around it. Raises NoAnswer at the end of the input, and once `over` says so."""
    while not select.select([sys.stdin], [], [], TICK)[0]:
        if over():
            raise NoAnswer
    text = sys.stdin.readline()
    if not text:
        raise NoAnswer
    return text.strip()
