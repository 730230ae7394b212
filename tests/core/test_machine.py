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
    RetryRequested,
    ScopeSettled,
    ScopeStarted,
    TaskCancelled,
    TaskFailed,
    TaskResolved,
    TaskStarted,
    TaskSucceeded,
    TimersDue,
    from_json,
)
from engine.core.keys import FINALLY, ROOT, split_path, task_path
from engine.core.model import Definition
from tests.core.wild import definitions
from tests.core.world import INTERNAL, World

pytestmark = pytest.mark.usefixtures("small_windows")
ERROR = {"kind": "exit", "message": "status 1"}
OWN = {kind.type for kind in INTERNAL} - {"ScopeStarted", "ScopeSettled"}
OWN |= {"ScopeStarted", "ExitRequested", "RetryRequested", "PauseRequested", "ResumeRequested"}
"""Events that the engine alone makes, or that go to the root of an instance alone."""


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

    @rule(data=st.data(), event=st.sampled_from(sorted(set(EVENTS) - OWN)), attempt=st.integers(0, 4))
    def noise(self, data: Any, event: str, attempt: int) -> None:
        """Any event for any task, whether it makes sense or not; only the engine itself opens and settles scopes, or cancels often."""
        kind, scope = EVENTS[event], self._scope(data)
        if kind is CancelRequested or (kind is ScopeSettled and self.world.scopes[ROOT]["status"] == "finally"):
            return
        name = data.draw(st.sampled_from(["nobody", *self.world.definition.task_list(scope).tasks]))
        self.world.take(scope, self._event(kind, name, attempt, data))

    @rule(span=st.sampled_from([1, 500, 5_000, 20_000, 60_000, 900_000]), data=st.data())
    def time_passes(self, span: int, data: Any) -> None:
        self.world.now += span
        self.world.take(self._scope(data), TimersDue(at=self.world.now))

    @rule(data=st.data())
    def the_scheduler_looks_at_leases(self, data: Any) -> None:
        scope = self._scope(data)
        for name, run in list(self.world.scopes[scope]["tasks"].items()):
            if run.get("timers", {}).get("check", self.world.now + 1) <= self.world.now:
                verdicts = (
                    [AttemptAlive, AttemptLost] if run["state"] == "running" else [AttemptAlive, AttemptUnclaimed]
                )
                self.world.take(scope, self._event(data.draw(st.sampled_from(verdicts)), name, run["attempt"], data))

    @precondition(lambda self: self.world.put_off)
    @rule(data=st.data())
    def what_was_put_off_comes_perhaps_late_or_twice(self, data: Any) -> None:
        command = data.draw(st.sampled_from(self.world.put_off[-4:]))
        if command in self.world.later:
            self.world.later.remove(command)
        self.world.take(command.scope, from_json(command.event, self.world.now))

    @precondition(lambda self: self.world.later)
    @rule()
    def what_was_put_off_is_lost(self) -> None:
        self.world.later.pop()

    @precondition(lambda self: len(self.world.history) > 5)
    @rule(data=st.data(), often=st.integers(0, 3))
    def somebody_cancels(self, data: Any, often: int) -> None:
        if not often:
            self.world.take(self._scope(data), CancelRequested(by="ana", at=self.world.now))

    @precondition(lambda self: self.world.over)
    @rule(data=st.data(), often=st.integers(0, 1))
    def somebody_retries(self, data: Any, often: int) -> None:
        named = []
        if not often:
            paths = [
                task_path(scope, name)
                for scope, state in self.world.scopes.items()
                if scope.partition("/")[0] != FINALLY and not scope.endswith("/compensate")
                for name in state["tasks"]
            ]
            named = data.draw(st.lists(st.sampled_from(paths or ["nobody"]), max_size=2))
        self.world.take(ROOT, RetryRequested(by="ana", tasks=named, at=self.world.now))

    @rule(often=st.integers(0, 3))
    def somebody_pauses(self, often: int) -> None:
        if not often:
            self.world.take(ROOT, PauseRequested(by="ana", at=self.world.now))

    @rule()
    def somebody_resumes(self) -> None:
        self.world.take(ROOT, ResumeRequested(by="ana", at=self.world.now))

    def teardown(self) -> None:
        if hasattr(self, "world"):
            self.world.take(ROOT, ResumeRequested(by="ana", at=self.world.now))
            self.world.finish()

    def _scope(self, data: Any) -> str:
        """Any scope that is there, the outer ones more often."""
        found = sorted(self.world.scopes, key=len)
        return str(found[min(data.draw(st.integers(0, 20)), len(found) - 1)])

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
