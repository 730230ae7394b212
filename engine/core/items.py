"""`for_each`: a scope for each item, opened in windows. The task itself keeps counters only (law 8)."""

from __future__ import annotations

from collections.abc import Sequence

from engine.core.commands import CollectItems, GoOn, OpenScope, TellChildren
from engine.core.events import ChildrenDue, ItemsCollected, ScopeSettled, ScopeStirred, to_json
from engine.core.explain import explain
from engine.core.expressions.errors import EvaluationError
from engine.core.groups import show
from engine.core.item_list import begun_with, item_list
from engine.core.keys import item_scope
from engine.core.model import ForEach, Task
from engine.core.outcomes import CANCELLED, FAILED, SUCCEEDED
from engine.core.state import ACTIVE, ItemsRun, ScopeFailure, TaskError, TaskRun
from engine.core.turn import CHECK_AFTER, Turn
from engine.core.values import Json

WINDOW = 500
"""Child scopes that one transaction opens."""
SHOWN = 5
"""Items whose failures are told in the task's error."""


def begin(turn: Turn, task: Task, run: TaskRun) -> None:
    """Open the first window; without items the task has succeeded. Raises EvaluationError, ValueError."""
    found = item_list(turn, task, run)
    if not found:
        turn.end(task.id, run, SUCCEEDED, outputs=[])
        return
    running = run.copy()
    running["state"] = "running"
    running["started_at"] = turn.at
    running["items"] = {"total": len(found), "next": 0, "active": 0, "busy": 0, "succeeded": 0, "failed": 0}
    if run["attempt"] > 1:
        running["items"]["began"] = run["attempt"]
    _open(turn, task, running)


def settled(turn: Turn, task: Task, run: TaskRun, event: ScopeSettled) -> None:
    """Count it; then open another, or end."""
    counted = run.copy()
    counts = counted["items"] = run["items"].copy()
    counts["active"] -= 1
    counts["busy"] -= not event.idle
    if event.outcome == "succeeded":
        counts["succeeded"] += 1
    else:
        counts["failed"] += 1
        if "lost" in counts:
            counts["lost"] += event.outcome == "failed"
        told = event.failures[:1] or [ScopeFailure(path=event.scope, outcome=event.outcome)]
        counts["failures"] = [*counts.get("failures", []), *told][:SHOWN]
    if run["state"] not in ACTIVE:  # `rest: run_on`: its end is known already
        if not counts["active"]:
            counted.pop("timers", None)
            counted.pop("telling", None)
        turn.put(task.id, counted)
        turn.ended.append(task.id)
        return
    if not counts.get("closed"):
        _judge(turn, _spec(task), task, counted)
    if turn.runs[task.id] is not run:  # it has ended: enough succeeded and the rest runs on
        return
    if counts["active"] or counts.get("again") or (not _over(counted) and not turn.is_stopping(run)):
        _open(turn, task, counted)
        tell_again(turn, task)
    else:
        _end(turn, task, counted)


def stirred(turn: Turn, task: Task, run: TaskRun, event: ScopeStirred) -> None:
    """Count the items in which something runs."""
    counted = run.copy()
    counts = counted["items"] = run["items"].copy()
    counts["busy"] += 1 if event.busy else -1
    if event.before:  # counted as active when it was named
        counts["busy"] -= 1
        _uncount(counts, 1, well=event.before == "succeeded")
    turn.put(task.id, counted)
    show(turn, task, counted, busy=counts["busy"] > 0)


def go_on(turn: Turn, task: Task, run: TaskRun) -> None:
    """Open what may be open."""
    _open(turn, task, run, first=True)


def is_open(turn: Turn, task: Task, run: TaskRun, key: str) -> bool:
    """Whether one of the items that were opened has this key; one of an earlier beginning may have another.

    Raises EvaluationError, ValueError where `unreadable` says why.
    """
    return any(item.key == key for item in begun_with(turn, task, run)[: run["items"]["next"]])


def unreadable(turn: Turn, task: Task, run: TaskRun) -> TaskError | None:
    """Why the items that the task began with cannot be worked out any more, which only another definition can bring about."""
    try:
        begun_with(turn, task, run)
    except EvaluationError as error:
        return explain(error)
    except ValueError as error:
        return {"kind": "invalid", "message": str(error)}
    return None


def end_if_over(turn: Turn, task: Task) -> None:
    """A retry found nothing to be done."""
    run = turn.runs[task.id]
    if not run["items"]["active"] and not run["items"].get("again") and _over(run):
        _end(turn, task, run)


def tell(turn: Turn, task: Task, run: TaskRun, told: TellChildren) -> None:
    """Its live items, in windows; no more are opened when they are cancelled."""
    if told.what == "cancel":
        changed = run.copy()
        counts = changed["items"] = run["items"].copy()
        if run["state"] in ACTIVE:
            counts.setdefault("lost", counts["failed"])
        _close(changed)
        changed.pop("held", None)
        if run["items"]["active"] > WINDOW:
            changed["timers"] = {**run.get("timers", {}), "check": turn.at + CHECK_AFTER}
        turn.put(task.id, changed)
        if not run["items"]["active"]:
            _end(turn, task, changed)
            return
    elif run["items"]["active"] > WINDOW:
        changed = run.copy()
        changed["telling"] = "resume"
        changed["timers"] = {**run.get("timers", {}), "check": turn.at + CHECK_AFTER}
        turn.put(task.id, changed)
    turn.order(told)


