"""What a retry is for, told from how the tasks of a settled scope ended."""

from __future__ import annotations

from collections.abc import Collection

from engine.core.failures import heard, unhandled
from engine.core.keys import split_path
from engine.core.outcomes import CANCELLED, SKIPPED
from engine.core.reopen import Chosen
from engine.core.state import TaskRun
from engine.core.turn import Turn


def failed(turn: Turn) -> list[Chosen]:
    """What made the scope end as it did: unhandled failures, an `exit`, and what was stopped over them or by somebody."""
    failures = [split_path(failure["path"])[1] for failure in unhandled(turn.list, turn.runs, turn.context.scope)]
    exits = [chosen for chosen in exited(turn) if chosen.task not in failures]  # one within a failure is tried there
    found = [*(Chosen(name, "") for name in failures), *stopped(turn), *exits]
    return [chosen for chosen in found if chosen.task in turn.runs]


def exited(turn: Turn) -> list[Chosen]:
    """The `exit` that ended the scope, or was put off when it was retried last."""
    ended = turn.state.get("exit") or turn.state.get("put_off", {}).get("exit")
    if ended is None:
        return []
    return [Chosen.of(ended.get("task", "").removeprefix(turn.context.scope).removeprefix("/"))]


def before_the_exit(turn: Turn) -> list[str]:
    """Tasks whose failure the `exit` that ended the scope could not hide: they had failed by then, or in a retry since."""
    known = {failure["path"] for failure in turn.state.get("failures", [])}
    known.update(turn.path(name) for name in turn.state.get("put_off", {}).get("tasks", ()))
    failures = unhandled(turn.list, turn.runs, turn.context.scope)
    return [split_path(failure["path"])[1] for failure in failures if failure["path"] in known]


def stopped(turn: Turn) -> list[Chosen]:
    """What did not come to its end because the scope had to: with the scope reopened it goes on, whatever is retried."""
    return [Chosen(name, "") for name, run in turn.runs.items() if _was_stopped(turn, name, run)]


def after(turn: Turn, names: Collection[str]) -> set[str]:
    """All that wait for these tasks, directly or not."""
    found: set[str] = set()
    left = list(names)
    while left:
        for follower in turn.list.followers.get(left.pop(), ()):
            if follower not in found:
                found.add(follower)
                left.append(follower)
    return found


def needed(turn: Turn, names: Collection[str]) -> set[str]:
    """All that these tasks wait for, directly or not."""
    found: set[str] = set()
    left = list(names)
    while left:
        for edge in turn.list.tasks[left.pop()].edges:
            if edge.source not in found:
                found.add(edge.source)
                left.append(edge.source)
    return found


def _was_stopped(turn: Turn, name: str, run: TaskRun) -> bool:
    """Whether it was stopped and nobody made use of that; one that `cancel_rest` stopped came to its end."""
    if run["state"] != CANCELLED:
        return run.get("skipped", {}).get("cause") == "scope"
    listeners = [turn.list.tasks[follower] for follower in turn.list.followers.get(name, ())]
    return not heard(turn.list, turn.runs, name, CANCELLED) and not any(
        listener.cancel_rest and turn.runs[listener.id]["state"] != SKIPPED for listener in listeners
    )
