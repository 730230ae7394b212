"""Random workflows with every key that bears on how scopes come to their end, right or wrong."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from engine.core.model import Definition, Retry, Task, TaskList
from engine.core.outcomes import DONE, possible
from tests.core.build import alone, cel, each, group, loop, mapping, task, tasks

Entry = tuple[Task, str]
BODIES = ("group", "for_each", "repeat")
KINDS = ("http", "http", "http", "http", "values", "wait", "approval", "event", "switch", "fail", "exit", *BODIES * 2)
PARAMS: dict[str, list[dict[str, Any]]] = {
    "http": [{"url": "x"}],
    "values": [{}, {"a": 1}],
    "wait": [{"for": 0}, {"for": 30_000}, {"for": "soon"}],
    "approval": [{"message": "?"}, {"message": "?", "require": 2, "expires": 60_000}, {"require": 0}],
    "event": [{"type": "x"}, {"type": "x", "timeout": 60_000}],
    "fail": [{"message": "no"}, {}],
    "exit": [
        {"state": state, "scope": scope}
        for state in ("succeeded", "failed", "cancelled")
        for scope in ("own", "instance")
    ],
}
READS = {
    f"t{n}": mapping(n=cel(f"tasks.t{n}.outputs.?n.orValue(0)"), how=cel(f"tasks.t{n}.?outcome.orValue('')"))
    for n in range(7)
}
CONDITIONS = [None] * 12 + [cel("inputs.service == 'billing'"), cel("inputs.service == ''"), cel("inputs.nope")]
CASES = [
    (("a", cel("inputs.service == 'billing'")),),
    (("a", cel("inputs.service == ''")), ("b", None)),
    (("a", cel("inputs.nope")), ("b", None)),
]
ITEMS = [[0, 1, 2], [0], [], [0, 1, 2, 3, 4], {"a": 1, "b": 2}, [0, 1, 2], 7]
SPANS = st.integers(0, 5).flatmap(lambda drawn: st.none() if drawn else st.integers(1, 120_000))
RARELY = st.integers(0, 4).map(lambda drawn: drawn == 0)


@st.composite
def definitions(draw: Any) -> Definition:
    """A whole definition, at most three deep."""
    made, last = draw(lists(least=1, most=6, deep=3)), draw(lists(least=0, most=2, deep=1))
    return Definition(name="w", tasks=made, finally_=last, timeout=draw(SPANS))


@st.composite
def lists(draw: Any, *, least: int = 1, most: int, deep: int, timeout: bool = False) -> TaskList:
    """A task list; `timeout` says that it may have one of its own."""
    entries: list[Entry] = []
    for number in range(draw(st.integers(least, most))):
        kind = draw(st.sampled_from(KINDS if deep else KINDS[: -2 * len(BODIES)]))
        keys = _of_any(draw, entries)
        if kind in BODIES:
            entries.append(_body(draw, f"t{number}", kind, deep, keys))
        else:
            entries.append(_leaf(draw, f"t{number}", kind, keys, [entry.id for entry, _ in entries]))
    made = tasks(*entries)
    return TaskList(
        tasks=made.tasks,
        followers=made.followers,
        fail_fast=draw(RARELY),
        timeout=draw(SPANS) if timeout else None,
        outputs=draw(st.sampled_from([None, None, mapping(n=cel("1 / 0"))])) if timeout and draw(RARELY) else None,
    )


def _of_any(draw: Any, entries: list[Entry]) -> dict[str, Any]:
    """The keys that every kind of task has, `needs` among them."""
    labels = [
        f"{entry.id}.{label}"
        for entry, _ in entries
        for label in (*possible(entry.kind, [case for case, _ in entry.cases]), DONE)
    ]
    plain = [entry.id for entry, _ in entries if entry.kind != "switch"]
    edges = st.sampled_from([*labels, *plain * 2]) if labels else st.nothing()
    return {
        "needs": " ".join(draw(st.lists(edges, max_size=3, unique=True))) if labels else "",
        "join": draw(st.sampled_from(["all", "all", "any", "merge", "at_least"])),
        "n": draw(st.integers(1, 3)),
        "cancel_rest": draw(RARELY),
        "condition": draw(st.sampled_from(CONDITIONS)),
        "continue_on_error": draw(RARELY),
        "deadline": draw(SPANS),
        "compensate": alone(_undoing(draw)) if draw(RARELY) else None,
    }


def _retry(draw: Any) -> Retry:
    return Retry(
        max_attempts=draw(st.integers(1, 3)),
        delay=draw(st.sampled_from([0, 1_000, 40_000])),
        condition=draw(st.sampled_from([None, None, cel("error.kind == 'exit'"), cel("error.nope")])),
    )


def _undoing(draw: Any) -> Entry:
    return task("", kind=draw(st.sampled_from(["http", "http", "values"])), params={"url": "x"}, retry=_retry(draw))


def _leaf(draw: Any, name: str, kind: str, keys: dict[str, Any], others: list[str]) -> Entry:
    if kind == "switch":
        return task(name, kind=kind, cases=draw(st.sampled_from(CASES)), **keys)
    params = [*PARAMS[kind], *(READS[other] for other in others if kind in ("http", "values"))]
    retry = _retry(draw) if kind not in ("fail", "exit") else Retry()
    return task(name, kind=kind, params=draw(st.sampled_from(params)), retry=retry, timeout=draw(SPANS), **keys)


def _body(draw: Any, name: str, kind: str, deep: int, keys: dict[str, Any]) -> Entry:
    if kind == "group":
        return group(name, body=draw(lists(most=3, deep=deep - 1, timeout=True)), **keys)
    if draw(st.booleans()):
        leaf = {"compensate": keys.pop("compensate")}
        body = alone(_leaf(draw, "", draw(st.sampled_from(["http", "values", "approval", "wait", "fail"])), leaf, []))
    else:
        body = draw(lists(most=2, deep=deep - 1, timeout=True))
    if kind == "repeat":
        return _loop(draw, name, body, keys)
    if draw(RARELY):
        body = TaskList(tasks={"": _loop(draw, "", body, {})[0]})
    spec = {
        "max_parallel": draw(st.sampled_from([None, 1, 2])),
        "fail_fast": draw(RARELY),
        "enough": draw(st.none() | st.integers(1, 3)),
        "rest": draw(st.sampled_from(["cancel", "run_on"])),
        "collect": draw(st.booleans()),
        "key": draw(st.sampled_from([None] * 7 + [cel("string(index / 4)")])),
    }
    return each(name, body=body, items=draw(st.sampled_from(ITEMS)), spec=spec, **keys)


def _loop(draw: Any, name: str, body: TaskList, keys: dict[str, Any]) -> Entry:
    until = draw(st.sampled_from([None, "iteration == 1", "iteration == 2", "1 / 0 == 1"]))
    bounded = TaskList(
        tasks=body.tasks,
        followers=body.followers,
        fail_fast=body.fail_fast,
        timeout=body.timeout,
        until=None if until is None else cel(until),
    )
    condition = draw(st.sampled_from([None, None, "index < 2", "1 / (2 - iteration) < 9"]))
    return loop(
        name,
        body=bounded,
        most=draw(st.integers(1, 3)),
        while_=None if condition is None else cel(condition),
        delay=draw(st.sampled_from([0, 0, 5_000])),
        **keys,
    )
