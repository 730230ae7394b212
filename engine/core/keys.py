"""Names of things that are derived, never drawn: paths, leases, idempotency keys.

A scope's path is that of its task and what tells it from its siblings: `deploy` (a group), `deploy[eu]` (an item),
`probe#3` (an iteration), `deploy[eu]#3` (an iteration of an item), `roll/compensate` (what undoes a task). The only task of
the scope of a leaf has the id "", and so the path of its scope.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache

ROOT = ""
"""The path of an instance's root scope."""

FINALLY = "finally"
"""The path of the scope that runs `finally`."""

COMPENSATE = "compensate"
"""The last part of the path of what undoes a task; no task may have this id."""

KEY = re.compile(r"[A-Za-z0-9._-]{1,64}")
"""What an item's key looks like."""

INSIDE = ("/", "[", "#")
"""What a task's path is followed by in the paths of what is inside it."""

_ITEM = re.compile(r"\[[^\]]*\]")
_ITERATION = re.compile(r"#\d+")


def task_path(scope: str, task: str) -> str:
    """`deploy[eu]` and `roll` give `deploy[eu]/roll`; in the root scope a task's path is its id."""
    return f"{scope}/{task}" if scope and task else scope or task


def item_scope(path: str, key: str) -> str:
    """The scope of one item of the `for_each` at this path."""
    return f"{path}[{key}]"


def iteration_scope(path: str, number: int) -> str:
    """The scope of one iteration of the `repeat` at this path."""
    return f"{path}#{number}"


def compensation_scope(path: str) -> str:
    """The scope of what undoes the task at this path."""
    return f"{path}/{COMPENSATE}"


@lru_cache(maxsize=8192)
def owner(scope: str) -> tuple[str, str] | None:
    """The scope and the task that a scope belongs to; None for the root.

    >>> owner("finally"), owner("g/deploy[eu]/probe#2"), owner("x[eu]#3"), owner("x[eu]"), owner("roll/compensate")
    (('', 'finally'), ('g/deploy[eu]', 'probe'), ('x[eu]', ''), ('', 'x'), ('', 'roll'))
    """
    if scope == ROOT:
        return None
    above, _, last = scope.rpartition("/")
    if last == COMPENSATE:
        return split_path(above)
    if last.endswith("]"):
        return above, last[: last.index("[")]
    head, sign, _ = last.partition("#")
    if not sign:
        return above, last
    return (task_path(above, head), "") if head.endswith("]") else (above, head)


def parent_scope(scope: str) -> str | None:
    """The scope that a scope settles into; None for the root."""
    found = owner(scope)
    return None if found is None else found[0]


def is_inside(path: str, task: str) -> bool:
    """Whether a path is that of something inside a task.

    >>> is_inside("g/deploy[eu]/roll", "g/deploy"), is_inside("deploy2", "deploy"), is_inside("deploy", "deploy")
    (True, False, False)
    """
    return path.startswith(task) and path.startswith(INSIDE, len(task))


def scopes_around(scope: str) -> Iterator[str]:
    """The paths of the scopes around this one, nearest first."""
    above = parent_scope(scope)
    while above is not None:
        yield above
        above = parent_scope(above)


def split_path(path: str) -> tuple[str, str]:
    """A task's path as its scope and id.

    >>> split_path("finally/report"), split_path("x[eu]"), split_path("x#2"), split_path("roll/compensate")
    (('finally', 'report'), ('x[eu]', ''), ('x#2', ''), ('roll/compensate', ''))
    """
    scope, _, task = path.rpartition("/")
    return (path, "") if task.endswith("]") or "#" in task or task == COMPENSATE else (scope, task)


def depth(path: str) -> int:
    """How many tasks a task is within.

    >>> [depth(path) for path in ("build", "g/build", "x[eu]/probe#2", "finally/report")]
    [0, 1, 2, 0]
    """
    scope, _ = split_path(path)
    return sum(1 for _ in scopes_around(scope)) - (scope == FINALLY or scope.startswith(f"{FINALLY}/"))


def shape_of(scope: str) -> str:
    """A scope's path without what tells it from its siblings: `deploy[eu]/probe#3` gives `deploy[]/probe#`."""
    if "[" in scope:
        scope = _ITEM.sub("[]", scope)
    return _ITERATION.sub("#", scope) if "#" in scope else scope


def lease_key(instance: str, path: str, attempt: int) -> str:
    """What a task worker leases while it runs one attempt."""
    return f"{instance}/{path}/{attempt}"


def idempotency_key(instance: str, path: str, generation: int = 1) -> str:
    """Constant over the attempts of a task, so that an outside system can tell a repeat (LANGUAGE, "Running").

    `generation` counts the runs after an undo or a manual retry of a success: those are no repeats.
    """
    return f"{instance}/{path}" if generation == 1 else f"{instance}/{path}~{generation}"
