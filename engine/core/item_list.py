"""The items of a `for_each`: worked out from its list whenever they are needed, for the task itself keeps none (law 8)."""

from __future__ import annotations

from typing import NamedTuple

from engine.core.expressions.evaluate import evaluate
from engine.core.expressions.model import Expression
from engine.core.expressions.render import render
from engine.core.keys import KEY
from engine.core.model import Task
from engine.core.names import names_for
from engine.core.products import combinations
from engine.core.state import TaskRun
from engine.core.turn import Turn
from engine.core.values import Json

MOST = 100_000
"""Items of one `for_each`."""
LIST_BYTES = 4 * 1024 * 1024
"""How large the list that an expression gives may be as JSON: it is not kept, only read."""


class Item(NamedTuple):
    """One of them: what tells it from the others in paths, and its value."""

    key: str
    value: Json


def item_list(turn: Turn, task: Task, run: TaskRun) -> list[Item]:
    """Every item, worked out once per process: what it is made from does not change. Raises EvaluationError, ValueError."""
    name = f"items {turn.path(task.id)} {run['attempt']}"
    found: list[Item] | None = turn.context.memo.get(name)
    if found is None:
        found = turn.context.memo[name] = _worked_out(turn, task, run)
    return found


def begun_with(turn: Turn, task: Task, run: TaskRun) -> list[Item]:
    """The items of a task that has begun. Raises as `item_list` does, and if there are not as many any more."""
    found, total = item_list(turn, task, run), run["items"]["total"]
    if len(found) != total:
        raise ValueError(f"`for_each` had {total} items when it began and would have {len(found)} now")
    return found


def _worked_out(turn: Turn, task: Task, run: TaskRun) -> list[Item]:
    if task.for_each is None:
        raise ValueError("a task of kind for_each has items")
    spec = task.for_each
    known = names_for(turn.definition, turn.state, turn.context, task, run)
    given = spec.items
    value = evaluate(given, known, most=LIST_BYTES) if isinstance(given, Expression) else render(given, known)
    values = _values(value, product=spec.product)
    if len(values) > MOST:
        raise ValueError(f"{len(values)} items; at most {MOST} can be run")
    found: list[Item] = []
    seen: set[str] = set()
    for index, value in enumerate(values):
        key = str(index)
        if spec.key is not None:
            named = evaluate(spec.key, {**known, spec.name: value, "index": index})
            key = str(named) if isinstance(named, str) or type(named) is int else ""
            if not KEY.fullmatch(key):
                raise ValueError(f"the key of item {index} must be 1 to 64 of A-Z a-z 0-9 . _ -, not {named!r:.80}")
        if key in seen:
            raise ValueError(f"two items have the key {key!r}")
        seen.add(key)
        found.append(Item(key, value))
    return found


def _values(value: Json, *, product: bool) -> list[Json]:
    if product:
        return combinations(value)
    if isinstance(value, dict):
        return [{"key": key, "value": value[key]} for key in sorted(value)]
    if isinstance(value, list):
        return value
    raise ValueError("`for_each` takes a list or a map")
