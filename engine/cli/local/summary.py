"""The end of a run: every task with its outcome, what went wrong with its last words, the outputs, and the verdict last."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from engine.app.read import TaskView
from engine.cli.local import printable
from engine.cli.local.out import Line, cut
from engine.cli.local.progress import Tails
from engine.cli.local.watch import Seen, is_within, rows
from engine.cli.local.words import cause, end, error, outcome, sign, took, why
from engine.core.values import Json
from engine.web.nesting import BAD
from engine.web.states import tone

MOST_TASKS = 200
MOST_FAILURES = 10
MOST_OUTPUT = 2_000
"""Characters of one output that are shown."""
WIDEST_TASK = 48
CONTAINERS = frozenset({"group", "for_each", "repeat", "workflow"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """A task that went wrong. `name` from the run's own tasks down."""

    name: str
    instance: str
    path: str
    outcome: str
    attempt: int
    error: Any


def report(run: Seen, tails: Tails, width: int) -> list[Line]:
    """All of it, the table no wider than so many columns."""
    found = failures(run)
    lines: list[Line] = [(), *(cut(line, width) for line in _table(run))]
    for failure in found[:MOST_FAILURES]:
        lines += [(), *_failure(failure, tails)]
    if len(found) > MOST_FAILURES:
        lines += [(), ((f"and {len(found) - MOST_FAILURES} more tasks went wrong", ""),)]
    outputs = list(_outputs(run.instance.outputs))
    if outputs:
        lines += [(), *outputs]
    reason = cause(run.instance)
    verdict = end(run.instance) + (f": {reason}" if reason else "")
    return [*lines, (), ((f"{sign(run.instance.state)} {verdict}", tone(run.instance.state)),)]


def failures(run: Seen) -> list[Failure]:
    """What made the run fail: the tasks at the bottom of it, those that failed first before those that did afterwards.

    What was handled, and what was only cancelled because of another failure, is not among them.
    """
    if run.instance.state == "succeeded" or not isinstance(run.instance.error, dict):
        return []
    tops = [failure["path"] for failure in run.instance.error.get("failures", []) if failure["outcome"] != "cancelled"]
    found = [
        (view.finished_at or 0, failure)
        for seen in run.all()
        for view in seen.views
        if (failure := _failed(seen, view)) and any(_is_below(failure.name, top) for top in tops)
    ]
    return [failure for _, failure in sorted(found, key=lambda one: one[0])]


def _failed(seen: Seen, view: TaskView) -> Failure | None:
    """A task that went wrong by itself, not because of one that it consists of."""
    if view.state not in BAD or (view.kind in CONTAINERS and _blames_another(seen, view)):
        return None
    return Failure(
        name=seen.name(view.path),
        instance=seen.instance.id,
        path=view.path,
        outcome=view.state,
        attempt=view.attempt,
        error=view.error,
    )


def _blames_another(seen: Seen, view: TaskView) -> bool:
    child = seen.children.get(view.path)
    inner = [*child.views] if child else [each for each in seen.views if is_within(each.scope, frozenset({view.path}))]
    return any(each.state in BAD for each in inner)


def _is_below(name: str, top: str) -> bool:
    return name == top or (name.startswith(top) and name[len(top)] in "/[# ")


def _table(run: Seen) -> Iterator[Line]:
    every = list(rows(run))
    names = [_cut("  " * row.depth + row.view.path, WIDEST_TASK) for row in every]
    width = max((len(name) for name in names), default=0)
    outcomes = max((len(outcome(row.view)) for row in every), default=0)
    for name, row in list(zip(names, every, strict=True))[:MOST_TASKS]:
        view = row.view
        state, spent = outcome(view), took(view)
        attempt = f"attempt {view.attempt}" if view.attempt > 1 else ""
        rest = "  ".join(word for word in (attempt, printable.short(why(view), 160)) if word)
        yield (
            (f"{sign(view.state)} ", tone(view.state)),
            (f"{name:<{width}}  ", ""),
            (f"{state:<{outcomes}}", tone(view.state)),
            (f"  {spent:>9}" + (f"  {rest}" if rest else ""), "calm"),
        )
    if len(every) > MOST_TASKS:
        yield ((f"  and {len(every) - MOST_TASKS} more tasks", ""),)


def _failure(failure: Failure, tails: Tails) -> Iterator[Line]:
    attempt = f" (attempt {failure.attempt})" if failure.attempt > 1 else ""
    what = f": {error(failure.error)}" if failure.error else ""
    yield ((f"{failure.name} {failure.outcome.replace('_', ' ')}{attempt}{what}", "bad"),)
    for each in tails.of(failure.instance, failure.path) or _last_lines(failure.error):
        yield ((f"  | {each}", ""),)


def _last_lines(found: Any) -> Sequence[str]:
    details = found.get("details") if isinstance(found, dict) else None
    lines = details.get("last_lines") if isinstance(details, dict) else None
    return [printable.line(str(each)) for each in lines] if isinstance(lines, list) else []


def _outputs(outputs: Json) -> Iterator[Line]:
    for name, value in outputs.items() if isinstance(outputs, dict) else ():
        text = value if isinstance(value, str) else orjson.dumps(value).decode()
        first, *more = printable.lines(_cut(text, MOST_OUTPUT))
        yield ((f"{name} = ", "bold"), (first, ""))
        for each in more:
            yield ((f"  {each}", ""),)


def _cut(text: str, length: int) -> str:
    return text if len(text) <= length else text[: length - 1] + "…"
