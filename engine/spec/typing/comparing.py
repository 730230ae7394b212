"""Comparisons that are always false, and what was probably meant by operands that do not go together."""

from __future__ import annotations

from typing import Protocol

from engine.core.values import Json
from engine.spec.typing.kinds import Kinds
from engine.spec.typing.operators import never_equal, takes_in
from engine.spec.typing.problems import TypeProblem, converted, rewritten, told, unequal
from engine.spec.typing.types import Type, element_of, only

_TEXT: Kinds = frozenset(("string",))
_WORTH_MAKING: Kinds = frozenset(("string", "double", "timestamp", "duration"))


class Notes(Protocol):
    """Where comparisons note what is wrong: the checker."""

    problems: list[TypeProblem]

    def fails(self, node: Json, at: Json, message: str, suggestion: str | None = None) -> Type: ...


def compared(notes: Notes, node: Json, left: Type, right: Type) -> Type:
    """The type of `==`, `!=` or `in`; notes what can only have one result."""
    _, _, symbol, one, other = node
    if symbol != "in":
        if never_equal(left.kinds, right.kinds):
            message = f"{told(one, left)} and {told(other, right)}; they are never equal"
            notes.problems.append(unequal(node, message, repaired(node, left, right)))
        return only("bool")
    if not takes_in(left.kinds, right.kinds):
        if right.kinds.isdisjoint({"list", "map"}):
            return notes.fails(node, other, f"{told(other, right)}; 'in' looks into a list or a map")
        return notes.fails(node, one, f"{told(one, left)}; the keys of a map are text")
    if right.kinds == {"list"} and never_equal(left.kinds, element_of(right).kinds):
        message = f"{told(one, left)}, which no element of {_shown(other)} ever is"
        notes.problems.append(unequal(node, message))
    elif right.kinds == {"map"} and never_equal(left.kinds, _TEXT):
        message = f"{told(one, left)}, and the keys of a map are text; it is never among them"
        notes.problems.append(unequal(node, message, converted(one, left, _TEXT)))
    return only("bool")


def repaired(node: Json, left: Type, right: Type) -> str | None:
    """One operand as it should have been written."""
    for operand, wanted in ((node[4], left), (node[3], right)):
        if operand[0] == "const" and (mended := rewritten(operand[2], wanted.kinds)):
            return mended
    if node[2] == "%":
        return None
    for operand, known, wanted in ((node[3], left, right), (node[4], right, left)):
        if (
            len(wanted.kinds) == 1
            and wanted.kinds <= _WORTH_MAKING
            and (mended := converted(operand, known, wanted.kinds))
        ):
            return mended
    return None


def _shown(node: Json) -> str:
    return "this list" if node[0] == "list" else "that list"
