"""Finds the mock of a task by its path: patterns, the most specific first, and one entry for each attempt."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping

from engine.spec.case_models import MockKeys


class Unmocked(Exception):
    """A task would have done something real, or its mocks have run out. The message says what to write."""


class Mocks:
    """The mocks of one case; counts the attempts of each path."""

    def __init__(self, mocks: Mapping[str, tuple[MockKeys, ...] | MockKeys]) -> None:
        ordered = sorted(mocks, key=_specific)
        self._mocks = [(compiled(pattern), pattern, mocks[pattern]) for pattern in ordered]
        self._asked: dict[str, int] = defaultdict(int)
        self.used: set[str] = set()

    def take(self, path: str, kind: str) -> MockKeys:
        """The mock for the next attempt at this path. Raises Unmocked."""
        for pattern, written, mock in self._mocks:
            if not pattern.fullmatch(path):
                continue
            self.used.add(written)
            number = self._asked[path]
            self._asked[path] += 1
            if isinstance(mock, MockKeys):
                return mock
            if number < len(mock):
                return mock[number]
            raise Unmocked(f"{path} is asked for a {_nth(number + 1)} time, and {written} has {len(mock)} mocks")
        raise Unmocked(f"{path} ({kind}) is not mocked; add under `mocks`:  {_quoted(path)}: {{{_idea(kind)}}}")


def compiled(pattern: str) -> re.Pattern[str]:
    """`*` stands for anything within a part of a path, `**` for anything at all."""
    parts = re.split(r"(\*\*|\*)", pattern)
    return re.compile("".join({"**": ".*", "*": "[^/]*"}.get(part, re.escape(part)) for part in parts), re.DOTALL)


def _specific(pattern: str) -> tuple[int, int, int]:
    return pattern.count("**"), pattern.count("*"), -len(pattern)


def _nth(number: int) -> str:
    return {1: "first", 2: "second", 3: "third"}.get(number, f"{number}th")


def _quoted(path: str) -> str:
    return f'"{path}"' if re.search(r"[\[\]#]", path) else path


def _idea(kind: str) -> str:
    return {"approval": "outcome: approved, after: 1h", "event": "outcome: received, body: {}"}.get(kind, "outputs: {}")
