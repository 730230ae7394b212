"""Retrying what has settled: its unhandled failures, or chosen tasks, and all after them are pending again (LANGUAGE, "Edges")."""

from __future__ import annotations

from collections.abc import Collection

from engine.core import cancel, gates, reopen
from engine.core.commands import TellScope
from engine.core.events import RetryRequested, ScopeStirred, to_json
from engine.core.failures import heard, unhandled
from engine.core.flow import consider_all
from engine.core.keys import ROOT, owner, parent_scope, split_path
from engine.core.outcomes import CANCELLED, SKIPPED, is_positive
from engine.core.reopen import Chosen
from engine.core.state import ACTIVE, CarriedRun, ScopeState, TaskRun
from engine.core.turn import Turn

_OF_THE_END = (
    "outcome",
    "outputs",
    "error",
    "failures",
    "finished_at",
    "cancel",
    "exit",
    "undo",
    "undone",
    "not_undone",
    "done",
    "timers",
    "idle",
)
"""What a scope has only because it has ended."""


def retry(turn: Turn, event: RetryRequested) -> bool:
    """Reopen a settled scope. Tasks to be run anew lose their outcome; those with failed scopes have these reopened.

    Below the root there may be nothing to do: then the scope settles again, for its task waits for it.
    """
    chosen = [found for path in event.tasks if (found := Chosen.of(path)).task in turn.runs]
    if turn.context.scope == ROOT and not chosen and (event.tasks or not _can_be_retried(turn)):
        return False
    if event.round and (event.round == turn.state.get("round") or not _is_awaited(turn, event.round)):
        return False
    if not gates.reenter_instance(turn, event):
        return True
    chosen = [*chosen, *_stopped(turn)] if chosen else _failed(turn)
    undone = [name for name, run in turn.runs.items() if run.get("undone")]
    first = dict.fromkeys([*(found.task for found in chosen), *undone])
    anew = _after(turn, first)
    _forget_the_end(turn, event)
    for name in [name for name in turn.runs if name in anew or name in first]:
        task, run = turn.list.tasks[name], turn.runs[name]
        below = [found.below for found in chosen if found.task == name and found.below]
        whole = any(found.task == name and not found.below for found in chosen) and is_positive(run["state"])
        if name in anew or (whole and not below) or not reopen.can(task, run):
            _set_back(turn, name, run)
        else:
            reopen.reopen(turn, task, run, event.by, below)
    _stop_if_unwanted(turn)
    consider_all(turn)
    return True


def carried(state: ScopeState) -> dict[str, CarriedRun]:
    """What the runs of a scope that starts anew leave behind."""
    found = dict(state.get("carried", {}))
    found.update((name, _carried(run)) for name, run in state["tasks"].items())
    return found


def _can_be_retried(turn: Turn) -> bool:
    """Whether anything went wrong; if that was in `finally`, it alone runs again."""
    return turn.state.get("outcome") != "succeeded" or any(run.get("undone") for run in turn.runs.values())


def _failed(turn: Turn) -> list[Chosen]:
    """What made the scope end as it did: unhandled failures, an `exit`, and what was stopped over them or by somebody."""
    failures = unhandled(turn.list, turn.runs, turn.context.scope)
    found = [Chosen(split_path(failure["path"])[1], "") for failure in failures] + _stopped(turn)
    if "exit" in turn.state:
        within = turn.state["exit"].get("task", "").removeprefix(turn.context.scope).removeprefix("/")
        found.append(Chosen.of(within))
    return [chosen for chosen in found if chosen.task in turn.runs]


def _stopped(turn: Turn) -> list[Chosen]:
    """What did not come to its end because the scope had to: with the scope reopened it goes on, whatever is retried."""
    return [Chosen(name, "") for name, run in turn.runs.items() if _was_stopped(turn, name, run)]


def _was_stopped(turn: Turn, name: str, run: TaskRun) -> bool:
    """Whether it was stopped and nobody made use of that; one that `cancel_rest` stopped came to its end."""
    if run["state"] != CANCELLED:
        return run.get("skipped", {}).get("cause") == "scope"
    listeners = [turn.list.tasks[follower] for follower in turn.list.followers.get(name, ())]
    return not heard(turn.list, turn.runs, name, CANCELLED) and not any(
        listener.cancel_rest and turn.runs[listener.id]["state"] != SKIPPED for listener in listeners
    )


def _after(turn: Turn, names: Collection[str]) -> set[str]:
    """All that wait for these tasks, directly or not."""
    found: set[str] = set()
    left = list(names)
    while left:
        for follower in turn.list.followers.get(left.pop(), ()):
            if follower not in found:
                found.add(follower)
                left.append(follower)
    return found


def _set_back(turn: Turn, name: str, run: TaskRun) -> None:
    del turn.runs[name]
    turn.state["carried"] = {**turn.state.get("carried", {}), name: _carried(run)}


def _carried(run: TaskRun) -> CarriedRun:
    """Attempt numbers go on; what did its work before is told from a repeat by its generation."""
    generation = run.get("generation", 1) + (1 if is_positive(run["state"]) else 0)
    return {"attempt": run["attempt"], "generation": generation}


def _is_awaited(turn: Turn, round_: int) -> bool:
    """Whether the task above goes on in this round; if it has ended meanwhile, nobody waits for the scope."""
    above = owner(turn.context.scope)
    run = turn.context.outer[0]["tasks"].get(above[1]) if above is not None and turn.context.outer else None
    return run is not None and run["attempt"] == round_ and run["state"] in ACTIVE


def _stop_if_unwanted(turn: Turn) -> None:
    """The task above was told to stop while this scope was told to go on: it has not heard of that."""
    if turn.context.scope == ROOT:
        return
    above, outer = owner(turn.context.scope), turn.context.outer[0]
    run = outer["tasks"].get(above[1]) if above is not None else None
    stopping = outer["status"] == "cancelling" or (run is not None and ("called_off" in run or "by" in run))
    if stopping or (run is not None and run.get("items", {}).get("closed")):
        turn.state["cancel"] = {"by": "retry", "at": turn.at}
        cancel.stop(turn, by="retry")


def _forget_the_end(turn: Turn, event: RetryRequested) -> None:
    """The scope runs; where it was named, the one above learns what it had counted it as."""
    state = turn.state
    above = parent_scope(turn.context.scope)
    if above is not None and event.tasks:
        well = state.get("outcome") == "succeeded" and not state.get("undone")
        stirred = ScopeStirred(scope=turn.context.scope, busy=True, before="succeeded" if well else "failed")
        turn.order(TellScope(scope=above, event=to_json(stirred)))
    for name in _OF_THE_END:
        state.pop(name, None)  # type: ignore[misc] # names of keys that need not be there
    state["status"] = "running"
    state["runs"] = state.get("runs", 0) + 1
    if event.round:
        state["round"] = event.round
    span = turn.definition.timeout if turn.context.scope == ROOT else turn.list.timeout
    if span is not None:
        state["timers"] = {"timeout": turn.at + span}
