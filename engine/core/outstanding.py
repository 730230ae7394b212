"""What a scope has asked the world for and has no answer to: sent again after a restart or when a broker lost its messages."""

from __future__ import annotations

from engine.core import bodies, children, event_tasks, undo_windows
from engine.core.approvals import asking, is_unasked
from engine.core.begin import command
from engine.core.commands import CancelTask, Outbound
from engine.core.context import Context
from engine.core.expressions.errors import EvaluationError
from engine.core.keys import task_path
from engine.core.model import Definition, Task
from engine.core.state import ScopeState, TaskRun


def outstanding(definition: Definition, state: ScopeState, context: Context) -> tuple[Outbound, ...]:
    """The commands that state says were given and not answered, in the words they were first given in.

    An attempt that has started is answered: its worker is watched through its lease.
    """
    if state["status"] not in ("running", "cancelling"):
        return _of_undoing(context.instance["id"], context.scope, state)
    found: list[Outbound] = []
    tasks = definition.task_list(context.scope).tasks
    for name, run in state["tasks"].items():
        task = tasks[name]
        path = task_path(context.scope, name)
        if task.body is not None:
            if "check" in run.get("timers", {}) and "called_off" not in run and state["status"] == "running":
                found.append(bodies.going_on(context.instance["id"], context.scope, task, run))
        elif children.is_out(task, run):
            found.extend(_of_child(definition, state, context, task, run))
        elif "cancel" in run.get("timers", {}):
            found.append(
                CancelTask(instance=context.instance["id"], path=path, attempt=run["attempt"], queue=task.queue)
            )
        elif run["state"] == "queued" and "gate" not in run:
            try:
                found.append(command(definition, state, context, task, run))
            except EvaluationError:  # an engine newer than the state: the attempt's check will fail the task
                continue
        elif run["state"] == "waiting":
            found.extend(_of_waiting(context.instance["id"], definition.name, path, task, run))
    return tuple(found)


def _of_undoing(instance: str, scope: str, state: ScopeState) -> tuple[Outbound, ...]:
    waits = undo_windows.is_put_off(state, state.get("undo", {}).get("now", ""))
    return (undo_windows.going_on(instance, scope, state),) if waits else ()


def _of_waiting(instance: str, workflow: str, path: str, task: Task, run: TaskRun) -> list[Outbound]:
    if is_unasked(run):
        return [asking(instance, workflow, path, task, run)]
    return [event_tasks.looking(instance, path, task, run)] if event_tasks.is_looking(run) else []


def _of_child(definition: Definition, state: ScopeState, context: Context, task: Task, run: TaskRun) -> list[Outbound]:
    try:
        return children.outstanding(definition, state, context, task, run)
    except (EvaluationError, ValueError):  # as above
        return []