def collected(turn: Turn, task: Task, run: TaskRun, event: ItemsCollected) -> None:
    """End with the outputs of the items."""
    outcome, error = _verdict(turn, task, run)
    if event.error is not None and outcome == SUCCEEDED:
        outcome, error = FAILED, event.error
    _finish(turn, task, run, outcome, outputs=event.outputs, error=error)


def told_again(turn: Turn, task: Task, run: TaskRun, event: ChildrenDue) -> None:
    """Some are told right now to go on: from now on they count as active, and this task does not end before they do."""
    told = run.copy()
    counts = told["items"] = run["items"].copy()
    number = event.count or 0
    counts.pop("asked", None)
    counts["active"] += number
    counts["busy"] += number
    counts["after"] = event.after
    _uncount(counts, number, well=False)
    if event.told and run.get("telling") == "retry":
        del told["telling"]
    turn.put(task.id, told)
    show(turn, task, told, busy=counts["busy"] > 0)
    if number:
        tell_again(turn, task)
    if "telling" in run and "telling" not in told:
        ask_for_more(turn, task)


def ask_for_more(turn: Turn, task: Task) -> None:
    """All have been told, and what is checked is again whether the next window was opened: so it has to be on its way."""
    run = turn.runs[task.id]
    if "items" in run and "telling" not in run and run["state"] in ACTIVE and not _over(run):
        turn.order(going_on(turn.instance, turn.context.scope, task, run))


def _uncount(counts: ItemsRun, number: int, *, well: bool) -> None:
    """Items that had settled have not any more."""
    if well:
        counts["succeeded"] -= number
    elif "again" in counts:
        counts["again"] -= number
    else:
        counts["failed"] -= number


def retry(turn: Turn, task: Task, by: str, besides: Sequence[str]) -> None:
    """Have those go on that are to, as many as there is room for."""
    _tell_again(turn, task, by, besides)


def tell_again(turn: Turn, task: Task) -> None:
    """Have more of those go on that are to, where `max_parallel` has let only some."""
    run = turn.runs[task.id]
    bounded = _spec(task).max_parallel is not None
    if bounded and run["items"].get("again") and not run["items"].get("asked") and not turn.is_stopping(run):
        _tell_again(turn, task)


def _tell_again(turn: Turn, task: Task, by: str = "", besides: Sequence[str] = ()) -> None:
    run, most = turn.runs[task.id].copy(), _spec(task).max_parallel
    counts = run["items"] = run["items"].copy()
    room = 0 if most is None else most - counts["active"]
    if most is None or room > 0:
        counts["asked"] = True
        turn.put(task.id, run)
        turn.order(
            TellChildren(
                task=task.id,
                attempt=run["attempt"],
                what="retry",
                by=by,
                after=counts.get("after", ""),
                limit=room,
                besides=list(besides),
                began=counts.get("began", 0),
            )
        )


def _close(run: TaskRun) -> None:
    """No more are opened; those that were to go on and were not told yet stay what they are. That a pause is over all hear."""
    counts = run["items"]
    counts["closed"] = True
    counts["failed"] += counts.pop("again", 0)
    if run.get("telling") == "retry":
        del run["telling"]


def _judge(turn: Turn, spec: ForEach, task: Task, run: TaskRun) -> None:
    """Whether one more item's end decides about the others."""
    counts = run["items"]
    enough = spec.enough is not None and counts["succeeded"] >= spec.enough
    if enough and spec.rest == "run_on":
        _close(run)
        _end(turn, task, run)
    elif enough or (spec.fail_fast and counts["failed"]):
        _close(run)
        if counts["active"]:
            if counts["active"] > WINDOW:
                run["timers"] = {**run.get("timers", {}), "check": turn.at + CHECK_AFTER}
            turn.order(TellChildren(task=task.id, attempt=run["attempt"], what="cancel", by="for_each"))


def _over(run: TaskRun) -> bool:
    counts = run["items"]
    return bool(counts.get("closed")) or counts["next"] >= counts["total"]


