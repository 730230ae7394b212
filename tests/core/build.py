"""Definitions and runs in a few words, for the tests of the core."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

from engine.core.commands import Command
from engine.core.context import Context, Decision
from engine.core.decide import decide
from engine.core.events import Event, ScopeStarted, TaskSucceeded, to_json
from engine.core.expressions.model import NOTHING, Expression, Literal, MapOf, Position, Template
from engine.core.model import Definition, Edge, ForEach, Join, Repeat, Task, TaskList
from engine.core.outcomes import positive
from engine.core.state import ScopeState, TaskRun
from engine.spec.cel import parse

CONTEXT = Context(
    instance={
        "id": "i1",
        "workflow": "w",
        "commit": "c0ffee",
        "started_at": "2030-01-01T00:00:00Z",
        "started_by": "ana",
    },
    inputs={"service": "billing"},
)
START = 1_000_000


def task(
    id: str, needs: str = "", *, kind: str = "http", join: str = "all", n: int = 1, **keys: Any
) -> tuple[Task, str]:
    """A task and its `needs`, written `a b.failed`; parameters may be plain JSON."""
    for name in ("params", "env"):
        if name in keys and isinstance(keys[name], dict):
            keys[name] = Literal(value=keys[name])
    return Task(id=id, kind=kind, join=Join(mode=join, n=n), **keys), needs  # type: ignore[arg-type] # join is a word


def tasks(*entries: tuple[Task, str]) -> TaskList:
    found = {entry.id: entry for entry, _ in entries}
    made: dict[str, Task] = {}
    followers: dict[str, list[str]] = {}
    for entry, needs in entries:
        edges = []
        for need in needs.split():
            source, _, outcome = need.partition(".")
            lenient = not outcome and found[source].continue_on_error
            edges.append(Edge(source=source, outcome=outcome or positive(found[source].kind), lenient=lenient))
            if entry.id not in followers.setdefault(source, []):
                followers[source].append(entry.id)
        made[entry.id] = replace(entry, edges=tuple(edges)) if edges else entry
    return TaskList(tasks=made, followers={name: tuple(found) for name, found in followers.items()})


def alone(leaf: tuple[Task, str], **keys: Any) -> TaskList:
    """The body of a loop without `tasks`."""
    entry, _ = leaf
    return TaskList(tasks={"": replace(entry, id="") if entry.id else entry}, **keys)


def group(id: str, needs: str = "", *, body: TaskList, **keys: Any) -> tuple[Task, str]:
    return task(id, needs, kind="group", body=body, **keys)


def each(
    id: str, needs: str = "", *, body: TaskList, items: Any, spec: dict[str, Any], **keys: Any
) -> tuple[Task, str]:
    """`spec` has the keys of `ForEach` besides the items, which are plain JSON."""
    return task(id, needs, kind="for_each", body=body, for_each=ForEach(items=Literal(value=items), **spec), **keys)


def loop(
    id: str,
    needs: str = "",
    *,
    body: TaskList,
    most: int,
    while_: Expression | None = None,
    delay: int = 0,
    **keys: Any,
) -> tuple[Task, str]:
    """What stands at `until` is in the `body`."""
    repeat = Repeat(max_iterations=most, condition=while_, delay=delay)
    return task(id, needs, kind="repeat", body=body, repeat=repeat, **keys)


def define(
    *entries: tuple[Task, str], finally_: tuple[tuple[Task, str], ...] = (), outputs: Template = NOTHING, **keys: Any
) -> Definition:
    return Definition(name="w", tasks=tasks(*entries), finally_=tasks(*finally_), outputs=outputs, **keys)


@dataclass
class Scope:
    """A scope under test: takes events, remembers commands and history."""

    definition: Definition
    context: Context = CONTEXT
    state: ScopeState | None = None
    now: int = START
    history: list[tuple[str, dict[str, Any], int]] = field(default_factory=list)
    commands: tuple[Command, ...] = ()
    """Of the last event."""
    accepted: bool = True

    def take(self, event: Any, /, after: int = 0, **keys: Any) -> Decision:
        """An event class with its fields, `after` milliseconds since the last one."""
        self.now += after
        made: Event = event(at=self.now, **keys)
        decision = decide(self.definition, self.state, made, self.context)
        self.history.append((self.context.scope, to_json(made), self.now))
        self.state, self.commands, self.accepted = decision.state, decision.commands, decision.accepted
        return decision

    def start(self) -> Scope:
        self.take(ScopeStarted)
        return self

    def succeed(self, *names: str, outputs: Any = None) -> None:
        for name in names:
            self.take(TaskSucceeded, task=name, attempt=self.run(name)["attempt"], outputs=outputs)

    def run(self, name: str) -> TaskRun:
        assert self.state is not None
        return self.state["tasks"][name]

    def status(self, name: str) -> str:
        assert self.state is not None
        run = self.state["tasks"].get(name)
        return run["state"] if run else "pending"

    def asked(self, kind: Any = None) -> list[Any]:
        """The last event's commands of this class."""
        return [command for command in self.commands if kind is None or isinstance(command, kind)]


def started(*entries: tuple[Task, str], **keys: Any) -> Scope:
    return Scope(define(*entries, **keys)).start()


def cel(source: str, line: int = 7) -> Expression:
    """An expression as the compiler leaves it, standing in this line of its file."""
    parsed = parse(source)
    return Expression(source=source, ast=parsed.ast, refs=parsed.refs, starts=((0, Position(line=line, column=5)),))


def mapping(**items: Template) -> MapOf:
    return MapOf(items=tuple(items.items()))
