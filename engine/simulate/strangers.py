"""Paths and patterns in a test file that no task of its workflow has, and mocks of what needs none: slips that would go unnoticed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from engine.core.keys import shape_of, task_path
from engine.simulate.mocks import compiled
from engine.simulate.world import Startable
from engine.spec.case_models import CaseKeys, TestFileKeys
from engine.spec.findings import Finding
from engine.spec.nodes import Document, Path
from engine.spec.shape import suggest

REAL = frozenset({"values", "wait", "switch", "fail", "exit", "group", "for_each", "repeat"})
"""Kinds that do nothing outside: they run as they are, and a mock of one would never be asked for."""
DEEPEST = 4
"""Levels of workflows that call one another whose tasks are known by name; those below may be named by patterns."""


def strangers(document: Document, keys: TestFileKeys, workflows: Mapping[str, Startable]) -> Iterator[Finding]:
    """A finding for each."""
    kinds = dict(_tasks(keys.workflow, workflows, "", 0))
    for index, case in enumerate(keys.cases):
        for place, path in _named(case):
            at: Path = ("cases", index, *place)
            found = _kinds(path, kinds)
            at_key = place[-1] == path
            if not found:
                message = f'the workflow has no task "{path}"'
                yield document.finding(at, "unknown-task", message, suggestion=suggest(path, kinds), at_key=at_key)
            elif place[0] == "mocks" and found <= REAL:
                message = (
                    f'"{path}" does nothing outside ({", ".join(sorted(found))}): it runs as it is, without a mock'
                )
                yield document.finding(at, "needless-mock", message, at_key=True)


def _named(case: CaseKeys) -> Iterator[tuple[Path, str]]:
    """Every path of a task in a case, and where it stands."""
    yield from ((("mocks", path), path) for path in case.mocks)
    for key in ("outcomes", "inputs", "attempts", "skipped"):
        yield from ((("expect", key, path), path) for path in getattr(case.expect, key))
    yield from ((("expect", "order", number), path) for number, path in enumerate(case.expect.order))


def _tasks(name: str, workflows: Mapping[str, Startable], prefix: str, depth: int) -> Iterator[tuple[str, str]]:
    """Every task's path, without keys and numbers, and its kind; below a `workflow` task those of the other one."""
    startable = workflows.get(name)
    if startable is None or depth > DEEPEST:
        return
    for shape, tasks in startable.definition.lists.items():
        for task in tasks.tasks.values():
            path = prefix + task_path(shape, task.id)
            yield path, task.kind
            if task.kind == "workflow":
                yield from _tasks(task.workflow, workflows, f"{path}/", depth + 1)


def _kinds(path: str, known: Mapping[str, str]) -> set[str]:
    """The kinds of the tasks that a path or a pattern may mean."""
    plain = shape_of(path)
    if plain in known:
        return {known[plain]}
    if "*" not in path:
        return set()
    pattern = compiled(plain.replace("#*", "#"))
    return {kind for shape, kind in known.items() if pattern.fullmatch(shape)}
