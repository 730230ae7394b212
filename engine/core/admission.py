"""The answers at the gates (`engine.core.gates`): the attempt, or the instance, goes on, waits, or is refused."""

from __future__ import annotations

from engine.core import again, begin, gates, retry, settle
from engine.core.events import CacheAnswered, RetryRequested, SlotAnswered, TurnAnswered, from_json
from engine.core.explain import explain
from engine.core.expressions.errors import EvaluationError
from engine.core.flow import consider_all
from engine.core.keys import ROOT
from engine.core.model import Task
from engine.core.outcomes import SUCCEEDED
from engine.core.state import TaskError, TaskRun
from engine.core.turn import Turn


def start(turn: Turn) -> None:
    """Begin with the scope's first tasks; with the root's once the instance may start."""
    try:
        if gates.enter_instance(turn):
            _start(turn)
    except EvaluationError as error:
        settle.never_started(turn, "failed", explain(error))
    except ValueError as error:
        settle.never_started(turn, "failed", {"kind": "invalid", "message": str(error)})


def cache_answered(turn: Turn, event: CacheAnswered) -> bool:
    """With outputs of an earlier success the task has succeeded too."""
    found = _at(turn, event, "cache")
    if found is None:
        return False
    task, run = found
    if not event.hit:
        _go_on(turn, task, run, "cache")
        return True
    taken = run.copy()
    taken["cached"] = True
    turn.end(task.id, taken, SUCCEEDED, outputs=event.outputs)
    return True


def slot_answered(turn: Turn, event: SlotAnswered) -> bool:
    """The task, or the instance, has a slot, waits for one, or gets none."""
    if event.whole:
        return _instance_answered(turn, event)
    found = _at(turn, event, "slot")
    if found is None:
        return False
    task, run = found
    match event.answer:
        case "granted":
            _go_on(turn, task, run, "slot")
        case "refused":
            refused = gates.freed(run)
            group = refused.pop("group", "")
            retry.failed(turn, task, refused, _full(group))
        case "waiting":
            if "queued_at" in run:
                return False
            waits = run.copy()
            waits["queued_at"] = turn.at
            turn.put(task.id, waits)
    return True


def turn_answered(turn: Turn, event: TurnAnswered) -> bool:
    """It is the task's turn, or will be."""
    found = _at(turn, event, "rate")
    if found is None or "rate" in found[1].get("timers", {}):
        return False
    task, run = found
    if event.due <= turn.at:
        _go_on(turn, task, run, "rate")
        return True
    waits = gates.freed(run)
    waits["state"], waits["gate"] = "waiting", "rate"
    waits["timers"] = {**waits.get("timers", {}), "rate": event.due}
    turn.put(task.id, waits)
    return True


def its_turn(turn: Turn, task: Task, run: TaskRun) -> None:
    """The rate limit lets it start now."""
    _go_on(turn, task, run, "rate")


def _go_on(turn: Turn, task: Task, run: TaskRun, passed: gates.Gate) -> None:
    """Through this gate; while the instance is paused not further, and what it got there is given back."""
    through = gates.freed(run)
    if not turn.paused:
        begin.attempt(turn, task, through, passed)
        return
    turn.let_go(task.id, through)
    through["state"], through["held"] = "waiting", "gate"
    turn.put(task.id, through)


def _at(
    turn: Turn, event: CacheAnswered | SlotAnswered | TurnAnswered, gate: gates.Gate
) -> tuple[Task, TaskRun] | None:
    """The task that stands at this gate, if the answer is to its question."""
    run = turn.runs.get(event.task)
    if run is None or run.get("gate") != gate or run["attempt"] != event.attempt:
        return None
    return turn.list.tasks[event.task], run


def _instance_answered(turn: Turn, event: SlotAnswered) -> bool:
    state = turn.state
    if turn.context.scope != ROOT or state["status"] != "queued" or event.attempt != gates.instance_attempt(turn):
        return False
    match event.answer:
        case "granted":
            state.pop("timers", None)
            state.pop("resends", None)
            reopening = state.pop("reopening", None)
            if reopening is not None:
                state["status"] = "settled"
                retried = from_json(reopening, turn.at)
                return isinstance(retried, RetryRequested) and again.retry(turn, retried)
            state["status"] = "running"
            _start(turn)
        case "refused":
            state.pop("resends", None)
            settle.never_started(turn, "failed", _full(state.pop("group")))
        case "waiting":
            return False
    return True


def _start(turn: Turn) -> None:
    timeout = turn.definition.timeout if turn.context.scope == ROOT else turn.list.timeout
    if timeout is not None:
        turn.state["timers"] = {"timeout": turn.at + timeout}
    consider_all(turn)


def _full(group: str) -> TaskError:
    return {"kind": "concurrency", "message": f"the concurrency group {group} is full", "details": {"group": group}}
