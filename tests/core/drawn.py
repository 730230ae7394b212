"""Random workflows of tasks within tasks, for the tests that hold the core to its promises on any of them."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from engine.core.model import Definition, Retry, Task, TaskList
from engine.core.outcomes import DONE, possible
from tests.core.build import alone, cel, define, each, group, loop, task, tasks

Entry = tuple[Task, str]
BODIES = ("group", "for_each", "repeat")
LEAVES = ("http", "http", "http", "http", "values", "approval", "switch", "fail")
TRUTHS = {True: cel("true"), False: cel("false")}
SMALL_WINDOW = 2
"""Child scopes of one transaction, so that a few are too many."""
IF = (None, None, None, None, TRUTHS[True], TRUTHS[False])
CASES = ((("a", TRUTHS[True]), ("b", None)), (("a", TRUTHS[False]), ("b", None)), (("a", TRUTHS[False]),))


@st.composite
def lists(draw: Any, *, most: int, deep: int, chain: bool, last: bool = False) -> TaskList:
    """A task list. In a `chain` each task waits for the one before, so that nothing depends on who is faster.

    Only a chain has `exit`, `fail_fast` and loops that end before all their items have run.
    """
    entries: list[Entry] = []
    for number in range(draw(st.integers(0 if last else 1, most))):
        name = f"t{number}"
        kinds = LEAVES + (BODIES * 2 if deep else ()) + (("exit",) if chain else ())
        kind = draw(st.sampled_from(kinds))
        keys: dict[str, Any] = {
            "condition": draw(st.sampled_from(IF)),
            "continue_on_error": draw(st.sampled_from([False, False, True])),
            **(draw(_joins(entries)) if not chain else {}),
        }
        needs = draw(_chained(entries) if chain else _needs(entries))
        if chain and " " in needs:
            keys["join"] = "merge"
        if kind not in ("switch", "fail", "exit") and draw(st.booleans()):
            keys["compensate"] = alone(task("", kind="http", retry=draw(_retries())))
        make = (
            _body(name, needs, kind=kind, deep=deep, chain=chain, keys=keys)
            if kind in BODIES
            else _leaf(name, needs, kind, keys)
        )
        entries.append(draw(make))
    made = tasks(*entries)
    return TaskList(tasks=made.tasks, followers=made.followers, fail_fast=chain and draw(st.booleans()))


@st.composite
def workflows(draw: Any, *, chain: bool, most: int = 5, deep: int = 3) -> Definition:
    """A whole definition."""
    entries = define()
    made = draw(lists(most=most, deep=deep, chain=chain))
    finally_ = draw(lists(most=2, deep=min(deep, 1), chain=chain, last=True))
    return Definition(name=entries.name, tasks=made, finally_=finally_)


def _retries() -> st.SearchStrategy[Retry]:
    return st.builds(Retry, max_attempts=st.integers(1, 2), delay=st.just(0))


@st.composite
def _leaf(draw: Any, name: str, needs: str, kind: str, keys: dict[str, Any]) -> Entry:
    given: dict[str, Any] = dict(keys)
    if kind == "switch":
        given["cases"] = draw(st.sampled_from(CASES))
    elif kind == "http":
        given["retry"] = draw(_retries())
    params = {
        "http": {"url": "x"},
        "approval": {"message": "?"},
        "fail": {"message": "no"},
        "exit": {
            "state": draw(st.sampled_from(["succeeded", "failed", "cancelled"])),
            "scope": draw(st.sampled_from(["own", "instance"])),
        },
    }
    return task(name, needs, kind=kind, params=params.get(kind, {}), **given)


@st.composite
def _body(draw: Any, name: str, needs: str, *, kind: str, deep: int, chain: bool, keys: dict[str, Any]) -> Entry:
    if kind == "group":
        return group(name, needs, body=draw(lists(most=3, deep=deep - 1, chain=chain)), **keys)
    single = draw(st.booleans())
    compensate = keys.pop("compensate", None) if single else None  # it belongs to the leaf then
    if single:
        kinds = ("http", "http", "values", "approval", "fail")
        leaf = draw(_leaf("x", "", draw(st.sampled_from(kinds)), {"compensate": compensate}))
        body = alone(leaf)
    else:
        body = draw(lists(most=3, deep=deep - 1, chain=chain))
    if kind == "repeat" or draw(st.integers(0, 3)) == 0:
        inner = draw(
            _loop(
                "" if kind == "for_each" else name,
                "" if kind == "for_each" else needs,
                body,
                {} if kind == "for_each" else keys,
            )
        )
        if kind == "repeat":
            return inner
        body = TaskList(tasks={"": inner[0]})
    items = list(range(draw(st.integers(0, 3))))
    spec: dict[str, Any] = {"max_parallel": 1 if chain else draw(st.sampled_from([None, 1, 2]))}
    if chain:
        spec["fail_fast"] = draw(st.booleans())
    if (chain or (spec["max_parallel"] is None and len(items) <= SMALL_WINDOW)) and draw(st.booleans()):
        spec["enough"] = draw(st.integers(1, 3))
        spec["rest"] = "cancel" if chain else "run_on"
    return each(name, needs, body=body, items=items, spec=spec, **keys)


@st.composite
def _loop(draw: Any, name: str, needs: str, body: TaskList, keys: dict[str, Any]) -> Entry:
    until = draw(st.sampled_from([None, "iteration == 1", "iteration == 2"]))
    condition = draw(st.sampled_from([None, "index < 0", "index < 2"]))
    bounded = TaskList(
        tasks=body.tasks,
        followers=body.followers,
        fail_fast=body.fail_fast,
        until=None if until is None else cel(until),
    )
    bound = None if condition is None else cel(condition)
    return loop(name, needs, body=bounded, most=draw(st.integers(1, 2)), while_=bound, **keys)


@st.composite
def _joins(draw: Any, entries: list[Entry]) -> dict[str, Any]:
    return {"join": draw(st.sampled_from(["all", "all", "any", "merge", "at_least"])), "n": draw(st.integers(1, 2))}


@st.composite
def _needs(draw: Any, entries: list[Entry]) -> str:
    if not entries:
        return ""
    return " ".join(draw(st.lists(st.sampled_from(_edges(entries)), max_size=3, unique=True)))


@st.composite
def _chained(draw: Any, entries: list[Entry]) -> str:
    """One edge to the task before, or with `merge` also others, so that the join is decided when that has ended."""
    if not entries:
        return ""
    before = draw(st.sampled_from(_edges(entries[-1:])))
    if draw(st.booleans()):
        return str(before)
    others = draw(st.lists(st.sampled_from(_edges(entries)), max_size=2, unique=True))
    return " ".join(dict.fromkeys([f"{entries[-1][0].id}.{DONE}", before, *others]))


def _edges(entries: list[Entry]) -> list[str]:
    found = []
    for entry, _ in entries:
        cases = [case for case, _ in entry.cases]
        found += [f"{entry.id}.{label}" for label in (*possible(entry.kind, cases), DONE)]
        if entry.kind != "switch":
            found.append(entry.id)
    return found
