"""What the expression at the cursor may read: the scope that the compiler gives it, or what the file's keys say."""

from __future__ import annotations

import re
from collections.abc import Mapping

from engine.core.expressions.catalog import FUNCTIONS, MACROS, METHODS
from engine.core.values import Json
from engine.spec.calls import Calls
from engine.spec.compile import compile_workflow
from engine.spec.load import Loaded
from engine.spec.models import WorkflowKeys
from engine.spec.names import Scope
from engine.spec.nodes import Document, Path, Scalar
from engine.spec.nodes import Mapping as Map
from engine.spec.shape import read_shape

_BARE = frozenset(("if", "until", "while", "key", "for_each"))
_CHAIN = re.compile(r"((?:\w+\s*\.\??\s*)*)[\w-]*$")


def scope_at(document: Document, scalar: Scalar, loaded: Loaded) -> Scope:
    """What an expression in a value may read, as far as it can be known."""
    keys = read_shape(document, WorkflowKeys)
    if not isinstance(keys, WorkflowKeys):
        return _guessed(document, loaded)
    seen: list[Scope] = []

    def watch(node: Scalar, scope: Scope) -> None:
        if node is scalar:
            seen.append(scope)

    calls = Calls(workflows={file.keys.name: file.keys for file in loaded.files}, complete=False)
    compile_workflow(document, keys, loaded.project if loaded.project_ok else None, calls, watch)
    return seen[0] if seen else _guessed(document, loaded)


def is_expression(before: str, path: Path) -> bool:
    """Whether what follows `before` in the value at `path` is read as an expression."""
    opened = before.rfind("${{") > before.rfind("}}")
    return opened or is_bare(path)


def is_bare(path: Path) -> bool:
    """Whether the whole value at `path` is an expression."""
    named = bool(path) and path[-1] in _BARE
    return named or path[-2:-1] == ("switch",) or path[-2:] == ("with", "match")


def members(scope: Scope, before: str) -> Mapping[str, Json]:
    """What may stand at the end of an expression, with what is known of each: names, or members of what is before the dot."""
    found = _CHAIN.search(before)
    steps = re.findall(r"\w+", found.group(1)) if found else []
    value: Mapping[str, Json] = scope
    for step in steps:
        value = value.get("properties", {}).get(step) or {}
    known = dict(value.get("properties", {}))
    if not steps and not before.rstrip().endswith("."):
        return known | {name: {"description": "function"} for name in FUNCTIONS}
    return known or {name: {"description": "method"} for name in (*METHODS, *MACROS)}


def _guessed(document: Document, loaded: Loaded) -> Scope:
    """From the file as it is, and as it was when it could be read."""

    def named(*path: str) -> Json:
        node = document.find(path)
        before = loaded.documents.get(document.source.path)
        old = before.find(path) if before else None
        found: dict[str, Json] = {key: {} for each in (old, node) if isinstance(each, Map) for key in each.entries}
        return {"type": "object", "properties": found}

    tasks = named("tasks")
    task = {"properties": {"outputs": {}, "outcome": {"type": "string"}, "error": {}}}
    tasks["properties"] = dict.fromkeys(tasks["properties"], task)
    names: Json = {name: {} for name in loaded.project.vars}
    return {
        "properties": {
            "inputs": named("inputs"),
            "tasks": tasks,
            "vars": {"properties": names},
            "trigger": {},
            "instance": {},
        }
    }
