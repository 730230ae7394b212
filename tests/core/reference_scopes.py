"""LANGUAGE's "Scopes" and "Order at the end" written a second time: whole workflows, recursively, one task after the other.

Shares no code with the engine. How each leaf ends is given; everything else follows from the text. Conditions are only
those of the shapes that the tests draw: `true`, `false`, `iteration == N`, `index < N`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from engine.core.expressions.model import Expression, Literal
from engine.core.model import Definition, Task, TaskList
from tests.core import reference

POSITIVE = ("succeeded", "approved", "received")
Result = Callable[[str, int], str]
"""How an attempt at a path ends, given how many attempts there failed before."""


@dataclass
class Scope:
    """One run of a task list, as it was."""

    tasks: TaskList
    path: str
    outcomes: dict[str, str] = field(default_factory=dict)
    ran: set[str] = field(default_factory=set)
    finished: list[str] = field(default_factory=list)
    """Tasks in the order in which they ended."""
    below: dict[str, list[Scope]] = field(default_factory=dict)
    """The scopes of each task, in the order in which they ended."""
    undone: set[str] = field(default_factory=set)
    spared: set[str] = field(default_factory=set)
    """Tasks that the scope cancelled itself, or was told to: how they end says nothing."""
    pending: set[str] = field(default_factory=set)
    """What had not begun when the scope was made to end."""
    outcome: str = ""


class Interpreter:
    """One run of one workflow."""

    def __init__(self, definition: Definition, result: Result) -> None:
        self.definition = definition
        self.result = result
        self.outcomes: dict[str, str] = {}
        self.compensations: list[str] = []
        self.leaving: str | None = None
        """The state with which a task far below makes the instance end."""
        self.not_undone = False
        """A compensation failed: the instance ends failed, whoever handles what it was to undo."""

    def run(self) -> str:
        """The end of the instance."""
        ending = self._scope("", self.definition.tasks, 0).outcome
        if self.definition.finally_.tasks:
            self.leaving = None
            last = self._scope("finally", self.definition.finally_, 0).outcome
            ending = last if ending == "succeeded" else ending
        return "failed" if self.not_undone else ending

    def _scope(self, path: str, tasks: TaskList, number: int) -> Scope:
        scope = Scope(tasks, path)
        stopped = self._run_all(scope, number)
        hearers = scope.ran | scope.pending  # one that was pending then could have handled it (decision 0006)
        failed = bool(reference.unhandled(tasks, scope.outcomes, hearers, scope.spared)) or stopped == "fail_fast"
        if failed or (path == "" and self.not_undone):
            scope.outcome = "failed"
        else:
            scope.outcome = stopped or "succeeded"
        if scope.outcome != "succeeded" and not self._undo(scope):
            scope.outcome = "failed"
        return scope

    def _run_all(self, scope: Scope, number: int) -> str:
        """Runs what can run; gives the state that the scope was made to end with, if it was."""
        left = list(scope.tasks.tasks.values())
        while left:
            task = next(task for task in left if self._verdict(scope, task) != "open")
            left.remove(task)
            if self._verdict(scope, task) == "runs" and not _is(task.condition, False, number):
                scope.ran.add(task.id)
                outcome = self._task(scope, task, number)
            else:
                outcome = "skipped"
            self._settle(scope, task.id, outcome)
            stopped = self._stopped(scope, task, outcome)
            if stopped:
                scope.pending = {other.id for other in left}
                for other in left:
                    self._settle(scope, other.id, "skipped")
                return stopped
        return ""

    def _stopped(self, scope: Scope, task: Task, outcome: str) -> str:
        if task.kind == "exit" and outcome == "succeeded":
            given = task.params.value if isinstance(task.params, Literal) else {}
            inside = scope.path not in ("", "finally") and not scope.path.startswith("finally/")
            if given.get("scope") == "instance" and inside:
                self.leaving = given["state"]
                return "cancelled" if self.leaving == "failed" else str(self.leaving)
            return str(given["state"])
        if self.leaving is not None:
            if outcome != "failed":  # else something in it had failed before
                scope.spared.add(task.id)
            return self.leaving if scope.path == "" else "cancelled"
        pending = set(scope.tasks.tasks) - set(scope.outcomes)
        if scope.tasks.fail_fast and reference.unhandled(scope.tasks, scope.outcomes, scope.ran | pending):
            return "fail_fast"
        return ""

    def _verdict(self, scope: Scope, task: Task) -> str:
        return reference.verdict(task, scope.outcomes, scope.tasks) if task.edges else "runs"

    def _settle(self, scope: Scope, name: str, outcome: str) -> None:
        scope.outcomes[name] = outcome
        scope.finished.append(name)
        self.outcomes[_join(scope.path, name)] = outcome

    def _task(self, scope: Scope, task: Task, number: int) -> str:
        path = _join(scope.path, task.id)
        match task.kind:
            case "group":
                inner = self._scope(path, _body(task), number)
                scope.below[task.id] = [inner]
                return inner.outcome
            case "for_each":
                return self._for_each(scope, task, path)
            case "repeat":
                return self._repeat(scope, task, path)
            case "switch":
                return next((case for case, wanted in task.cases if _is(wanted, True, number)), "failed")
            case "values" | "exit":
                return "succeeded"
            case "fail":
                return "failed"
        return self._leaf(path, task)

    def _leaf(self, path: str, task: Task) -> str:
        """`retry` reacts to `failed` only."""
        for failed in range(task.retry.max_attempts):
            outcome = self.result(path, failed)
            if outcome != "failed":
                return outcome
        return "failed"

    def _for_each(self, scope: Scope, task: Task, path: str) -> str:
        spec = task.for_each
        assert spec is not None
        assert isinstance(spec.items, Literal)
        opened: list[Scope] = []
        for index in range(len(spec.items.value)):
            opened.append(self._scope(f"{path}[{index}]", _body(task), 0))
            good = sum(item.outcome == "succeeded" for item in opened)
            if self.leaving is not None:
                break
            if spec.max_parallel == 1 and (good == spec.enough or (spec.fail_fast and good < len(opened))):
                break
        scope.below[task.id] = opened
        good = sum(item.outcome == "succeeded" for item in opened)
        wanted = len(spec.items.value) if spec.enough is None or not spec.items.value else spec.enough
        if good >= wanted:
            return "succeeded"
        if self.leaving is None:
            return "failed"
        lost = sum(item.outcome != "succeeded" for item in opened[:-1]) + (opened[-1].outcome == "failed")
        return "failed" if len(spec.items.value) - lost < wanted else "cancelled"

    def _repeat(self, scope: Scope, task: Task, path: str) -> str:
        spec, body = task.repeat, _body(task)
        assert spec is not None
        scope.below[task.id] = []
        for number in range(1, spec.max_iterations + 1):
            if spec.condition is not None and _is(spec.condition, False, number):
                return "succeeded"
            iteration = self._scope(f"{path}#{number}", body, number)
            scope.below[task.id].append(iteration)
            if iteration.outcome != "succeeded":
                return iteration.outcome
            if body.until is not None and _is(body.until, True, number):
                return "succeeded"
            if self.leaving is not None:
                return "cancelled"
        last = spec.max_iterations + 1
        return "succeeded" if spec.condition is not None and _is(spec.condition, False, last) else "failed"

    def _undo(self, scope: Scope) -> bool:
        """Undoes everything below that ended positively and is not undone yet; whether that went well."""
        well = True
        for name in reversed(scope.finished):
            if name in scope.undone:
                continue
            scope.undone.add(name)
            task, good = scope.tasks.tasks[name], scope.outcomes[name] in POSITIVE
            if task.compensate is not None and good:
                path = f"{_join(scope.path, name)}/compensate"
                self.compensations.append(path)
                well &= self._leaf(path, task.compensate.tasks[""]) == "succeeded"
                self.not_undone |= not well
            else:
                for inner in reversed(scope.below.get(name, [])):
                    if inner.outcome == "succeeded":
                        well &= self._undo(inner)
        return well


def _join(scope: str, name: str) -> str:
    return f"{scope}/{name}" if scope and name else scope or name


def _body(task: Task) -> TaskList:
    assert task.body is not None
    return task.body


def _is(condition: Expression | None, wanted: bool, number: int) -> bool:
    """Whether a condition of one of the known shapes has this value in the iteration of this number; none is true."""
    if condition is None:
        return wanted
    words = condition.source.split()
    if words[0] == "iteration":
        value = number == int(words[2])
    elif words[0] == "index":
        value = number - 1 < int(words[2])
    else:
        value = words[0] == "true"
    return value is wanted
