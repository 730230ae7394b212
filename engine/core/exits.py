"""Ending a scope from within: the kind `exit`, and `fail_fast`."""

from __future__ import annotations

from typing import Literal, get_args

from engine.core import cancel
from engine.core.commands import TellScope
from engine.core.events import CancelRequested, ExitRequested, to_json
from engine.core.failures import unhandled
from engine.core.keys import FINALLY, ROOT, scopes_around
from engine.core.model import Task
from engine.core.outcomes import SUCCEEDED
from engine.core.state import TaskRun
from engine.core.turn import Turn
from engine.core.values import Json

Ending = Literal["succeeded", "failed", "cancelled"]
_ENDINGS: tuple[Ending, ...] = get_args(Ending)


def leave(turn: Turn, task: Task, run: TaskRun, ending: Json, *, whole: bool) -> None:
    """The `exit` task has done what it is for; its scope ends, or that of the whole instance. Raises ValueError.

    That the instance has failed is told there; here it is a cancellation, as it is for the scopes between.
    """
    if ending not in _ENDINGS:
        raise ValueError(f"exit takes a `state`: one of {', '.join(_ENDINGS)}")
    path = turn.path(task.id)
    turn.end(task.id, run, SUCCEEDED)
    here = turn.context.scope
    if whole and here not in (ROOT, FINALLY) and not here.startswith(f"{FINALLY}/"):
        turn.order(TellScope(scope=ROOT, event=to_json(ExitRequested(state=ending, path=path))))
        for between in [*scopes_around(here)][-2::-1]:  # before they hear of the end of this one, and go on
            turn.order(TellScope(scope=between, event=to_json(CancelRequested(by="exit"))))
        ending = "cancelled" if ending == "failed" else ending
    _end(turn, ending, path)


def requested(turn: Turn, event: ExitRequested) -> bool:
    """A task of a scope below wants the instance to end."""
    if turn.state["status"] != "running":
        return False
    _end(turn, event.state, event.path)
    return True


def fail_fast(turn: Turn) -> None:
    """What nobody will handle ends the scope at once where it says so."""
    wanted = turn.list.fail_fast and turn.state["status"] == "running"
    if wanted and unhandled(turn.list, turn.runs, turn.context.scope):
        cancel.stop(turn, by="fail_fast", own=True)


def _end(turn: Turn, ending: Ending, path: str) -> None:
    if turn.state["status"] == "running":
        turn.state["exit"] = {"state": ending, "task": path}
        cancel.stop(turn, by="exit", own=True)
