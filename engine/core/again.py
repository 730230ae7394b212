"""Retrying what has settled: its unhandled failures, or chosen tasks, and all after them are pending again (LANGUAGE, "Edges")."""

from __future__ import annotations

from collections.abc import Collection

from engine.core import cancel, gates, reopen
from engine.core.chosen import after, before_the_exit, exited, failed, needed, stopped
from engine.core.commands import TellScope
from engine.core.events import RetryRequested, ScopeStirred, to_json
from engine.core.flow import consider, consider_all, flow
from engine.core.keys import ROOT, owner, parent_scope
from engine.core.outcomes import CANCELLED, is_positive
from engine.core.reopen import Chosen
from engine.core.state import ACTIVE, CarriedRun, PutOff, ScopeState, TaskRun
from engine.core.turn import Turn

_OF_THE_END = (
    "outcome",
    "outputs",
    "error",
    "failures",
    "finished_at",
    "cancel",
    "exit",
    "put_off",
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
    put_off = None if chosen else _put_off(turn, event.by)
    named = {found.task for found in chosen}
    chosen = [*chosen, *stopped(turn)] if chosen else failed(turn)
    _forget_the_end(turn, event)
    if put_off is None:
        _run_again(turn, chosen, event.by, named=named)
    else:
        turn.state["put_off"] = put_off
        _run_first(turn, chosen, event.by, put_off["tasks"])
    _stop_if_unwanted(turn)
    _consider(turn)
    return True


def go_on(turn: Turn) -> None:
    """What had failed before an `exit` has ended well now: the `exit` decides anew, and unless it does, all the rest goes on."""
    put_off = turn.state.get("put_off")
    if put_off is None or turn.state["status"] != "running":
        return
    if any(run["state"] in ACTIVE for run in turn.runs.values()):
        return
    chosen = failed(turn)
    del turn.state["put_off"]
    _run_again(turn, chosen, put_off["by"], done=put_off["tasks"])
    _consider(turn)
    flow(turn)


def carried(state: ScopeState) -> dict[str, CarriedRun]:
    """What the runs of a scope that starts anew leave behind."""
    found = dict(state.get("carried", {}))
    found.update((name, _carried(run)) for name, run in state["tasks"].items())
    return found


def _can_be_retried(turn: Turn) -> bool:
    """Whether anything went wrong; if that was in `finally`, it alone runs again."""
    return turn.state.get("outcome") != "succeeded" or any(run.get("undone") for run in turn.runs.values())


def _put_off(turn: Turn, by: str) -> PutOff | None:
    """What is to wait for the failures that an `exit` came after: run with them it would call them off, over nothing new."""
    ended = exited(turn)
    first = [name for name in before_the_exit(turn) if name not in {chosen.task for chosen in ended}] if ended else []
    if not first:
        return None
    found = turn.state.get("exit") or turn.state["put_off"]["exit"]
    return {"by": by, "tasks": first, "exit": found}


def _run_first(turn: Turn, chosen: Collection[Chosen], by: str, first: Collection[str]) -> None:
    """Only these failures, and what was undone that they need. What the `exit` stopped stays so, and is no failure."""
    waiting = {found.task for found in (*stopped(turn), *exited(turn))} - set(first)
    _run_again(turn, chosen, by, within={*first, *(needed(turn, first) - waiting)})
    for name in waiting:
        if turn.runs[name]["state"] == CANCELLED:
            run = turn.runs[name].copy()
            run["called_off"] = True
            turn.put(name, run)


def _run_again(
    turn: Turn,
    chosen: Collection[Chosen],
    by: str,
    *,
    named: Collection[str] = (),
    within: Collection[str] | None = None,
    done: Collection[str] = (),
) -> None:
    """Set back or reopen these, what was undone, and all that waits for them or for what is `done`; `within`: only of those.

    Of what is `named`, or was undone, no earlier result is taken.
    """
    undone = [name for name, run in turn.runs.items() if run.get("undone")]
    first = dict.fromkeys([*(found.task for found in chosen), *undone])
    anew = after(turn, [*first, *done]).difference(done)
    for name in [name for name in turn.runs if name in anew or name in first]:
        if within is not None and name not in within:
            continue
        task, run = turn.list.tasks[name], turn.runs[name]
        below = [found.below for found in chosen if found.task == name and found.below]
        whole = any(found.task == name and not found.below for found in chosen) and is_positive(run["state"])
        if name in anew or (whole and not below) or not reopen.can(task, run):
            _set_back(turn, name, run, afresh=task.keeps and (name in named or name in undone))
        else:
            reopen.reopen(turn, task, run, by, below)


def _consider(turn: Turn) -> None:
    """Begin what can begin; an `exit` before anything that it would call off."""
    for name, task in turn.list.tasks.items():
        if task.kind == "exit" and name not in turn.runs:
            consider(turn, task)
    consider_all(turn)


def _set_back(turn: Turn, name: str, run: TaskRun, *, afresh: bool) -> None:
    carried = _carried(run)
    if afresh:
        carried["afresh"] = True
    del turn.runs[name]
    turn.state["carried"] = {**turn.state.get("carried", {}), name: carried}


def _carried(run: TaskRun) -> CarriedRun:
    """Attempt numbers go on; what did its work before is told from a repeat by its generation."""
    generation = run.get("generation", 1) + (1 if is_positive(run["state"]) else 0)
    carried: CarriedRun = {"attempt": run["attempt"], "generation": generation}
    if "afresh" in run:
        carried["afresh"] = True
    return carried


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
