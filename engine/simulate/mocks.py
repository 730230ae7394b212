"""Finds the mock of a task by its path: patterns, the most specific first, and one entry for each attempt."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache

from engine.spec.case_models import MockKeys


class Unmocked(Exception):
    """A case does not say what it would have to. The message says what to write."""


class Mocks:
    """The mocks of one case; counts the attempts of each path."""

    def __init__(self, mocks: Mapping[str, Sequence[MockKeys] | MockKeys]) -> None:
        self._mocks = mocks
        self._patterns = sorted((pattern for pattern in mocks if "*" in pattern), key=_specific)
        self._asked: dict[str, int] = defaultdict(int)

    def find(self, path: str) -> MockKeys | None:
        """The mock for the next attempt at this path, None if there is none. Raises Unmocked: a list has run out."""
        written = path if path in self._mocks else next(self._matching(path), None)
        if written is None:
            return None
        mock = self._mocks[written]
        number = self._asked[path]
        self._asked[path] += 1
        if isinstance(mock, MockKeys):
            return mock
        if number < len(mock):
            return mock[number]
        raise Unmocked(f"{path} is asked for a {_nth(number + 1)} time, and {written} has {_count(len(mock))}")

    def take(self, path: str, kind: str) -> MockKeys:
        """The same, raising Unmocked if there is none."""
        found = self.find(path)
        if found is None:
            raise Unmocked(f"{path} ({kind}) is not mocked; add under `mocks`:  {_quoted(path)}: {{{_idea(kind)}}}")
        return found

    def _matching(self, path: str) -> Iterator[str]:
        return (pattern for pattern in self._patterns if compiled(pattern).fullmatch(path))


@lru_cache(maxsize=1024)
def compiled(pattern: str) -> re.Pattern[str]:
    """`*` stands for anything within a part of a path, `**` for anything at all."""
    parts = re.split(r"(\*\*|\*)", pattern)
    return re.compile("".join({"**": ".*", "*": "[^/]*"}.get(part, re.escape(part)) for part in parts), re.DOTALL)


def _specific(pattern: str) -> tuple[int, int, int]:
    return pattern.count("**"), pattern.replace("**", "").count("*"), -len(pattern)


def _nth(number: int) -> str:
    return {1: "first", 2: "second", 3: "third"}.get(number, f"{number}th")


def _count(number: int) -> str:
    return "one mock" if number == 1 else f"{number} mocks"


def _quoted(path: str) -> str:
    return f'"{path}"' if re.search(r"[\[\]#]", path) else path


def _idea(kind: str) -> str:
    return {"approval": "outcome: approved, after: 1h"}.get(kind, "outputs: {}")
