"""What expressions can read at a place: only the names that they mention are looked up, for this is on the hot path."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

from engine.core.context import Context
from engine.core.keys import owner, parent_scope
from engine.core.model import Definition, Task
from engine.core.references import resolved
from engine.core.state import ACTIVE, ScopeState, TaskError, TaskRun
from engine.core.values import Json, JsonObject

Ref = tuple[str, ...]
SHOWN_TEXT = 200
"""Characters of a text that a skip reason keeps."""
SHOWN_MEMBERS = 10
"""Members of a list or map up to which a skip reason keeps it."""


def unseen(task: Task, tasks: Collection[str], runs: Mapping[str, TaskRun]) -> list[str]:
    """The tasks of the same list that the task's expressions read and that have not settled: they never see them.

    Decided with the join and kept with the run, so that a later attempt or a re-sent command reads the same values.
    """
    mentioned: dict[str, None] = {}
    for ref in task.reads:
        if ref[0] == "tasks":
            mentioned.update(dict.fromkeys(ref[1:2] if len(ref) > 1 else tasks))
    return [name for name in mentioned if name in tasks and _settled(runs.get(name)) is None]


def names_for(
    definition: Definition,
    state: ScopeState,
    context: Context,
    task: Task,
    run: TaskRun,
    *,
    error: TaskError | None = None,
) -> JsonObject:
    """All that a task's own expressions read, as this run of it sees them; `error` is for `retry.if`."""
    found = names(definition, state, context, task.reads, hidden=run.get("unseen", ()))
    if error is not None:
        found["error"] = error
    return found


def names(
    definition: Definition,
    state: ScopeState,
    context: Context,
    read: Iterable[Ref],
    *,
    hidden: Collection[str] = (),
) -> JsonObject:
    """The values for these paths, by top-level name. `hidden` tasks count as unsettled."""
    found: JsonObject = {"inputs": context.inputs, "trigger": context.trigger, "vars": definition.vars}
    tasks: JsonObject = {}
    for ref in read:
        if ref[0] == "tasks":
            for name in ref[1:2] or _known(definition, context):
                if name not in tasks:
                    tasks[name] = _task(name, definition, state, context, hidden)
        elif ref[0] == "instance" and "instance" not in found:
            ending = next((scope for scope in (state, *context.outer) if "ending" in scope), state)
            found["instance"] = {
                **context.instance,
                "state": ending.get("ending", "running"),
                "failures": ending.get("ending_failures", []),
            }
    found["tasks"] = tasks
    for scope in (*reversed(context.outer), state):  # the nearest scope's names hide those further out
        if "locals" in scope:
            found.update(scope["locals"])
            if "previous" in scope["locals"]:
                found["previous"] = resolved(scope["locals"]["previous"], context.values)
    return found


def shown(values: JsonObject) -> JsonObject:
    """What a condition read, for people and short enough to be kept in state: what is large is described."""
    return {path: _shown(value) for path, value in values.items()}


def _shown(value: Json) -> Json:
    if isinstance(value, str):
        return value if len(value) <= SHOWN_TEXT else value[:SHOWN_TEXT] + "…"
    if not isinstance(value, list | dict):
        return value
    members = value.values() if isinstance(value, dict) else value
    if len(value) <= SHOWN_MEMBERS and not any(isinstance(member, list | dict) for member in members):
        return (
            {key: _shown(member) for key, member in value.items()} if isinstance(value, dict) else [*map(_shown, value)]
        )
    return f"a map of {len(value)}" if isinstance(value, dict) else f"a list of {len(value)}"


def _known(definition: Definition, context: Context) -> dict[str, None]:
    """The tasks of this list and of those around it."""
    known: dict[str, None] = {}
    scope: str | None = context.scope
    while scope is not None:
        known.update(dict.fromkeys(definition.task_list(scope).tasks))
        scope = parent_scope(scope)
    return known


def _task(name: str, definition: Definition, state: ScopeState, context: Context, hidden: Collection[str]) -> Json:
    """`outputs`, `outcome` and `error` of a task; the nearest list that has the name counts."""
    _, run = nearest(name, definition, state, context, hidden)
    if run is None:
        return {"outputs": {}}
    view: JsonObject = {"outputs": resolved(run.get("outputs", {}), context.values), "outcome": run["state"]}
    if "error" in run:
        view["error"] = run["error"]
    return view


def nearest(
    name: str, definition: Definition, state: ScopeState, context: Context, hidden: Collection[str]
) -> tuple[str, TaskRun | None]:
    """The nearest scope whose list has a task of this name, and how that task ended; None if it has not, or is hidden."""
    scope = context.scope
    if name in definition.task_list(scope).tasks:
        return scope, None if name in hidden else _settled(state["tasks"].get(name))
    for outer in context.outer:
        above = owner(scope)
        if above is None:
            break
        scope, inner = above
        if name in definition.task_list(scope).tasks:
            around = outer["tasks"].get(inner)
            hidden_there = around.get("unseen", ()) if around is not None else ()
            return scope, None if name in hidden_there else _settled(outer["tasks"].get(name))
    return scope, None


def _settled(run: TaskRun | None) -> TaskRun | None:
    return None if run is None or run["state"] in ACTIVE else run
