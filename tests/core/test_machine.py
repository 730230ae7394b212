"""Random workflows under random events, doubled, late, lost and out of order: the promises hold, and every instance ends."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from engine.core.commands import AskApprovers, CancelTask, MatchEvent
from engine.core.events import (
    EVENTS,
    ApproversAsked,
    AskingFailed,
    AttemptAlive,
    AttemptLost,
    AttemptUnclaimed,
    CancelRequested,
    DecisionMade,
    EventReceived,
    EventsLookedAt,
    PauseRequested,
    ResumeRequested,
    ScopeSettled,
    ScopeStarted,
    TaskCancelled,
    TaskFailed,
    TaskResolved,
    TaskStarted,
    TaskSucceeded,
    TimersDue,
)
from engine.core.keys import FINALLY, ROOT, split_path
from engine.core.model import Definition, Retry
from engine.core.outcomes import DONE, possible
from tests.core.build import cel, define, mapping, task
from tests.core.world import INTERNAL, World

KINDS = ("http", "http", "http", "http", "values", "wait", "approval", "event")
PARAMS: dict[str, list[dict[str, Any]]] = {
    "http": [{"url": "x"}],
    "values": [{}, {"a": 1}],
    "wait": [{"for": 0}, {"for": 30_000}, {"for": "soon"}],
    "event": [{"type": "paid"}, {"type": "paid", "timeout": 60_000}, {"type": ""}],
    "approval": [{"message": "?"}, {"message": "?", "require": 2, "expires": 60_000}, {"require": 0}],
}
READS = {
    f"t{n}": mapping(n=cel(f"tasks.t{n}.outputs.?n.orValue(0)"), how=cel(f"tasks.t{n}.?outcome.orValue('')"))
    for n in range(7)
}
CONDITIONS = [None] * 6 + [cel("inputs.service == 'billing'"), cel("inputs.service == ''"), cel("inputs.nope")]
ERROR = {"kind": "exit", "message": "status 1"}
OWN = {kind.type for kind in INTERNAL} - {"ScopeStarted", "ScopeSettled"}
OWN |= {"ExitRequested", "RetryRequested", "PauseRequested", "ResumeRequested"}
"""Events that the engine alone makes, or that go to the root of an instance alone."""
SPANS = st.none() | st.integers(1, 120_000)


@st.composite
def task_lists(draw: Any, most: int) -> tuple[Any, ...]:
    entries: list[Any] = []
    kinds: dict[str, str] = {}
    for number in range(draw(st.integers(0, most))):
        kind = draw(st.sampled_from(KINDS))
        edges = (
            st.sampled_from([f"{name}.{label}" for name in kinds for label in (*possible(kinds[name]), DONE)])
            if kinds
            else st.nothing()
        )
        needs = draw(st.lists(edges, max_size=3, unique=True)) if kinds else []
        retry = Retry(
            max_attempts=draw(st.integers(1, 3)),
            delay=draw(st.sampled_from([0, 1_000, 40_000])),
            condition=draw(st.sampled_from([None, None, cel("error.kind == 'exit'"), cel("error.nope")])),
        )
        params = [*PARAMS[kind], *(READS[name] for name in kinds if kind in ("http", "values"))]
        entries.append(
            task(
                f"t{number}",
                " ".join(needs),
                kind=kind,
                join=draw(st.sampled_from(["all", "all", "any", "merge", "at_least"])),
                n=draw(st.integers(1, 3)),
                condition=draw(st.sampled_from(CONDITIONS)),
                params=draw(st.sampled_from(params)),
                retry=retry,
                timeout=draw(SPANS),
                deadline=draw(SPANS),
            )
        )
        kinds[f"t{number}"] = kind
    return tuple(entries)


@st.composite
def definitions(draw: Any) -> Definition:
    return define(*draw(task_lists(most=7)), finally_=draw(task_lists(most=2)), timeout=draw(SPANS))


class Machine(RuleBasedStateMachine):
    world: World

    @initialize(definition=definitions())
    def begin(self, definition: Definition) -> None:
        self.world = World(definition)
        self.world.take(ROOT, ScopeStarted(at=self.world.now))

    @precondition(lambda self: self.world.sent)
    @rule(
        data=st.data(),
        event=st.sampled_from([TaskSucceeded, TaskSucceeded, TaskFailed, TaskStarted, TaskCancelled, AttemptLost]),
    )
    def a_worker_answers(self, data: Any, event: Any) -> None:
        """Anything that was ever asked for, perhaps long since answered."""
        command = data.draw(st.sampled_from(self.world.sent[-6:] or self.world.sent))
        scope, name = split_path(command.path)
        if isinstance(command, AskApprovers):
            event = data.draw(st.sampled_from([ApproversAsked, AskingFailed, DecisionMade]))
        if isinstance(command, MatchEvent):
            event = data.draw(st.sampled_from([EventReceived, EventReceived, EventsLookedAt]))
        if isinstance(command, CancelTask):
            event = TaskCancelled
        self.world.take(scope, self._event(event, name, command.attempt, data))

    @rule(
        data=st.data(),
        scope=st.sampled_from([ROOT, FINALLY]),
        event=st.sampled_from(sorted(set(EVENTS) - OWN)),
        attempt=st.integers(0, 4),
    )
    def noise(self, data: Any, scope: str, event: str, attempt: int) -> None:
        """Any event for any task, whether it makes sense or not; only the engine itself opens and settles scopes, or cancels often."""
        kind = EVENTS[event]
        if kind is ScopeStarted and scope not in self.world.scopes:
            return
        if kind is CancelRequested or (kind is ScopeSettled and self.world.scopes[ROOT]["status"] == "finally"):
            return
        name = data.draw(st.sampled_from(["nobody", "t0", "t1", "t2", "t3", "t4", "t5"]))
        self.world.take(scope, self._event(kind, name, attempt, data))

    @rule(span=st.sampled_from([1, 500, 5_000, 20_000, 60_000, 900_000]), scope=st.sampled_from([ROOT, FINALLY]))
    def time_passes(self, span: int, scope: str) -> None:
        self.world.now += span
        self.world.take(scope, TimersDue(at=self.world.now))

    @rule(data=st.data(), scope=st.sampled_from([ROOT, FINALLY]))
    def the_scheduler_looks_at_leases(self, data: Any, scope: str) -> None:
        state = self.world.scopes.get(scope)
        for name, run in list(state["tasks"].items()) if state else []:
            if run.get("timers", {}).get("check", self.world.now + 1) <= self.world.now:
                verdicts = (
                    [AttemptAlive, AttemptLost] if run["state"] == "running" else [AttemptAlive, AttemptUnclaimed]
                )
                self.world.take(scope, self._event(data.draw(st.sampled_from(verdicts)), name, run["attempt"], data))

    @precondition(lambda self: len(self.world.history) > 5)
    @rule(scope=st.sampled_from([ROOT, ROOT, FINALLY]), often=st.integers(0, 3))
    def somebody_cancels(self, scope: str, often: int) -> None:
        if not often:
            self.world.take(scope, CancelRequested(by="ana", at=self.world.now))

    @rule()
    def somebody_pauses(self) -> None:
        self.world.take(ROOT, PauseRequested(by="ana", at=self.world.now))

    @rule()
    def somebody_resumes(self) -> None:
        self.world.take(ROOT, ResumeRequested(by="ana", at=self.world.now))

    def teardown(self) -> None:
        if hasattr(self, "world"):
            self.world.take(ROOT, ResumeRequested(by="ana", at=self.world.now))
            self.world.finish()

    def _event(self, kind: Any, name: str, attempt: int, data: Any) -> Any:
        """An event of this kind with its fields, as far as it has them."""
        fields: dict[str, Any] = {
            "task": name,
            "attempt": attempt,
            "error": ERROR,
            "message": "no route",
            "by": "ana",
            "scope": FINALLY,
            "outcome": "succeeded",
            "hit": False,
            "answer": "granted",
            "due": 0,
            "child": "i2",
            "event": {"id": "e1"},
            "state": "succeeded",
            "path": "t0",
        }
        if kind is DecisionMade:
            fields["person"] = data.draw(st.sampled_from(["ana", "ben", "eva"]))
            fields["decision"] = data.draw(st.sampled_from(["approved", "approved", "rejected"]))
        if kind is TaskResolved:
            fields["resolution"] = data.draw(st.sampled_from(["succeeded", "failed", "cancelled"]))
        if kind is EventReceived:
            fields["taken"] = data.draw(st.booleans())
        if kind is TaskSucceeded:
            fields["outputs"] = {"n": attempt}
        return kind(
            at=self.world.now, **{key: value for key, value in fields.items() if key in kind.__dataclass_fields__}
        )


TestMachine = pytest.mark.timeout(1_200)(Machine.TestCase)  # the long profile takes minutes
TestMachine.settings = settings(stateful_step_count=30)
