"""Starting a task whose join has let it run, and every further attempt of it."""

from __future__ import annotations

from collections.abc import Callable

from engine.core import approvals, children, event_tasks, exits, gates
from engine.core.artifacts import files_for
from engine.core.bodies import BODIES
from engine.core.commands import RunTask, StartChild
from engine.core.context import Context
from engine.core.durations import duration, instant
from engine.core.explain import explain, took_too_long
from engine.core.expressions.errors import EvaluationError
from engine.core.expressions.evaluate import condition, values_read
from engine.core.expressions.render import render
from engine.core.keys import task_path
from engine.core.model import Definition, Task
from engine.core.names import names_for, shown, unseen
from engine.core.outcomes import FAILED, SUCCEEDED
from engine.core.outputs import too_large
from engine.core.state import ScopeState, TaskRun
from engine.core.turn import CHECK_AFTER, Turn
from engine.core.values import Json


def begin(turn: Turn, task: Task) -> None:
    """Evaluate `if`, then start the first attempt. An error in either fails the task at once.

    While the instance is paused the task is held instead, with what it will have seen; its deadline counts all the same.
    """
    run: TaskRun = {"state": "queued", "attempt": 1, "ready_at": turn.at}
    if task.deadline is not None:
        run["timers"] = {"deadline": turn.at + task.deadline}
    if (carried := turn.state.get("carried", {}).get(task.id)) is not None:
        run["attempt"] = carried["attempt"] + 1
        if carried["generation"] > 1:
            run["generation"] = carried["generation"]
        if "afresh" in carried:
            run["afresh"] = True
    hidden = unseen(task, turn.list.tasks, turn.runs)
    if hidden:
        run["unseen"] = hidden
    if turn.paused:
        run["state"], run["held"] = "waiting", "begin"
        turn.put(task.id, run)
    else:
        start(turn, task, run)


def start(turn: Turn, task: Task, run: TaskRun) -> None:
    """Start a task that nothing holds, unless its deadline has passed while something did."""
    if task.condition is not None:
        known = names_for(turn.definition, turn.state, turn.context, task, run)
        try:
            wanted = condition(task.condition, known)
        except EvaluationError as error:
            turn.end(task.id, run, FAILED, error=explain(error))
            return
        if not wanted:
            values = shown(values_read(task.condition, known))
            turn.skip(task.id, {"cause": "condition", "condition": task.condition.source, "values": values})
            return
    if task.deadline is not None:  # an engine of before held a run without it
        due = run.get("timers", {}).get("deadline", run["ready_at"] + task.deadline)
        if due <= turn.at:
            turn.end(task.id, run, FAILED, error=took_too_long("task", task.deadline))
            return
        run["timers"] = {"deadline": due}
    attempt(turn, task, run)


def attempt(turn: Turn, task: Task, run: TaskRun, passed: gates.Gate | None = None) -> None:
    """Start the attempt that `run` names: ask a worker, open its scopes, or do here what needs neither.

    Not before it has gone through its gates; `passed` is the last of those behind it.
    """
    try:
        if not gates.enter(turn, task, run, passed):
            return
        if task.kind in HERE:
            known = names_for(turn.definition, turn.state, turn.context, task, run)
            HERE[task.kind](turn, task, run, render(task.params, known))
        elif task.body is not None:
            BODIES[task.kind].begin(turn, task, run)
        elif task.kind == "switch":
            _switch(turn, task, run)
        else:
            turn.order(command(turn.definition, turn.state, turn.context, task, run))
            asked = run.copy()
            asked["state"] = "queued"
            asked["timers"] = {**_deadline(run), "check": turn.at + CHECK_AFTER, **children.timers(task, turn.at)}
            turn.put(task.id, asked)
    except EvaluationError as error:
        turn.end(task.id, run, FAILED, error=explain(error))
    except ValueError as error:
        turn.end(task.id, run, FAILED, error={"kind": "invalid", "message": str(error)})


def command(
    definition: Definition, state: ScopeState, context: Context, task: Task, run: TaskRun
) -> RunTask | StartChild:
    """What asks a worker for this attempt. A function of state, so the same attempt is always asked for in the same words.

    Raises EvaluationError, and ValueError for parameters that make no sense.
    """
    if task.kind == children.KIND:
        return children.starting(definition, state, context, task, run)
    known = names_for(definition, state, context, task, run)
    return RunTask(
        instance=context.instance["id"],
        path=task_path(context.scope, task.id),
        attempt=run["attempt"],
        kind=task.kind,
        params=render(task.params, known, defer_secrets=True),
        env=render(task.env, known, defer_secrets=True),
        outputs=task.outputs,
        timeout=task.timeout,
        workflow=definition.name,
        queue=task.queue,
        generation=run.get("generation", 1),
        priority=task.priority,
        artifacts=files_for(definition, state, context, task, run),
    )


def _values(turn: Turn, task: Task, run: TaskRun, params: Json) -> None:
    error = too_large(params)
    if error is not None:
        turn.end(task.id, run, FAILED, error=error)
    else:
        turn.end(task.id, run, SUCCEEDED, outputs=params)


def _switch(turn: Turn, task: Task, run: TaskRun) -> None:
    """The first case that is true is the outcome."""
    known = names_for(turn.definition, turn.state, turn.context, task, run)
    for case, wanted in task.cases:
        if wanted is None or condition(wanted, known):
            turn.end(task.id, run, case)
            return
    turn.end(task.id, run, FAILED, error={"kind": "no_case", "message": "no case of the switch is true"})


def _fail(turn: Turn, task: Task, run: TaskRun, params: Json) -> None:
    given = params if isinstance(params, dict) else {}
    kind, message = given.get("kind", "fail"), given.get("message")
    if not isinstance(message, str) or not isinstance(kind, str):
        raise ValueError("fail takes a `message`, and perhaps a `kind`, as text")  # noqa: TRY004 - of the author's making
    turn.end(task.id, run, FAILED, error={"kind": kind, "message": message})


def _exit(turn: Turn, task: Task, run: TaskRun, params: Json) -> None:
    given = params if isinstance(params, dict) else {}
    exits.leave(turn, task, run, given.get("state", SUCCEEDED), whole=given.get("scope") == "instance")


def _approval(turn: Turn, task: Task, run: TaskRun, params: Json) -> None:
    approvals.open_(turn, task, _waiting(turn, task, run), params)


def _event(turn: Turn, task: Task, run: TaskRun, params: Json) -> None:
    event_tasks.open_(turn, task, _waiting(turn, task, run), params)


def _wait(turn: Turn, task: Task, run: TaskRun, params: Json) -> None:
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


HERE: dict[str, Callable[[Turn, Task, TaskRun, Json], None]] = {
    "values": _values,
    "wait": _wait,
    "approval": _approval,
    "event": _event,
    "fail": _fail,
    "exit": _exit,
}
"""Kinds that no worker runs. Each raises ValueError for parameters that make no sense."""
