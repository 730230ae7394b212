"""An instance without databases and queues: takes events, obeys commands, and holds `decide` to its promises at each step."""

from __future__ import annotations

import copy
from collections import deque
from dataclasses import replace
from typing import Any

import orjson

from engine.app.family import Family, is_child
from engine.core import commands as command_codec
from engine.core.commands import (
    CancelTask,
    CollectItems,
    FindChildren,
    GoOn,
    OpenApproval,
    RunTask,
    SettleScope,
    TellChildren,
)
from engine.core.context import Context
from engine.core.decide import decide
from engine.core.events import (
    ApproversAsked,
    AttemptUnclaimed,
    ChildrenDue,
    ChildrenFound,
    DecisionMade,
    Event,
    EventReceived,
    EventsLookedAt,
    ItemsCollected,
    ResumeRequested,
    RetryRequested,
    ScopeSettled,
    ScopeStarted,
    ScopeStirred,
    TaskCancelled,
    TaskFailed,
    TaskSucceeded,
    TimersDue,
    UndoRequested,
    from_json,
    to_json,
)
from engine.core.keys import FINALLY, ROOT, parent_scope, scopes_around, split_path, task_path
from engine.core.model import Definition
from engine.core.outcomes import NEGATIVE
from engine.core.outstanding import outstanding
from engine.core.reactions import reaction
from engine.core.replay import replay
from engine.core.state import ACTIVE, ScopeState
from engine.core.summary import instance_state, next_due
from tests.core import reference
from tests.core.build import CONTEXT, START

COMPLETIONS = (TaskSucceeded, TaskFailed, TaskCancelled)
INTERNAL = (ScopeSettled, ScopeStirred, ScopeStarted, ChildrenDue, ChildrenFound, ItemsCollected, UndoRequested)
"""Facts of the same transaction, which come exactly once; only the engine itself makes them."""
COUNTED = 100
"""Scopes up to which all are counted after each event."""
REOPENING = (UndoRequested, RetryRequested, ScopeStarted)


