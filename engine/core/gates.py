"""What stands between a task that may start and its attempt: an earlier result, a slot of its group, its turn (decision 0010).

Each gate is a question to the database, answered in the same transaction by an event (`engine.core.admission`).
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Literal

import orjson

from engine.core.commands import LookUpCache, ReleaseSlot, TakeSlot, TakeTurn
from engine.core.events import RetryRequested, to_json
from engine.core.expressions.errors import EvaluationError
from engine.core.expressions.model import Template
from engine.core.expressions.reads import refs
from engine.core.expressions.render import render
from engine.core.keys import ROOT, owner
from engine.core.model import Task
from engine.core.names import names, names_for
from engine.core.state import TaskRun
from engine.core.turn import Turn
from engine.core.values import Json

Gate = Literal["cache", "slot", "rate"]

BY = "concurrency"
"""Who cancels what makes room for something newer."""
ASK_AGAIN = 20_000
"""Milliseconds until somebody who waits for a slot asks again, in case the word that he has one was lost; doubled each time."""
ASK_AGAIN_AT_MOST = 160_000
LONGEST = 256
"""Characters of a group's name; of a cache's key its hash is kept beyond that."""


def enter(turn: Turn, task: Task, run: TaskRun, passed: Gate | None = None) -> bool:
    """Whether nothing stands in the way of the attempt; else it goes on when the question asked here is answered.

    `passed` is the last gate that the attempt has gone through. Raises EvaluationError, ValueError.
    """
    if task.cache is None and task.concurrency is None and task.rate_limit is None:
        return True
    return not any(_ASK[gate](turn, task, run) for gate in _BEHIND[passed])


def ask_again(turn: Turn, task: Task, run: TaskRun) -> None:
    """No answer came, or none but that it has to wait."""
    asked = run.copy()
    asked["resends"] = run.get("resends", 0) + 1
    _ASK[run["gate"]](turn, task, asked)


def freed(run: TaskRun) -> TaskRun:
    """The run of an attempt that does not stand at its gate any more."""
    found = run.copy()
    for name in ("gate", "queued_at", "resends"):
        found.pop(name, None)  # type: ignore[misc] # names of keys that need not be there
    found["timers"] = _deadline(run)
    return found


def enter_instance(turn: Turn) -> bool:
    """Whether the instance may start at once; else it is queued. Raises EvaluationError, ValueError."""
    wish = turn.definition.concurrency
    if wish is None or turn.context.scope != ROOT:
        return True
    known = names(turn.definition, turn.state, turn.context, refs(wish.group))
    turn.state["status"] = "queued"
    turn.state["group"] = _group(render(wish.group, known))
    ask_for_instance(turn)
    return False


def reenter_instance(turn: Turn, event: RetryRequested) -> bool:
    """The same for one that had settled: until it has a slot it stays as it is, with what somebody wants of it."""
    if turn.definition.concurrency is None or turn.context.scope != ROOT or "group" in turn.state:
        return True
    turn.state["reopening"] = to_json(event)
    try:
        return enter_instance(turn)
    except (EvaluationError, ValueError):  # of another version: what it waits for cannot be said, so it stays settled
        turn.state["status"] = "settled"
        del turn.state["reopening"]
        return False


def ask_again_for_instance(turn: Turn) -> None:
    """No answer came, or none but that the instance has to wait."""
    turn.state["resends"] = turn.state.get("resends", 0) + 1
    ask_for_instance(turn)


def ask_for_instance(turn: Turn) -> None:
    """Ask for the slot of the instance; again after a pause if nobody says that it has one."""
    wish = turn.definition.concurrency
    if wish is not None:
        turn.state["timers"] = {"slot": turn.at + _pause(turn.state.get("resends", 0))}
        turn.order(
            TakeSlot(
                group=turn.state["group"],
                limit=wish.limit,
                when_full=wish.when_full,
                attempt=instance_attempt(turn),
                whole=True,
            )
        )


def instance_attempt(turn: Turn) -> int:
    """Tells the questions of one life of the instance from those of the next."""
    return turn.state.get("runs", 0) + ("reopening" in turn.state)


def leave_instance(turn: Turn) -> None:
    """The instance is final: its slot, or its place in the queue, is free."""
    if turn.context.scope == ROOT and "group" in turn.state:
        turn.state.pop("resends", None)
        turn.order(ReleaseSlot(group=turn.state.pop("group"), whole=True))


def _cache(turn: Turn, task: Task, run: TaskRun) -> bool:
    """Ask whether an earlier success can be taken; once for all attempts."""
    if task.cache is None or ("cache_key" in run and "gate" not in run):
        return False
    asked = run.copy()
    key = asked["cache_key"] = _key(_rendered(turn, task, run, task.cache.key))
    turn.order(
        LookUpCache(
            task=task.id,
            attempt=run["attempt"],
            path=turn.path(task.id),
            key=key,
            ttl=task.cache.ttl,
            afresh=_is_afresh(turn, run),
        )
    )
    _stand(turn, task, asked, "cache")
    return True


def _is_afresh(turn: Turn, run: TaskRun) -> bool:
    """Whether a retry named the task, or one around it."""
    above = owner(turn.context.scope)
    for outer in turn.context.outer:
        if "afresh" in run or above is None:
            break
        run = outer["tasks"].get(above[1], run)
        above = owner(above[0])
    return "afresh" in run


def _slot(turn: Turn, task: Task, run: TaskRun) -> bool:
    """Ask for a slot; a task that has one from its last attempt keeps it."""
    wish = task.concurrency
    if wish is None:
        return False
    asked = run.copy()
    group = _group(_rendered(turn, task, run, wish.group))
    if run.get("group", group) != group:
        turn.let_go(task.id, asked)
    asked["group"] = group
    turn.order(TakeSlot(group=group, limit=wish.limit, when_full=wish.when_full, task=task.id, attempt=run["attempt"]))
    _stand(turn, task, asked, "slot")
    return True


def _rate(turn: Turn, task: Task, run: TaskRun) -> bool:
    """Ask when it is its turn."""
    bound = task.rate_limit
    if bound is None:
        return False
    group = _group(_rendered(turn, task, run, bound.group))
    turn.order(TakeTurn(group=group, limit=bound.limit, per=bound.per, task=task.id, attempt=run["attempt"]))
    _stand(turn, task, run, "rate")
    return True


def _stand(turn: Turn, task: Task, run: TaskRun, gate: Gate) -> None:
    stands = run.copy()
    stands["state"] = "queued"
    stands["gate"] = gate
    stands["timers"] = {**_deadline(run), "gate": turn.at + _pause(run.get("resends", 0))}
    turn.put(task.id, stands)


def _pause(resends: int) -> int:
    return min(ASK_AGAIN << min(resends, 10), ASK_AGAIN_AT_MOST)


def _rendered(turn: Turn, task: Task, run: TaskRun, template: Template) -> Json:
    return render(template, names_for(turn.definition, turn.state, turn.context, task, run))


def _group(value: Json) -> str:
    """What a group's template gives is its name: a text, or a number or truth value as one writes it."""
    text = value if isinstance(value, str) else orjson.dumps(value).decode()
    if value is None or isinstance(value, list | dict) or not 0 < len(text) <= LONGEST:
        raise ValueError(f"the name of a group must be a text of 1 to {LONGEST} characters")
    return text


def _key(value: Json) -> str:
    """Anything can be a key."""
    text = value if isinstance(value, str) else orjson.dumps(value, option=orjson.OPT_SORT_KEYS).decode()
    return text if len(text) <= LONGEST else f"sha256:{hashlib.sha256(text.encode()).hexdigest()}"


def _deadline(run: TaskRun) -> dict[str, int]:
    timers = run.get("timers")
    return {"deadline": timers["deadline"]} if timers and "deadline" in timers else {}


_ASK: dict[Gate, Callable[[Turn, Task, TaskRun], bool]] = {"cache": _cache, "slot": _slot, "rate": _rate}
_BEHIND: dict[Gate | None, tuple[Gate, ...]] = {
    None: ("cache", "slot", "rate"),
    "cache": ("slot", "rate"),
    "slot": ("rate",),
    "rate": (),
}
"""The gates that are still to be passed."""
