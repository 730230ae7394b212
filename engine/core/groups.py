"""A group: one scope with tasks of its own."""

from __future__ import annotations

from engine.core.commands import OpenScope, TellChildren, TellScope
from engine.core.events import CancelRequested, ResumeRequested, ScopeSettled, ScopeStirred, to_json
from engine.core.explain import failed_below
from engine.core.model import Task
from engine.core.outcomes import CANCELLED, FAILED, SUCCEEDED
from engine.core.state import TaskRun
from engine.core.turn import Turn


def begin(turn: Turn, task: Task, run: TaskRun) -> None:
    """Open it."""
    running = run.copy()
    running["state"] = "running"
    running["started_at"] = turn.at
    turn.put(task.id, running)
    turn.order(OpenScope(scope=turn.path(task.id), again=turn.reopened))


def settled(turn: Turn, task: Task, run: TaskRun, event: ScopeSettled) -> None:
    """The group ends as its scope did."""
    end_as(turn, task, run, event, outputs=event.outputs)


def stirred(turn: Turn, task: Task, run: TaskRun, event: ScopeStirred) -> None:
    """It waits while its scope does."""
    show(turn, task, run, busy=event.busy)


def go_on(turn: Turn, task: Task, run: TaskRun) -> None:
    """There is nothing more to open."""


def tell(turn: Turn, task: Task, _run: TaskRun, told: TellChildren) -> None:
    """Its only scope."""
    tell_scope(turn, turn.path(task.id), told)


def end_as(turn: Turn, task: Task, run: TaskRun, event: ScopeSettled, outputs: object) -> None:
    """End a task as its (last) scope did, unless it was over time itself."""
    if run.get("error") is not None:  # its deadline passed
        turn.end(task.id, run, FAILED)
    elif event.outcome == "succeeded":
        turn.end(task.id, run, SUCCEEDED, outputs={} if outputs is None else outputs)
    elif event.outcome == "failed":
        turn.end(task.id, run, FAILED, error=failed_below(event.failures))
    else:
        turn.end(task.id, run, CANCELLED)


def show(turn: Turn, task: Task, run: TaskRun, *, busy: bool) -> None:
    """A task with scopes is `running` while anything runs in them, else `waiting`."""
    state = "running" if busy else "waiting"
    if run["state"] != state:
        shown = run.copy()
        shown["state"] = state
        turn.put(task.id, shown)


def tell_scope(turn: Turn, scope: str, told: TellChildren) -> None:
    """Pass on to one scope what all are told."""
    cancelled = told.what == "cancel"
    event = CancelRequested(by=told.by, reason=told.reason) if cancelled else ResumeRequested(by=told.by)
    turn.order(TellScope(scope=scope, event=to_json(event)))
