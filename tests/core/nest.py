"""A workflow of tasks within tasks under test: written as authors write it, answered by path, one millisecond after the other."""

from __future__ import annotations

from typing import Any

from engine.core.commands import CancelTask, RunTask
from engine.core.events import (
    AttemptLost,
    CancelRequested,
    PauseRequested,
    ResumeRequested,
    RetryRequested,
    ScopeStarted,
    TaskCancelled,
    TaskFailed,
    TaskStarted,
    TaskSucceeded,
    TimersDue,
)
from engine.core.keys import FINALLY, ROOT, split_path, task_path
from engine.core.model import Definition
from engine.core.outstanding import outstanding
from engine.core.state import ACTIVE, ScopeState, TaskRun
from engine.core.summary import instance_state
from engine.spec.load import load
from tests.core.world import World


def compiled(text: str) -> Definition:
    """The definition of the workflow `w` with this text after its name."""
    loaded = load({"w.yaml": f"name: w\n{text}".encode(), "project.yaml": b"people: {ana: {email: ana@example.com}}"})
    assert loaded.errors == (), "\n".join(str(finding) for finding in loaded.errors)
    return loaded.workflows["w.yaml"]


class Nest(World):
    """An instance that has just been started. `act` is a leaf that a worker runs."""

    def __init__(self, text: str, **inputs: Any) -> None:
        super().__init__(compiled(text.replace("ACT", "uses: python, with: {call: 'package.module:function'}")), inputs)
        self.take(ROOT, ScopeStarted(at=self.now))
        self.go()

    def go(self) -> None:
        """Whatever was put off to transactions of their own happens."""
        while self.later:
            self.go_on()

    def succeed(self, *paths: str, outputs: Any = None) -> None:
        for path in paths:
            self._answer(path, TaskSucceeded, outputs=outputs)

    def fail(self, *paths: str, kind: str = "exit") -> None:
        for path in paths:
            self._answer(path, TaskFailed, error={"kind": kind, "message": f"{path} broke"})

    def stopped(self, *paths: str) -> None:
        """Who was told to stop has."""
        for path in paths:
            self._answer(path, TaskCancelled)

    def lose(self, *paths: str) -> None:
        """Their workers died."""
        for path in paths:
            self._answer(path, AttemptLost)

    def begun(self, *paths: str) -> None:
        for path in paths:
            self._answer(path, TaskStarted)

    def cancel(self, scope: str = ROOT) -> None:
        self.tell(scope, CancelRequested, by="ana")

    def pause(self) -> None:
        self.tell(ROOT, PauseRequested, by="ana")

    def resume(self) -> None:
        self.tell(ROOT, ResumeRequested, by="ana")

    def retry(self, *tasks: str) -> None:
        self.tell(ROOT, RetryRequested, by="ana", tasks=list(tasks))

    def tell(self, scope: str, event: Any, **keys: Any) -> None:
        self.now += 1
        self.take(scope, event(at=self.now, **keys))
        self.go()

    def pass_(self, milliseconds: int) -> None:
        """Time goes by, and every timer that is due meanwhile takes effect when it is."""
        until = self.now + milliseconds
        while True:
            due = {path: when for path, state in self.scopes.items() if (when := self._next(state)) is not None}
            path = min(due, key=lambda path: (due[path], path), default=None)
            if path is None or due[path] > until:
                break
            self.now = max(self.now, due[path])
            self.take(path, TimersDue(at=self.now))
            self.go()
        self.now = until

    def run(self, path: str) -> TaskRun:
        scope, name = split_path(path)
        return self.scopes[scope]["tasks"][name]

    def outcome(self, path: str = ROOT) -> str:
        """How a task stands, or (where there is none of this path) a scope."""
        scope, name = split_path(path)
        if path != ROOT and scope in self.scopes and name in self.definition.task_list(scope).tasks:
            run = self.scopes[scope]["tasks"].get(name)
            return run["state"] if run else "pending"
        state = self.scopes[path]
        return state.get("outcome", state["status"]) if state["status"] == "settled" else state["status"]

    @property
    def summary(self) -> str:
        """The state of the instance."""
        return instance_state(self.scopes[ROOT], self.scopes.get(FINALLY))

    @property
    def outcomes(self) -> dict[str, str]:
        """All tasks of all scopes, by path."""
        return {
            task_path(scope, name): run["state"]
            for scope, state in self.scopes.items()
            for name, run in state["tasks"].items()
            if name or self.definition.task_list(scope).tasks[name].body is None
        }

    @property
    def asked(self) -> list[str]:
        """Paths of the attempts that workers were asked for and have not answered."""
        return [command.path for command in self._outstanding() if isinstance(command, RunTask)]

    @property
    def told_to_stop(self) -> list[str]:
        return [command.path for command in self._outstanding() if isinstance(command, CancelTask)]

    @property
    def failures(self) -> list[tuple[str, str]]:
        return [(failure["path"], failure["outcome"]) for failure in self.scopes[ROOT].get("failures", [])]

    @property
    def active(self) -> list[str]:
        return [path for path, state in self.outcomes.items() if state in ACTIVE]

    def undoing(self) -> list[str]:
        """The compensations in the order in which they are asked for, each of which succeeds."""
        order: list[str] = []
        while self.outcome() not in ("succeeded", "failed", "cancelled"):
            undo = [path for path in self.asked if path.endswith("/compensate")]
            if not undo:
                break
            assert len(undo) == 1, "one at a time"
            order += undo
            self.succeed(undo[0])
        return order

    def _outstanding(self) -> list[Any]:
        return [
            command
            for path, state in self.scopes.items()
            for command in outstanding(self.definition, state, self.context(path))
        ]

    def _next(self, state: ScopeState) -> int | None:
        """As next_due, without the looks at leases."""
        times = list(state.get("timers", {}).values())
        times += [
            due for run in state["tasks"].values() for name, due in run.get("timers", {}).items() if name != "check"
        ]
        return min(times, default=None)

    def _answer(self, path: str, event: Any, **keys: Any) -> None:
        scope, name = split_path(path)
        attempt = self.scopes[scope]["tasks"][name]["attempt"]
        self.now += 1
        before = len(self.history)
        self.take(scope, event(task=name, attempt=attempt, at=self.now, **keys))
        assert len(self.history) > before
        self.go()


__all__ = ["FINALLY", "Nest", "compiled"]
