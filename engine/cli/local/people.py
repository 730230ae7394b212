"""Answers what a run asks of the world: approvals that somebody decides, events that somebody sends."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from engine.app.approve import decision_of
from engine.app.read import TaskView
from engine.app.records import Approval, Instance
from engine.cli.local.engine import LocalEngine
from engine.cli.local.out import Line
from engine.cli.local.printable import line
from engine.cli.local.watch import Seen, Watch
from engine.cli.local.words import asks
from engine.core.keys import task_path
from engine.core.state import ScopeState, TaskRun
from engine.core.values import Json, JsonObject
from engine.errors import HeadraceError

SOON = 60_000
"""Milliseconds for which a time limit of an approval or an event is waited for where nobody can be asked."""
SETTLED = 1.0
"""Seconds for which nothing must have happened until a run counts as waiting for somebody: an event may be on its way."""
ENDS_BY_TIME = ("expiry", "event", "timeout", "deadline")
CONTAINERS = frozenset({"group", "for_each", "repeat", "workflow"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """A task that waits for somebody or for an event."""

    instance: str
    path: str
    attempt: int
    run: TaskRun
    kind: str
    soon: bool
    """Its time is over in a moment."""


class Unattended:
    """Nobody is there: `yes` approves, with the defaults of forms, and `events` are sent as tasks begin to wait for them."""

    def __init__(
        self, engine: LocalEngine, watch: Watch, *, person: str, yes: bool, events: Sequence[tuple[str, Json]]
    ) -> None:
        self._engine = engine
        self._watch = watch
        self._person = person
        self._yes = yes
        self._events = list(events)
        self._sent: dict[tuple[str, str, int], float] = {}
        self._refused: dict[str, str] = {}
        self._quiet_since: float | None = None

    def asked(self, seen: Seen, view: TaskView) -> str:
        """What an approval that waits asks whom."""
        try:
            approval = self._engine.instances.approvals.at(seen.instance.id, view.path, view.attempt)
            return asks(approval, self._engine.approver.electorate(approval).may)
        except HeadraceError as error:
            return f"waits: {error}"

    def tend(self) -> list[Line]:
        """Answer what can be answered now; returns what there is to say."""
        said: list[Line] = []
        if self._yes:
            for approval in self._engine.instances.approvals.list(state="open"):
                if approval.id not in self._refused:
                    said += self._approve(approval)
        for waiting in self._waiting() if self._events else ():
            if waiting.kind == "event":
                said += self._send(waiting)
        return said

    def stuck(self) -> list[str]:
        """What the run waits for and will not get, if it has come to that: each task with what it wants."""
        waiting = self._waiting()
        hopeless = [each for each in waiting if not each.soon]
        if not hopeless or len(hopeless) < len(waiting) or self._moves:
            self._quiet_since = None
            return []
        now = time.monotonic()
        if self._quiet_since is None:
            self._quiet_since = now
        if now - self._quiet_since < SETTLED:
            return []
        return [self._want(each) for each in hopeless]

    @property
    def unsent(self) -> list[str]:
        """The types of events given that no task waited for."""
        return [wanted for wanted, _ in self._events]

    def leave(self, approval: Approval, reason: str) -> None:
        """Nobody will decide it here."""
        self._refused[approval.id] = reason

    def _approve(self, approval: Approval) -> Iterator[Line]:
        form, missing = _defaults(approval.form)
        if missing:
            reason = f"--yes cannot fill in its form: {', '.join(missing)} without a default"
            self._refused[approval.id] = reason
            return
        may = self._engine.approver.electorate(approval).may
        left = [person for person in may if decision_of(approval, person) is None]
        needed = approval.require - len(approval.decisions)
        if len(left) < needed:
            self._refused[approval.id] = f"it needs {approval.require}, and {_people(may)} may decide"
            return
        for person in sorted(left, key=lambda name: name != self._person)[:needed]:
            self._engine.approver.decide(approval.id, person=person, decision="approved", form=form, via="api")
            yield ((f"{approval.path} is approved as {line(person)} (--yes)", ""),)

    def _send(self, waiting: Waiting) -> Iterator[Line]:
        key, now = (waiting.instance, waiting.path, waiting.attempt), time.monotonic()
        wanted = waiting.run.get("waits_for")
        given = next((each for each in self._events if each[0] == wanted), None)
        if given is None or now - self._sent.get(key, -SETTLED) < SETTLED:
            return  # the one before may not have been looked at yet
        self._sent[key] = now
        self._events.remove(given)
        self._engine.events.publish(given[0], given[1], by=self._person)
        yield ((f"the event {line(given[0])} was sent", ""),)

    def _want(self, waiting: Waiting) -> str:
        if waiting.kind == "event":
            wanted = line(waiting.run.get("waits_for", ""))
            return f"{waiting.path} waits for the event {wanted}; send it with --event '{wanted}=JSON'"
        approval = self._engine.instances.approvals.at(waiting.instance, waiting.path, waiting.attempt)
        may = self._engine.approver.electorate(approval).may
        why = self._refused.get(approval.id) or "approve with --yes, or run it in a terminal"
        return f"{waiting.path} {asks(approval, may)} ({why})"

    def _waiting(self) -> list[Waiting]:
        """Who waits for somebody; `_moves` says whether anything goes on by itself."""
        self._moves = False
        found: list[Waiting] = []
        for instance in self._watch.live():
            if instance.state == "queued":
                continue  # for a slot, which another one has
            if instance.state != "waiting":
                self._moves = True
            found += self._waiting_in(instance)
        return found

    def _waiting_in(self, instance: Instance) -> Iterator[Waiting]:
        now = self._engine.clock.now()
        for scope, state in self._engine.instances.reader.scopes(instance.id, live=True).items():
            kinds = self._watch.kinds(instance, scope)
            for name, run in state["tasks"].items():
                if run["state"] != "waiting":
                    continue
                kind = kinds.get(name, "")
                if kind in ("approval", "event") and "gate" not in run:
                    yield Waiting(
                        instance=instance.id,
                        path=task_path(scope, name),
                        attempt=run["attempt"],
                        run=run,
                        kind=kind,
                        soon=_is_soon(state, run, now),
                    )
                elif _moves(kind, run):
                    self._moves = True


def _is_soon(scope: ScopeState, run: TaskRun, now: int) -> bool:
    timers = [due for name, due in run.get("timers", {}).items() if name in ENDS_BY_TIME]
    timers += [due for name, due in scope.get("timers", {}).items() if name in ENDS_BY_TIME]
    return any(due - now <= SOON for due in timers)


def _moves(kind: str, run: TaskRun) -> bool:
    """Whether a task that waits goes on by itself: after a pause, or when its turn comes."""
    if kind not in CONTAINERS:
        return run.get("gate") != "slot"
    return "next" in run.get("timers", {}) or (kind == "workflow" and "child" not in run)


def _defaults(form: JsonObject) -> tuple[JsonObject, list[str]]:
    """What a form holds if nobody fills it in, and the fields that have to be."""
    found = {
        name: schema["default"] for name, schema in form.items() if isinstance(schema, dict) and "default" in schema
    }
    return found, [line(name) for name in form if name not in found]


def _people(names: Sequence[str]) -> str:
    return "only " + ", ".join(map(line, names)) if names else "nobody"
