"""Starting a task whose join has let it run, and every further attempt of it."""

from __future__ import annotations

from engine.core import approvals
from engine.core.commands import RunTask
from engine.core.context import Context
from engine.core.durations import duration, instant
from engine.core.expressions.errors import EvaluationError
from engine.core.expressions.evaluate import condition, values_read
from engine.core.expressions.model import Template
from engine.core.expressions.render import render
from engine.core.keys import task_path
from engine.core.model import Definition, Task
from engine.core.names import names, refs, shown, unseen
from engine.core.outcomes import FAILED, SUCCEEDED
from engine.core.state import ScopeState, TaskError, TaskRun
from engine.core.turn import Turn
from engine.core.values import Json

CHECK_AFTER = 20_000
"""Milliseconds until somebody looks whether an attempt that was asked for was ever taken up."""


def begin(turn: Turn, task: Task) -> None:
    """Evaluate `if`, then start the first attempt. An error in either fails the task at once."""
    run: TaskRun = {"state": "queued", "attempt": 1, "ready_at": turn.at}
    hidden = unseen(task, turn.list.tasks, turn.runs)
    if hidden:
        run["unseen"] = hidden
    if task.condition is not None:
        known = names(turn.definition, turn.state, turn.context, task.condition.refs, hidden=hidden)
        try:
            wanted = condition(task.condition, known)
        except EvaluationError as error:
            turn.end(task.id, run, FAILED, error=explain(error))
            return
        if not wanted:
            values = shown(values_read(task.condition, known))
            turn.skip(task.id, {"cause": "condition", "condition": task.condition.source, "values": values})
            return
    if task.deadline is not None:
        run["timers"] = {"deadline": turn.at + task.deadline}
    attempt(turn, task, run)


def attempt(turn: Turn, task: Task, run: TaskRun) -> None:
    """Start the attempt that `run` names: ask a worker, or do here what needs none."""
    try:
        if task.kind == "values":
            outputs = fill(turn.definition, turn.state, turn.context, task.params, run)
            turn.end(task.id, run, SUCCEEDED, outputs=outputs)
        elif task.kind == "wait":
            _wait(turn, task, run)
        elif task.kind == "approval":
            params = fill(turn.definition, turn.state, turn.context, task.params, run)
            approvals.open_(turn, task, _waiting(turn, task, run), params)
        else:
            turn.order(command(turn.definition, turn.state, turn.context, task, run))
            asked = run.copy()
            asked["state"] = "queued"
            asked["timers"] = {**_deadline(run), "check": turn.at + CHECK_AFTER}
            turn.put(task.id, asked)
    except EvaluationError as error:
        turn.end(task.id, run, FAILED, error=explain(error))
    except ValueError as error:
        turn.end(task.id, run, FAILED, error={"kind": "invalid", "message": str(error)})


def command(definition: Definition, state: ScopeState, context: Context, task: Task, run: TaskRun) -> RunTask:
    """What asks a worker for this attempt. A function of state, so the same attempt is always asked for in the same words.

    Raises EvaluationError.
    """
    return RunTask(
        instance=context.instance["id"],
        path=task_path(context.scope, task.id),
        attempt=run["attempt"],
        kind=task.kind,
        params=fill(definition, state, context, task.params, run, defer_secrets=True),
        env=fill(definition, state, context, task.env, run, defer_secrets=True),
        outputs=task.outputs,
        timeout=task.timeout,
        workflow=definition.name,
        queue=task.queue,
    )


def fill(
    definition: Definition,
    state: ScopeState,
    context: Context,
    template: Template,
    run: TaskRun | None = None,
    *,
    defer_secrets: bool = False,
) -> Json:
    """A template with its expressions evaluated in this scope, as `run` sees it. Raises EvaluationError."""
    hidden = run.get("unseen", ()) if run else ()
    known = names(definition, state, context, refs(template), hidden=hidden)
    return render(template, known, defer_secrets=defer_secrets)


def explain(error: EvaluationError) -> TaskError:
    """An evaluation error as the task's (or the scope's) error, pointing into the workflow file."""
    found: TaskError = {"kind": error.kind, "message": error.message}
    if error.position is not None:
        found["line"] = error.position.line
        found["column"] = error.position.column
    return found


def _wait(turn: Turn, task: Task, run: TaskRun) -> None:
    params = fill(turn.definition, turn.state, turn.context, task.params, run)
    if not isinstance(params, dict) or ("for" in params) == ("until" in params):
        raise ValueError("wait takes either `for` or `until`")
    due = turn.at + duration(params["for"]) if "for" in params else instant(params["until"])
    if due <= turn.at:
        turn.end(task.id, run, SUCCEEDED)
        return
    waiting = _waiting(turn, task, run)
    waiting["timers"] = {**waiting.get("timers", {}), "wait": due}
    turn.put(task.id, waiting)


def _waiting(turn: Turn, task: Task, run: TaskRun) -> TaskRun:
    """The run of a task that waits here without a worker; its `timeout` is kept here too."""
    waiting = run.copy()
    waiting["state"] = "waiting"
    waiting["started_at"] = turn.at
    timers = _deadline(run)
    if task.timeout is not None:
        timers["timeout"] = turn.at + task.timeout
    waiting["timers"] = timers
    return waiting


def _deadline(run: TaskRun) -> dict[str, int]:
    """The only timer that outlives an attempt."""
    timers = run.get("timers")
    return {"deadline": timers["deadline"]} if timers and "deadline" in timers else {}
