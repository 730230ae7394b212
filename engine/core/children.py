"""Tasks of kind `workflow`: an instance of another workflow is started, its end is waited for, and it is cancelled with its task.

The instance is named by the attempt, so asking twice is asking once; that is how a message or an answer that was lost is
made up for. An attempt that is called off ends when its instance has: until then it is asked for again and again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.core.commands import CancelChild, CancelTask, Outbound, StartChild
from engine.core.context import Context
from engine.core.expressions.render import render
from engine.core.keys import task_path
from engine.core.model import Definition, Task
from engine.core.names import names_for
from engine.core.state import ScopeState, TaskRun

if TYPE_CHECKING:
    from engine.core.turn import Turn

KIND = "workflow"

CHECK_AFTER = 20_000
"""Milliseconds until an instance that was told to end is told again; doubled each time."""


def starting(definition: Definition, state: ScopeState, context: Context, task: Task, run: TaskRun) -> StartChild:
    """What asks for the instance of an attempt, always in the same words. Raises EvaluationError, ValueError."""
    inputs = render(task.params, names_for(definition, state, context, task, run))
    if not isinstance(inputs, dict):
        raise ValueError("`with` must be a map of inputs")  # noqa: TRY004 - of the author's making
    return StartChild(
        instance=context.instance["id"],
        path=task_path(context.scope, task.id),
        attempt=run["attempt"],
        child=task.workflow,
        inputs=inputs,
        wait=task.wait,
        workflow=definition.name,
        queue=task.queue,
    )


def stopping(context: Context, state: ScopeState, task: Task, run: TaskRun) -> list[Outbound]:
    """What has the instance of an attempt cancelled; of one that is not known, what keeps it from being started besides."""
    instance, path = context.instance["id"], task_path(context.scope, task.id)
    cancel = CancelChild(
        instance=instance,
        path=path,
        attempt=run["attempt"],
        child=run.get("child", ""),
        by=state.get("cancel", {}).get("by", f"{instance}/{path}"),
        reason="the task that started it was cancelled",
        queue=task.queue,
    )
    if "child" in run:
        return [cancel]
    return [CancelTask(instance=instance, path=path, attempt=run["attempt"], queue=task.queue), cancel]


def is_out(task: Task, run: TaskRun) -> bool:
    """Whether there may be an instance that has not ended: no pause before a first or a further attempt is on."""
    if task.kind != KIND or "held" in run or "gate" in run or "retry" in run.get("timers", {}):
        return False
    return run["state"] == "queued" or (run["state"] == "waiting" and "child" in run)


def is_called_off(state: ScopeState, run: TaskRun) -> bool:
    """Whether the attempt's instance is to be cancelled, or not to be started."""
    return state["status"] == "cancelling" or "called_off" in run or "by" in run


def call_off(turn: Turn, task: Task, run: TaskRun) -> None:
    """The task is cancelled: its instance is, and then the task ends."""
    turn.commands.extend(stopping(turn.context, turn.state, task, run))
    waits = run.copy()
    waits["timers"] = {"check": turn.at + CHECK_AFTER}
    waits.pop("resends", None)
    turn.put(task.id, waits)


def outstanding(
    definition: Definition, state: ScopeState, context: Context, task: Task, run: TaskRun
) -> list[Outbound]:
    """What is to be asked for, once more, of an attempt that is out. Raises EvaluationError, ValueError.

    A waiting one asks to start its instance too: what answers says whether that has ended, and its message was lost.
    """
    if not is_called_off(state, run):
        return [starting(definition, state, context, task, run)]
    stop = stopping(context, state, task, run)
    return stop if "child" in run else [*stop, starting(definition, state, context, task, run)]


def timers(task: Task, at: int) -> dict[str, int]:
    """No worker is there to keep an attempt's time."""
    return {"timeout": at + task.timeout} if task.kind == KIND and task.timeout is not None else {}
