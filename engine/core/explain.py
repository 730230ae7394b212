"""Turns errors of expressions and of child scopes, and times that have passed, into the errors of tasks and scopes."""

from __future__ import annotations

from collections.abc import Sequence

from engine.core.expressions.errors import EvaluationError
from engine.core.state import ScopeFailure, TaskError


def explain(error: EvaluationError) -> TaskError:
    """An evaluation error as the task's (or the scope's) error, pointing into the workflow file."""
    found: TaskError = {"kind": error.kind, "message": error.message}
    if error.position is not None:
        found["line"] = error.position.line
        found["column"] = error.position.column
    return found


def took_too_long(what: str, allowed: int | None) -> TaskError:
    """Why something ended that may take so many milliseconds."""
    return {"kind": "timeout", "message": f"the {what} took longer than {(allowed or 0) / 1_000:g} s"}


def failed_below(failures: Sequence[ScopeFailure]) -> TaskError:
    """Why a task with a scope of its own failed: what failed there, in the words of the first."""
    if not failures:
        return {"kind": "tasks", "message": "its tasks failed"}
    first = failures[0]
    error = first.get("error")
    more = f" (and {len(failures) - 1} more)" if len(failures) > 1 else ""
    details = {"failures": list(failures)}
    if error is None:
        return {"kind": "tasks", "message": f"{first['path']} ended {first['outcome']}{more}", "details": details}
    return {"kind": error["kind"], "message": f"{first['path']}: {error['message']}{more}", "details": details}
