"""Names of things that are derived, never drawn: paths, leases, idempotency keys."""

from __future__ import annotations

ROOT = ""
"""The path of an instance's root scope."""

FINALLY = "finally"
"""The path of the scope that runs `finally`."""


def task_path(scope: str, task: str) -> str:
    """`deploy[eu]` and `roll` give `deploy[eu]/roll`; in the root scope a task's path is its id."""
    return f"{scope}/{task}" if scope else task


def parent_scope(scope: str) -> str | None:
    """The scope that a scope settles into; None for the root.

    >>> parent_scope("finally"), parent_scope("deploy[eu]/probe#2"), parent_scope("")
    ('', 'deploy[eu]', None)
    """
    if scope == ROOT:
        return None
    return scope.rpartition("/")[0]


def split_path(path: str) -> tuple[str, str]:
    """A task's path as its scope and id: `finally/report` gives `('finally', 'report')`."""
    scope, _, task = path.rpartition("/")
    return scope, task


def lease_key(instance: str, path: str, attempt: int) -> str:
    """What a task worker leases while it runs one attempt."""
    return f"{instance}/{path}/{attempt}"


def idempotency_key(instance: str, path: str) -> str:
    """Constant over the attempts of a task, so that an outside system can tell a repeat (LANGUAGE, "Running")."""
    return f"{instance}/{path}"
