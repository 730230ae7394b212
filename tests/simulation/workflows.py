"""Random workflows. Of a steady one the result is the same whatever the timing; a wild one may end in many ways, but ends."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache
from random import Random
from typing import Any

from engine.core.expressions.model import Expression, Literal
from engine.core.model import (
    Concurrency,
    Definition,
    EventTrigger,
    RateLimit,
    Retry,
    ScheduleTrigger,
    Task,
    TaskList,
    WebhookTrigger,
    WorkflowTrigger,
)
from engine.core.outcomes import DONE, possible
from tests.core.build import alone, cel, each, group, loop, mapping, task, tasks

Entry = tuple[Task, str]
BODIES = ("group", "for_each", "repeat")
STEADY = ("work",) * 6 + ("values", "approval", "wait", "switch", "fail", "child", "emit")
WILD = (*STEADY, "work", "work", "event", "exit")
PEOPLE = ("ana", "ben")
HUB, BEGIN, AFTER, CLOCK = "hub", "begin", "after", "clock"
"""A webhook source, a type of event, and the workflows that start after others and by the clock."""


@lru_cache(maxsize=256)
def expression(source: str) -> Expression:
    """Parsed once."""
    return cel(source)


TRUTHS = (None, None, None, None, None, "true", "false")
CASES: tuple[tuple[tuple[str, str | None], ...], ...] = (
    (("a", "true"), ("b", None)),
    (("a", "false"), ("b", None)),
    (("a", "false"),),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Family:
    """What a seed runs: workflows by name, the ones to start, and whether their results can be foretold."""

    definitions: dict[str, Definition]
    steady: bool


def family(random: Random) -> Family:
    """One or two workflows, and one that their tasks start."""
    steady = random.random() < 0.6
    made = {"child": Author(random, steady=steady, parents=False).definition("child", most=2)}
    for name in ("first", "second")[: random.choice((1, 1, 2))]:
        made[name] = Author(random, steady=steady, parents=True).definition(name, most=5)
    made["first"] = replace(made["first"], webhooks=(WebhookTrigger(source=HUB),), events=(EventTrigger(type=BEGIN),))
    if random.random() < 0.3:
        follows = Author(random, steady=steady, parents=False).definition(AFTER, most=1)
        made[AFTER] = replace(follows, workflows=(WorkflowTrigger(name="first", outcome="done"),))
    if random.random() < 0.2:
        ticks = Author(random, steady=steady, parents=False).definition(CLOCK, most=1)
        overlap = random.choice(("skip", "queue", "cancel", "allow"))
        made[CLOCK] = replace(ticks, schedules=(ScheduleTrigger(cron="* * * * *", overlap=overlap),), concurrency=None)
    return Family(definitions=made, steady=steady)


class Author:
    """Writes workflows. `parents`: their tasks may start others."""

    def __init__(self, random: Random, *, steady: bool, parents: bool) -> None:
        self._random = random
        self._steady = steady
        kinds = STEADY if steady else WILD
        self._kinds = kinds if parents else tuple(kind for kind in kinds if kind != "child")

    def definition(self, name: str, *, most: int) -> Definition:
        """A whole one."""
        random = self._random
        made = self._list(most=most, deep=2 if most > 2 else 1)
        last = self._list(most=1, deep=0) if random.random() < 0.2 else TaskList(tasks={})
        seen = {f"t{n}": expression(f"tasks.t{n}.outputs.?n.orValue(0)") for n in range(len(made.tasks))}
        readable = {task: read for task, read in seen.items() if made.tasks[task].kind in ("http", "values")}
        whole = None if self._steady or random.random() < 0.8 else random.choice((5_000, 60_000))
        gate = (
            Concurrency(group=Literal(value=f"all of {name}"), limit=1, when_full=self._full())
            if self._rarely(8)
            else None
        )
        return Definition(
            name=name,
            tasks=made,
            finally_=last,
            outputs=mapping(**readable),
            timeout=whole,
            concurrency=gate,
        )

    def _rarely(self, one_in: int) -> bool:
        return self._random.randrange(one_in) == 0

    def _full(self) -> Any:
        return "queue" if self._steady else self._random.choice(("queue", "queue", "cancel_running", "reject"))

    def _list(self, *, most: int, deep: int) -> TaskList:
        random = self._random
        entries: list[Entry] = []
        for number in range(random.randint(1, most)):
            keys = self._keys(entries)
            if deep and random.random() < 0.25:
                entries.append(self._body(f"t{number}", random.choice(BODIES), deep, keys))
            else:
                entries.append(self._leaf(f"t{number}", random.choice(self._kinds), keys))
        made = tasks(*entries)
        fast = not self._steady and self._rarely(5)
        return replace(made, fail_fast=fast)

    def _keys(self, entries: list[Entry]) -> dict[str, Any]:
        random = self._random
        labels = [f"{entry.id}.{label}" for entry, _ in entries for label in _labels(entry)]
        plain = [entry.id for entry, _ in entries if entry.kind != "switch"] * 6
        edges = random.sample([*plain, *labels], min(random.randrange(3), len(plain) + len(labels)))
        truth = random.choice(TRUTHS)
        keys: dict[str, Any] = {
            "needs": " ".join(dict.fromkeys(edges)),
            "condition": None if truth is None else expression(truth),
            "continue_on_error": self._rarely(4),
            "join": random.choice(("all", "all", "all", "any", "merge", "at_least")),
        }
        if self._rarely(4):
            keys["compensate"] = alone(self._leaf("", "work", {}))
        if not self._steady:
            keys["cancel_rest"] = self._rarely(8)
            keys["deadline"] = random.choice((None,) * 8 + (2_000, 30_000))
        return keys

    def _leaf(self, name: str, kind: str, keys: dict[str, Any]) -> Entry:
        random = self._random
        match kind:
            case "work":
                return self._work(name, keys)
            case "values":
                return task(name, kind=kind, params=mapping(n=Literal(value=random.randrange(9))), **keys)
            case "switch":
                cases = [(case, None if truth is None else expression(truth)) for case, truth in random.choice(CASES)]
                return task(name, kind=kind, cases=tuple(cases), **_without(keys, "compensate"))
            case "child":
                wait = self._steady or not self._rarely(4)
                return task(name, kind="workflow", workflow="child", wait=wait, params={}, **keys)
            case "fail" | "exit":
                keys = _without(keys, "compensate")
        return task(name, kind=kind, params=self._params(kind), **keys)

    def _params(self, kind: str) -> dict[str, Any]:
        random = self._random
        match kind:
            case "approval":
                message, expires = random.choice(("yes", "yes", "yes", "no")), not self._steady and self._rarely(3)
                asked = {"message": message, "approvers": list(PEOPLE), "require": random.choice((1, 2))}
                return {**asked, "expires": 60_000} if expires else asked
            case "emit":
                return {"type": "said", "body": {"n": random.randrange(9)}}
            case "wait":
                return {"for": random.choice((0, 3_000, 30_000, 3_600_000))}
            case "event":
                return {"type": "go", "timeout": random.choice((5_000, 120_000))}
            case "exit":
                state = random.choice(("succeeded", "failed", "cancelled"))
                return {"state": state, "scope": random.choice(("own", "instance"))}
        return {"message": "no"}

    def _work(self, name: str, keys: dict[str, Any]) -> Entry:
        """A task of the simulated kind: its parameters say what becomes of it."""
        random = self._random
        most = random.choice((1, 1, 2, 3))
        does = random.choice(("succeed",) * 6 + ("fail", "flaky", "raise", "large"))
        if does == "flaky":
            does = f"flaky {random.randrange(1, most + (0 if self._steady else 1)) if most > 1 else 0}"
        params = {"does": does, "takes": random.choice((0, 0, 10, 500, 1_500, 4_000)), "n": random.randrange(100)}
        retry = Retry(max_attempts=most, delay=random.choice((0, 1_000, 40_000)))
        if not self._steady:
            keys = {**keys, "timeout": random.choice((None,) * 4 + (1_000, 20_000))}
        if self._rarely(8):
            gate = Concurrency(group=Literal(value="some"), limit=random.choice((1, 2)), when_full=self._full())
            keys = {**keys, "concurrency": gate}
        if self._rarely(12):
            keys = {**keys, "rate_limit": RateLimit(group=Literal(value="pace"), limit=2, per=10_000)}
        return task(name, kind="http", params=params, retry=retry, **keys)

    def _body(self, name: str, kind: str, deep: int, keys: dict[str, Any]) -> Entry:
        random = self._random
        if kind == "group":
            return group(name, body=self._list(most=3, deep=deep - 1), **keys)
        if random.random() < 0.5:
            leaf = {"compensate": keys["compensate"]} if "compensate" in keys else {}
            keys = _without(keys, "compensate")
            body = alone(self._leaf("x", random.choice(("work", "work", "work", "values", "approval")), leaf))
        else:
            body = self._list(most=2, deep=deep - 1)
        if kind == "repeat":
            until = random.choice((None, "iteration == 1", "iteration == 2"))
            bounded = replace(body, until=None if until is None else expression(until))
            return loop(name, body=bounded, most=random.randint(1, 3), delay=random.choice((0, 5_000)), **keys)
        spec: dict[str, Any] = {"max_parallel": random.choice((None, 1, 2))}
        if not self._steady:
            spec |= {"fail_fast": self._rarely(3), "enough": random.choice((None, None, 1, 2))}
            spec["rest"] = random.choice(("cancel", "run_on"))
        return each(name, body=body, items=list(range(random.randrange(5))), spec=spec, **keys)


def _labels(entry: Task) -> tuple[str, ...]:
    return (*possible(entry.kind, [case for case, _ in entry.cases]), DONE)


def _without(keys: dict[str, Any], name: str) -> dict[str, Any]:
    return {key: value for key, value in keys.items() if key != name}
