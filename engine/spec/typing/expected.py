"""What an expression must give at its place in the file."""

from __future__ import annotations

from dataclasses import dataclass

from engine.core.values import Json
from engine.spec.nodes import Path
from engine.spec.typing.kinds import BOOL, BOXES, NUMBER, RESULT, WRITTEN, Kinds, real, words
from engine.spec.typing.problems import TypeProblem, converted, misfit, source_of, told
from engine.spec.typing.types import Type, element_of

_CONDITIONS = frozenset(("if", "until", "while", "match"))
_TIMES: Kinds = frozenset(("timestamp", "duration"))
_TEXT: Kinds = frozenset(("string",))


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """The kinds that would do, and how the place says so: `a condition must be true or false`."""

    kinds: Kinds
    demand: str = ""

    def problem(self, ast: Json, found: Type) -> TypeProblem | None:
        """What is wrong with a result that can be none of them."""
        left = found.kinds | _TEXT if found.kinds & _TIMES else found.kinds
        if not left or not real(left).isdisjoint(self.kinds):
            return None
        if found.kinds == {"optional"}:
            return misfit(ast, ast, "the result is an optional, which ends here; give it a value with .orValue(...)")
        if found.kinds.isdisjoint(RESULT | {"whole"}):
            return misfit(ast, ast, f"the result is {words(found.kinds)}, which cannot leave an expression")
        return misfit(ast, ast, f"{told(ast, found)}; {self.demand}", self._meant(ast, found))

    def _meant(self, ast: Json, found: Type) -> str | None:
        source = source_of(ast)
        if self is WITHIN_TEXT and source and found.kinds == {"list"} and element_of(found).kinds == _TEXT:
            return f"{source}.join(', ')"
        return converted(ast, found, self.kinds) if len(self.kinds) <= len(NUMBER) else None


VALUE = Expected(kinds=RESULT, demand="a value")
"""Anything that may leave an expression."""
WITHIN_TEXT = Expected(kinds=WRITTEN, demand="only text, numbers and booleans can stand inside text")
_CONDITION = Expected(kinds=BOOL, demand="a condition must be true or false")
_BOX = Expected(kinds=BOXES, demand="for_each goes through a list or a map")
_KEY = Expected(kinds=WRITTEN - BOOL, demand="a key is text or a number")


def bare_at(path: Path) -> Expected:
    """What the bare expression at a path of the file must give."""
    inside = _within_task(path)
    if inside[0] == "switch" or inside[-1] in _CONDITIONS:
        return _CONDITION
    if inside == ("for_each",):
        return _BOX
    return _KEY if inside == ("key",) else VALUE


def _within_task(path: Path) -> Path:
    """The path below the innermost task; names of tasks can be any of the language's words."""
    while len(path) > 1 and path[0] in ("tasks", "finally", "compensate"):
        path = path[1 if path[0] == "compensate" else 2 :]
    return path or ("",)


def fitting(name: str, schema: Type) -> Expected:
    """What a value that a schema describes must be; anything where the schema says little."""
    if schema.unknown:
        return VALUE
    return Expected(kinds=real(schema.kinds), demand=f'"{name}" must be {words(schema.kinds)}')