class World:
    """One instance. Every event goes through `take`, which checks what must hold before and after any event."""

    def __init__(self, definition: Definition, inputs: dict[str, Any] | None = None) -> None:
        self.definition = definition
        self.start = CONTEXT if inputs is None else replace(CONTEXT, inputs=inputs)
        self.scopes: dict[str, ScopeState] = {}
        self.history: list[tuple[str, dict[str, Any], int]] = []
        self.now = START
        self.memo: dict[str, Any] = {}
        self.written: set[str] = set()
        """Scopes that the last event changed."""
        self.later: list[GoOn] = []
        """Events for transactions of their own."""
        self.put_off: list[GoOn] = []
        """All of those that there ever were."""
        self.sent: list[Any] = []
        """Every outbound command there ever was: its answer may come at any time and more than once."""
        self.completed: set[tuple[str, int]] = set()
        self.words: dict[tuple[str, int], RunTask] = {}
        """How each attempt was first asked for."""
        self.settled: list[SettleScope] = []
        """How the root ended: once, one hopes."""

    def context(self, path: str) -> Context:
        outer = tuple(self.scopes[above] for above in scopes_around(path) if above in self.scopes)
        return replace(self.start, scope=path, outer=outer, memo=self.memo)

    def take(self, path: str, event: Event) -> None:
        waiting: deque[tuple[str, Event]] = deque([(path, event)])
        self.written.clear()
        while waiting:
            path, event = waiting.popleft()
            for command in self._decide(path, event):
                if isinstance(command, TellChildren | CollectItems | FindChildren):
                    waiting.extend(self.family.obey(path, command, self.now))
                elif isinstance(command, GoOn):
                    self._put_off(command)
                elif isinstance(command, SettleScope) and path == ROOT:
                    self.settled.append(command)
                elif (reacts := reaction(path, command, self.now)) is not None:
                    waiting.append(reacts)
        if len(self.scopes) < COUNTED:
            self._all_are_counted()

    def _all_are_counted(self) -> None:
        """A loop knows how many of its items live, and in how many something runs; nothing lives in what has ended."""
        for path, state in self.scopes.items():
            if state["status"] != "settled" and (above := parent_scope(path)) is not None:
                assert self.scopes[above]["status"] != "settled", "it was forgotten"
            for name, run in state["tasks"].items():
                if "items" not in run:
                    continue
                items = [
                    found
                    for item, found in self.scopes.items()
                    if is_child(item, task_path(path, name)) and found["status"] != "settled" and "undone" not in found
                ]
                living = [item for item in items if item["status"] != "compensating" or "finished_at" not in item]
                assert run["items"]["active"] == len(living)
                if run["state"] in ACTIVE:
                    assert run["items"]["busy"] == sum(not item.get("idle") for item in living)

    @property
    def family(self) -> Family:
        return Family(
            "i1",
            None,
            changed=lambda: self.scopes,
            written=lambda: len(self.written),
            know=lambda _path, _found: None,
            later=self._put_off,
        )

    def _put_off(self, command: GoOn) -> None:
        self.later.append(command)
        self.put_off.append(command)

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
            self._nothing_settled_changed(before, after, event)
            if before["status"] == "cancelling":
                assert not any(isinstance(command, RunTask | OpenApproval) for command in decision.commands)
        if isinstance(event, COMPLETIONS):
            attempt = (task_path(path, event.task), event.attempt)
            assert attempt not in self.completed, "a second completion of an attempt was accepted"
            self.completed.add(attempt)
        self.scopes[path] = after
        self.written.add(path)
        repeatable = isinstance(event, INTERNAL) or (isinstance(event, ResumeRequested) and path != ROOT)
        repeatable |= isinstance(event, RetryRequested) and after["status"] == "settled"  # it came to the same end
        if not repeatable:
            again = decide(self.definition, after, event, self.context(path))
            assert not again.accepted, "the same event counted twice"
        self._outstanding_is_right(path, decision.commands)
        self.sent += [
            command
            for command in decision.commands
            if command.type in command_codec.OUTBOUND and not isinstance(command, GoOn)
        ]
        return decision.commands

    def _nothing_settled_changed(self, before: ScopeState, after: ScopeState, event: Event) -> None:
        if isinstance(event, REOPENING) or ("put_off" in before and "put_off" not in after):
            return
        assert before["status"] != "settled"
        assert after["at"] >= before["at"]
        for name, run in before["tasks"].items():
            if run["state"] not in ACTIVE and "items" not in run and before["status"] != "compensating":
                assert {**after["tasks"][name], "undone": None} == {**run, "undone": None}

    def _outstanding_is_right(self, path: str, commands: tuple[Any, ...]) -> None:
        state = self.scopes[path]
        out = outstanding(self.definition, state, self.context(path))
        for command in out:
            if isinstance(command, GoOn):
                continue
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
        elif state["status"] != "compensating":
            with_people = any(
                {"approval", "waits_for"} & run.keys() and run["state"] == "waiting" for run in state["tasks"].values()
            )
            below = any(
                "items" in run or "iterations" in run or run["state"] in ACTIVE for run in state["tasks"].values()
            )
            assert out or with_people or below or next_due(state) is not None, "nothing will ever wake this scope"

    @property
    def over(self) -> bool:
        return ROOT in self.scopes and self.scopes[ROOT]["status"] == "settled"

    def finish(self) -> None:
        """Everybody does what is asked of them from now on: the instance must end."""
        for step in range(2_000):
            if self.over:
                break
            if self.later:
                self.go_on()
                continue
            acted = False
            for path, state in list(self.scopes.items()):
                if state["status"] != "settled" and (event := next(iter(self._obedience(path, state)), None)):
                    self.take(path, event)
                    acted = True
                    break
            if acted:
                continue
            dues = {path: due for path, state in self.scopes.items() if (due := next_due(state)) is not None}
            assert dues, "nothing will ever happen again"
            path = min(dues, key=lambda path: (dues[path], path))
            self.now = max(self.now, dues[path])
            self.take(path, TimersDue(at=self.now))
            for name, run in list(self.scopes[path]["tasks"].items()):
                if "items" in run or "iterations" in run:  # a window that was lost
                    self.take(path, AttemptUnclaimed(task=name, attempt=run["attempt"], at=self.now))
            assert step < 1_999, "the instance does not end"
        self.check_end()

    def go_on(self) -> None:
        """The next event that was put off to a transaction of its own."""
        command = self.later.pop(0)
        self.take(command.scope, from_json(command.event, self.now))

    def _obedience(self, path: str, state: ScopeState) -> Any:
        for command in outstanding(self.definition, state, self.context(path)):
            if isinstance(command, GoOn):
                continue
            answer = {
                "RunTask": TaskSucceeded,
                "CancelTask": TaskCancelled,
                "AskApprovers": ApproversAsked,
                "MatchEvent": EventsLookedAt,
            }[command.type]
            yield answer(task=split_path(command.path)[1], attempt=command.attempt, at=self.now)
        for name, run in state["tasks"].items():
            if run["state"] == "running" and self.definition.task_list(path).tasks[name].body is None:
                yield TaskSucceeded(task=name, attempt=run["attempt"], at=self.now)
            if run["state"] == "waiting" and "waits_for" in run:
                yield EventReceived(task=name, attempt=run["attempt"], event={"id": "e1"}, at=self.now)
            if run["state"] == "waiting" and "approval" in run:
                person = f"extra{len(run['approval']['decisions'])}"
                yield DecisionMade(task=name, attempt=run["attempt"], person=person, decision="approved", at=self.now)

    def check_end(self) -> None:
        root = self.scopes[ROOT]
        assert len(self.settled) == 1 + root.get("runs", 0)
        assert self.settled[-1].outcome == root["outcome"] == instance_state(root, self.scopes.get(FINALLY))
        assert (FINALLY in self.scopes) == bool(self.definition.finally_.tasks)
        assert replay(self.definition, replace(self.start, memo={}), self.history) == self.scopes
        for path in self.scopes:
            self._agrees_with_the_reference(path)
        for state in self.scopes.values():
            for run in state["tasks"].values():
                assert run["state"] not in ACTIVE
                assert "timers" not in run

    def _agrees_with_the_reference(self, path: str) -> None:
        """Joins, skips and failures of one scope, given how its tasks ended, unless it was ended before its time."""
        state = self.scopes[path]
        tasks = self.definition.task_list(path)
        if {"cancel", "error", "exit", "put_off"} & set(state) or tasks.fail_fast:
            return
        outcomes = {name: run["state"] for name, run in state["tasks"].items()}
        ran = {name: outcome for name, outcome in outcomes.items() if outcome != "skipped"}
        refused = {
            name: "skipped"
            for name, run in state["tasks"].items()
            if run["state"] == "skipped" and run["skipped"]["cause"] in ("condition", "rest")
        }
        spared = {name for name, run in state["tasks"].items() if run.get("called_off")}
        expected, ending = reference.settle_dag(tasks, {**ran, **refused}, spared)
        assert outcomes == expected
        inner = {split_path(failure["path"]) for failure in state.get("failures", [])}
        own = {name for scope, name in inner if scope == path}
        assert own == reference.unhandled(tasks, outcomes, set(ran), spared)
        assert all(outcomes[name] in NEGATIVE for name in own)
        if path != ROOT or FINALLY not in self.scopes:
            assert state["outcome"] == ("failed" if path == ROOT and "not_undone" in state else ending)
