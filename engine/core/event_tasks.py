"""Tasks of kind `event`: each waits until an event of its type comes for which `match` holds, or its time is over.

The wait is stored with the state, so that whoever publishes an event finds it. Events that came before are looked for by a
worker, who is asked until it answers; each event counts once for an instance, and the database says which are left.
"""

from __future__ import annotations

from engine.core.commands import AwaitEvent, MatchEvent
from engine.core.durations import duration, instant
from engine.core.events import EventReceived, EventsLookedAt
from engine.core.expressions.codec import expression_to_json
from engine.core.expressions.render import needed
from engine.core.model import Task
from engine.core.names import names_for
from engine.core.state import TaskRun
from engine.core.turn import CHECK_AFTER, Turn
from engine.core.values import Json, JsonObject

RECEIVED = "received"
TIMED_OUT = "timed_out"

LONGEST = 200
"""Characters of the type of an event, of which it is found: a longer one could not be kept."""

PARTS = ("id", "type", "source", "body", "received_at")
"""What an event has, and so the outputs of a task that received one."""


def open_(turn: Turn, task: Task, run: TaskRun, params: Json) -> None:
    """Begin to wait with `run` (waiting, with its timers). Raises ValueError if the parameters make no sense."""
    awaits = _awaiting(turn, task, run, params)
    waits = run.copy()
    waits["waits_for"] = awaits.event
    timers = {**run.get("timers", {}), "check": turn.at + CHECK_AFTER}
    if params.get("timeout") is not None:
        timers["event"] = turn.at + duration(params["timeout"])
    waits["timers"] = timers
    turn.order(awaits)
    turn.order(looking(turn.instance, awaits.path, task, run))
    turn.put(task.id, waits)


def looking(instance: str, path: str, task: Task, run: TaskRun) -> MatchEvent:
    """What has earlier events looked at."""
    return MatchEvent(instance=instance, path=path, attempt=run["attempt"], queue=task.queue)


def is_looking(run: TaskRun) -> bool:
    """Whether earlier events are still to be looked at."""
    return run["state"] == "waiting" and "waits_for" in run and "check" in run.get("timers", {})


def received(turn: Turn, event: EventReceived) -> bool:
    """It has come. One that this instance has used up already is none: the next one is looked for."""
    run = _waiting(turn, event.task, event.attempt)
    if run is None:
        return False
    if not event.taken:
        turn.end(event.task, run, RECEIVED, outputs={part: event.event.get(part) for part in PARTS})
        return True
    timers, check = run.get("timers", {}), turn.at + CHECK_AFTER
    if timers.get("check") == check:  # asked for in this very moment
        return False
    looks = run.copy()
    looks["timers"] = {**timers, "check": check}
    turn.order(looking(turn.instance, turn.path(event.task), turn.list.tasks[event.task], run))
    turn.put(event.task, looks)
    return True


def looked(turn: Turn, event: EventsLookedAt) -> bool:
    """None is there yet: nothing is outstanding, as whoever publishes one finds the wait."""
    run = _waiting(turn, event.task, event.attempt)
    if run is None or not is_looking(run):
        return False
    waits = run.copy()
    waits["timers"] = {name: due for name, due in run["timers"].items() if name != "check"}
    waits.pop("resends", None)
    turn.put(event.task, waits)
    return True


def timed_out(turn: Turn, task: Task, run: TaskRun) -> None:
    """None came in time."""
    turn.end(task.id, run, TIMED_OUT)


def _waiting(turn: Turn, task: str, attempt: int) -> TaskRun | None:
    run = turn.runs.get(task)
    if run is None or run["attempt"] != attempt or run["state"] != "waiting" or "waits_for" not in run:
        return None
    return run


def _awaiting(turn: Turn, task: Task, run: TaskRun, params: Json) -> AwaitEvent:
    given = params if isinstance(params, dict) else {}
    wanted, since = given.get("type"), given.get("since", "instance")
    if not isinstance(wanted, str) or not 0 < len(wanted) <= LONGEST:
        raise ValueError(f"event takes the `type` of the event, a text of 1 to {LONGEST} characters")
    if since not in ("instance", "now"):
        raise ValueError("`since` is `instance` or `now`")
    return AwaitEvent(
        path=turn.path(task.id),
        attempt=run["attempt"],
        event=wanted,
        since=turn.at if since == "now" else instant(turn.context.instance["started_at"]),
        match=None if task.match is None else expression_to_json(task.match),
        names=_names(turn, task, run),
    )


def _names(turn: Turn, task: Task, run: TaskRun) -> JsonObject:
    """What `match` reads besides the event, and no more: it is stored with the wait."""
    if task.match is None:
        return {}
    read = [ref for ref in task.match.refs if ref[0] != "event"]
    return needed(read, names_for(turn.definition, turn.state, turn.context, task, run)) if read else {}