def _open(turn: Turn, task: Task, run: TaskRun, *, first: bool = False) -> None:
    """Open as many as there is room for, a window at most; what is left waits for an event of its own.

    `first`: this is that event. Items that end at once must not make one transaction of all of them.
    """
    opened = run.copy()
    counts = opened["items"] = run["items"].copy()
    closed = counts.get("closed", False)
    told = closed or "telling" in run  # then what is checked is whether all have been told
    timers = {name: due for name, due in run.get("timers", {}).items() if name != "check" or told}
    spec = _spec(task)
    room = counts["total"] - counts["next"]
    if spec.max_parallel is not None:
        room = min(room, spec.max_parallel - counts["active"] - counts.get("again", 0))
    start = counts["next"]
    fresh = first or start == 0
    limit = WINDOW if start % WINDOW == 0 else WINDOW - start % WINDOW
    if room > 0 and not closed and not turn.is_stopping(run):
        if turn.paused:
            opened["held"] = "more"
        elif start % WINDOW == 0 and not fresh:
            _later(turn, task, opened, timers, asked="check" in run.get("timers", {}) and not told)
        elif (error := unreadable(turn, task, run)) is not None:
            _give_up(turn, task, run, error)
            return
        else:
            opened.pop("held", None)
            wanted = min(room, limit)
            _order(turn, task, opened, start, wanted)
            counts["next"] += wanted
            counts["active"] += wanted
            counts["busy"] += wanted
            if room > wanted:
                _later(turn, task, opened, timers)
    if timers or "timers" in run:
        opened["timers"] = timers
    opened["state"] = "running" if counts["busy"] else "waiting"
    turn.put(task.id, opened)


def _give_up(turn: Turn, task: Task, run: TaskRun, error: TaskError) -> None:
    """Fail, once those that run have been called off."""
    failed = run.copy()
    failed["error"] = error
    failed["timers"] = {}
    tell(turn, task, failed, TellChildren(task=task.id, attempt=run["attempt"], what="cancel", by="for_each"))


def _later(turn: Turn, task: Task, run: TaskRun, timers: dict[str, int], *, asked: bool = False) -> None:
    """Have the next window opened in a transaction of its own; should that be forgotten, the check notices.

    `asked`: it has been asked for, and the answer is on its way. Each item that ends meanwhile would ask again.
    """
    timers["check"] = turn.at + CHECK_AFTER
    if not asked:
        turn.order(going_on(turn.instance, turn.context.scope, task, run))


def going_on(instance: str, scope: str, task: Task, run: TaskRun) -> GoOn:
    """What has the next window opened."""
    due = ChildrenDue(task=task.id, attempt=run["attempt"], what="open", after=str(run["items"]["next"]))
    return GoOn(instance=instance, scope=scope, event=to_json(due))


def _order(turn: Turn, task: Task, run: TaskRun, start: int, count: int) -> None:
    spec = _spec(task)
    found = begun_with(turn, task, run)
    path = turn.path(task.id)
    for index in range(start, start + count):
        item = found[index]
        turn.order(
            OpenScope(
                scope=item_scope(path, item.key),
                locals={spec.name: item.value, "index": index},
                key=item.key,
                again=turn.reopened,
                began=run["items"].get("began", 0),
            )
        )


def _end(turn: Turn, task: Task, run: TaskRun) -> None:
    """All that were opened have ended: gather their outputs first, if anybody reads them."""
    outcome, error = _verdict(turn, task, run)
    if outcome != CANCELLED and _spec(task).collect:
        turn.put(task.id, run)
        counts = run["items"]
        began = counts.get("began", 0)
        turn.order(CollectItems(task=task.id, attempt=run["attempt"], count=counts["total"], began=began))
        return
    _finish(turn, task, run, outcome, error=error)


def _finish(
    turn: Turn, task: Task, run: TaskRun, outcome: str, *, outputs: Json = None, error: TaskError | None = None
) -> None:
    """Of those that run on, some may still have to be told that a pause is over."""
    turn.end(task.id, run, outcome, outputs=outputs, error=error)
    if run.get("telling") == "resume" and run["items"]["active"]:
        ended = turn.runs[task.id].copy()
        ended["telling"] = "resume"
        ended["timers"] = {"check": turn.at + CHECK_AFTER}
        turn.put(task.id, ended)


def _verdict(turn: Turn, task: Task, run: TaskRun) -> tuple[str, TaskError | None]:
    counts: ItemsRun = run["items"]
    enough = _spec(task).enough
    if run.get("error") is not None:  # its deadline passed, or its list is not there any more
        return FAILED, None
    if enough is not None and counts["succeeded"] >= enough:
        return SUCCEEDED, None
    if counts["succeeded"] == counts["total"] and enough is None:
        return SUCCEEDED, None
    wanted = counts["total"] if enough is None else enough
    if turn.is_stopping(run) and counts.get("closed") and counts["total"] - counts.get("lost", 0) >= wanted:
        return CANCELLED, None
    return FAILED, _failure(counts, enough)


def _failure(counts: ItemsRun, enough: int | None) -> TaskError:
    failures = counts.get("failures", [])
    first = failures[0] if failures else None
    why = f"; first {first['path']}: {first['error']['message']}" if first and "error" in first else ""
    wanted = f", {enough} had to succeed" if enough is not None else ""
    message = f"{counts['failed']} of {counts['total']} items did not succeed{wanted}{why}"
    return {"kind": "items", "message": message, "details": {"failures": list(failures)}}


def _spec(task: Task) -> ForEach:
    if task.for_each is None:
        raise ValueError("a task of kind for_each has items")
    return task.for_each
