"""What a condition proves to be present where it holds: `has()`, outcome tests, `hasValue()`, through `&&`, `||` and `!`."""

from __future__ import annotations

from typing import TypeAlias

from engine.core.outcomes import FAILED, POSITIVE_BY_KIND, SUCCEEDED
from engine.core.values import Json

Path: TypeAlias = tuple[str, ...]
Facts: TypeAlias = frozenset[Path]

ALL = "*"
"""As the last part of a fact: every member that only a skipped task would lack."""

_NONE: Facts = frozenset()
_POSITIVE = frozenset((SUCCEEDED, *POSITIVE_BY_KIND.values()))
_OUTCOME_LENGTH = 3


def fact_path(node: Json) -> Path | None:
    """The path of a name or variable with members known from the text; variables begin with `var:`."""
    match node[0]:
        case "name":
            return (node[2],)
        case "var":
            return (f"var:{node[2]}",)
        case "get" | "get?" | "has":
            base, key = fact_path(node[2]), node[3]
        case "binary" if node[2] in {"[]", "[?]"} and node[4][0] == "const" and isinstance(node[4][2], str):
            base, key = fact_path(node[3]), node[4][2]
        case _:
            return None
    return None if base is None else (*base, key)


def facts(node: Json, truth: bool) -> Facts:
    """The paths that are present whenever the condition `node` gives `truth`."""
    match node[0]:
        case "not":
            return facts(node[2], not truth)
        case "and" | "or" as symbol:
            left, right = facts(node[2], truth), facts(node[3], truth)
            return left | right if (symbol == "and") == truth else left & right
        case "has" if truth:
            return _one(fact_path(node))
        case "method" if truth and node[2] == "hasValue":
            return _one(fact_path(node[3][0]))
        case "binary" if node[2] in {"==", "!="} and (node[2] == "==") == truth:
            return _outcome(node[3], [node[4]]) | _outcome(node[4], [node[3]])
        case "binary" if truth and node[2] == "in" and node[4][0] == "list":
            return _outcome(node[3], [item for item, _ in node[4][2]])
    return _NONE


def proven(path: Path, known: Facts, *, by_outcome: bool) -> bool:
    """Whether `path` is present given the facts; `by_outcome` if the outcome of its task can prove it."""
    if by_outcome and (*path[:-1], ALL) in known:
        return True
    return any(fact[: len(path)] == path for fact in known)


def _one(path: Path | None) -> Facts:
    return _NONE if path is None else frozenset((path,))


def _outcome(tested: Json, values: list[Json]) -> Facts:
    """What `tasks.x.outcome` being one of these constants proves."""
    path = fact_path(tested)
    if path is None or len(path) != _OUTCOME_LENGTH or path[0] != "tasks" or path[2] != "outcome":
        return _NONE
    outcomes = {value[2] if value[0] == "const" else None for value in values}
    if outcomes <= _POSITIVE:
        return frozenset(((*path[:2], "outputs"), (*path[:2], "outputs", ALL)))
    return frozenset(((*path[:2], "error"),)) if outcomes == {FAILED} else _NONE
