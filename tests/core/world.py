"""An instance without databases and queues: takes events, obeys commands, and holds `decide` to its promises at each step."""

from __future__ import annotations

import copy
from collections import deque
from dataclasses import replace
from typing import Any

import orjson

from engine.core import commands as command_codec
from engine.core.commands import CancelScope, CancelTask, OpenApproval, OpenScope, RunTask, SettleScope
from engine.core.context import Context
from engine.core.decide import decide
from engine.core.events import (
    ApproversAsked,
    CancelRequested,
    DecisionMade,
    Event,
    ScopeSettled,
    ScopeStarted,
    TaskCancelled,
    TaskFailed,
    TaskSucceeded,
    TimersDue,
    from_json,
    to_json,
)
from engine.core.keys import FINALLY, ROOT, split_path, task_path
from engine.core.model import Definition
from engine.core.outcomes import NEGATIVE
from engine.core.outstanding import outstanding
from engine.core.replay import replay
from engine.core.state import ACTIVE, ScopeState
from engine.core.summary import instance_state, next_due
from tests.core import reference
from tests.core.build import CONTEXT, START

COMPLETIONS = (TaskSucceeded, TaskFailed, TaskCancelled)


class World:
    """One instance. Every event goes through `take`, which checks what must hold before and after any event."""

    def __init__(self, definition: Definition) -> None:
        self.definition = definition
        self.scopes: dict[str, ScopeState] = {}
        self.history: list[tuple[str, dict[str, Any], int]] = []
        self.now = START
        self.sent: list[Any] = []
        """Every outbound command there ever was: its answer may come at any time and more than once."""
        self.completed: set[tuple[str, int]] = set()
        self.words: dict[tuple[str, int], RunTask] = {}
        """How each attempt was first asked for."""
        self.settled: list[SettleScope] = []
        """How the root ended: once, one hopes."""

    def context(self, path: str) -> Context:
        outer = (self.scopes[ROOT],) if path != ROOT and ROOT in self.scopes else ()
        return replace(CONTEXT, scope=path, outer=outer)

    def take(self, path: str, event: Event) -> None:
        waiting: deque[tuple[str, Event]] = deque([(path, event)])
        while waiting:
            path, event = waiting.popleft()
            for command in self._decide(path, event):
                if isinstance(command, OpenScope):
                    waiting.append(
                        (command.scope, ScopeStarted(ending=command.ending, failures=command.failures, at=self.now))
                    )
                elif isinstance(command, CancelScope):
                    waiting.append((command.scope, CancelRequested(by=command.by, reason=command.reason, at=self.now)))
                elif isinstance(command, SettleScope) and path != ROOT:
                    settled = ScopeSettled(
                        scope=path,
                        outcome=command.outcome,
                        outputs=command.outputs,
                        failures=command.failures,
                        at=self.now,
                    )
                    waiting.append((ROOT, settled))
                elif isinstance(command, SettleScope):
                    self.settled.append(command)

    def _decide(self, path: str, event: Event) -> tuple[Any, ...]:
        context = self.context(path)
        before = self.scopes.get(path)
        kept = copy.deepcopy(before)
        self.history.append((path, to_json(event), event.at))
        assert from_json(orjson.loads(orjson.dumps(to_json(event))), event.at) == event
        decision = decide(self.definition, before, event, context)
        assert before == kept, "decide changed what it was given"
        if not decision.accepted:
            assert decision.commands == ()
            assert before is None or decision.state is before
            return ()
        after = decision.state
        assert orjson.loads(orjson.dumps(after)) == after
        if before is not None:
            self._nothing_settled_changed(before, after)
            if before["status"] == "cancelling":
                assert not any(isinstance(command, RunTask | OpenApproval) for command in decision.commands)
        if isinstance(event, COMPLETIONS):
            attempt = (task_path(path, event.task), event.attempt)
            assert attempt not in self.completed, "a second completion of an attempt was accepted"
            self.completed.add(attempt)
        again = decide(self.definition, after, event, context)
        assert not again.accepted, "the same event counted twice"
        self.scopes[path] = after
        self._outstanding_is_right(path, decision.commands)
        self.sent += [command for command in decision.commands if command.type in command_codec.OUTBOUND]
        return decision.commands

    def _nothing_settled_changed(self, before: ScopeState, after: ScopeState) -> None:
        assert before["status"] != "settled"
        assert after["at"] >= before["at"]
        for name, run in before["tasks"].items():
            if run["state"] not in ACTIVE:
                assert after["tasks"][name] == run

    def _outstanding_is_right(self, path: str, commands: tuple[Any, ...]) -> None:
        state = self.scopes[path]
        out = outstanding(self.definition, state, self.context(path))
        for command in out:
            assert command_codec.from_json(orjson.loads(orjson.dumps(command_codec.to_json(command)))) == command
        for command in (*commands, *out):
            if isinstance(command, RunTask):
                assert self.words.setdefault((command.path, command.attempt), command) == command
        called_off = {(command.path, command.attempt) for command in commands if isinstance(command, CancelTask)}
        for command in commands:
            if isinstance(command, RunTask):
                assert command in out or (command.path, command.attempt) in called_off
        if state["status"] in ("finally", "settled"):
            assert out == ()
            assert next_due(state) is None
            assert set(state["tasks"]) == set(self.definition.task_list(path).tasks)
        else:
            with_people = any("approval" in run and run["state"] == "waiting" for run in state["tasks"].values())
            assert out or with_people or next_due(state) is not None, "nothing will ever wake this scope"

    @property
    def over(self) -> bool:
        return ROOT in self.scopes and self.scopes[ROOT]["status"] == "settled"

    def finish(self) -> None:
        """Everybody does what is asked of them from now on: the instance must end."""
        for step in range(300):
            if self.over:
                break
            path = FINALLY if self.scopes[ROOT]["status"] == "finally" else ROOT
            state = self.scopes[path]
            events = list(self._obedience(path, state))
            if events:
                self.take(path, events[0])
                continue
            due = next_due(state)
            assert due is not None
            self.now = max(self.now, due)
            self.take(path, TimersDue(at=self.now))
            assert step < 299, "the instance does not end"
        self.check_end()

    def _obedience(self, path: str, state: ScopeState) -> Any:
        for command in outstanding(self.definition, state, self.context(path)):
            answer = {"RunTask": TaskSucceeded, "CancelTask": TaskCancelled, "AskApprovers": ApproversAsked}[
                command.type
            ]
            yield answer(task=split_path(command.path)[1], attempt=command.attempt, at=self.now)
        for name, run in state["tasks"].items():
            if run["state"] == "running":
                yield TaskSucceeded(task=name, attempt=run["attempt"], at=self.now)
            if run["state"] == "waiting" and "approval" in run:
                person = f"extra{len(run['approval']['decisions'])}"
                yield DecisionMade(task=name, attempt=run["attempt"], person=person, decision="approved", at=self.now)

    def check_end(self) -> None:
        root = self.scopes[ROOT]
        assert len(self.settled) == 1
        assert self.settled[0].outcome == root["outcome"] == instance_state(root, self.scopes.get(FINALLY))
        assert (FINALLY in self.scopes) == bool(self.definition.finally_.tasks)
        assert replay(self.definition, CONTEXT, self.history) == self.scopes
        if "cancel" not in root and "error" not in root:
            self._agrees_with_the_reference(ROOT)
        for state in self.scopes.values():
            for run in state["tasks"].values():
                assert run["state"] not in ACTIVE
                assert "timers" not in run

    def _agrees_with_the_reference(self, path: str) -> None:
        state = self.scopes[path]
        tasks = self.definition.task_list(path)
        outcomes = {name: run["state"] for name, run in state["tasks"].items()}
        ran = {name: outcome for name, outcome in outcomes.items() if outcome != "skipped"}
        refused = {
            name: "skipped"
            for name, run in state["tasks"].items()
            if run["state"] == "skipped" and run["skipped"]["cause"] == "condition"
        }
        expected, ending = reference.settle_dag(tasks, {**ran, **refused})
        assert outcomes == expected
        own = {failure["path"] for failure in state.get("failures", []) if not failure["path"].startswith("finally/")}
        assert own == reference.unhandled(tasks, outcomes, set(ran))
        assert all(outcomes[name] in NEGATIVE for name in own)
        if FINALLY not in self.scopes:
            assert state["outcome"] == ending
