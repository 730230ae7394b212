"""One batch of events under lock: each is decided in turn, and what all of them change becomes one record."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial

from uuid_utils import uuid7

from engine.app.child_ends import notice
from engine.app.family import Family
from engine.app.gatekeeper import Gatekeeper
from engine.app.kept_outputs import ForgottenOutputs, KeptOutputs
from engine.app.ports import Locked
from engine.app.records import (
    FINAL,
    NOTIFICATIONS,
    ApprovalEffect,
    Facts,
    HistoryRow,
    InstanceChange,
    InstanceState,
    LoadedScope,
    Message,
    NewInstance,
    Notification,
    Parent,
    Record,
    ScopeWrite,
    WaitEffect,
)
from engine.app.runs import Run, Runs
from engine.core import commands as command_codec
from engine.core import events as event_codec
from engine.core import reactions
from engine.core.commands import (
    AskApprovers,
    AwaitEvent,
    CancelChild,
    CancelTask,
    CloseApproval,
    CollectItems,
    Command,
    FindChildren,
    ForgetOutputs,
    GoOn,
    KeepOutputs,
    LookUpCache,
    MatchEvent,
    OpenApproval,
    Outbound,
    RecordDecision,
    ReleaseSlot,
    RunTask,
    StartChild,
    StopAwaiting,
    TakeSlot,
    TakeTurn,
    TellChildren,
)
from engine.core.decide import decide
from engine.core.events import Event, EventReceived, ScopeStarted
from engine.core.keys import FINALLY, ROOT, parent_scope
from engine.core.state import ScopeState
from engine.core.summary import instance_state, next_due
from engine.core.values import JsonObject


@dataclass(frozen=True, slots=True, kw_only=True)
class Starting:
    """An instance to be: `document` is its compiled definition. `started_at` in `facts` is set under the transaction."""

    id: str
    facts: Facts
    version: str
    document: JsonObject
    start_key: str | None = None
    delivery: str | None = None


@dataclass(slots=True, kw_only=True)
class _Scope:
    state: ScopeState | None
    version: int
    changed: bool = False


@dataclass(slots=True, kw_only=True)
class _Instance:
    run: Run
    state: InstanceState
    seq: int
    first_seq: int
    new: bool = False


class Batch:
    """Decides events on what was read under lock and gathers what they change. Used once, by one thread."""

    def __init__(self, locked: Locked, runs: Mapping[str, Run], memory: Runs) -> None:
        self._locked = locked
        self._memory = memory
        self._runs = runs
        self._instances: dict[str, _Instance] = {}
        self._scopes: dict[tuple[str, str], _Scope] = {
            key: _Scope(state=scope.state, version=scope.version) for key, scope in locked.scopes.items()
        }
        self._record = Record()
        # Neither function leads back to the batch: all that it holds goes with it, and is no garbage that has to be searched.
        instances, self._later = self._instances, partial(_later, self._record)
        self._gates = Gatekeeper(lambda name: instances[name].run.facts.workflow, self._later)

    def start(self, id: str, run: Run) -> Run:
        """A new instance takes its first event. One that an event from outside started has taken that."""
        self._instances[id] = _Instance(run=run, state="queued", seq=0, first_seq=0, new=True)
        trigger = run.facts.trigger
        if trigger.get("source") == "event" and trigger.get("id"):
            self._record.receipts.append((id, str(trigger["id"])))
        self._work(id, ROOT, ScopeStarted(at=self._locked.now))
        return run

    def new(self, start: Starting) -> NewInstance:
        """The row of an instance that `start` was called for."""
        return NewInstance(
            id=start.id,
            facts=self._instances[start.id].run.facts,
            version=start.version,
            start_key=start.start_key,
            delivery=start.delivery,
        )

    def take(self, notification: Notification) -> None:
        """One event from outside. An instance that is gone (pruned, or never was) takes nothing.

        Raises Malformed for an event that cannot be read.
        """
        if self._instance(notification.instance) is None:
            return
        scope = self._scopes.get((notification.instance, notification.scope))
        at = max(self._locked.now, scope.state["at"] if scope and scope.state else 0)
        self._work(notification.instance, notification.scope, event_codec.from_json(notification.event, at))

    def pass_gates(self) -> None:
        """Ask what was put off until all events had been decided. The last thing before `record`."""
        for name, path, event in self._gates.answers(lambda: self._locked.gates, self._locked.now):
            state = self._scopes[name, path].state
            self._work(name, path, replace(event, at=max(self._locked.now, state["at"] if state else 0)))

    def stayed(self, id: str) -> bool:
        """Whether an instance has settled and is what it was. One that waits for a slot to go on is not."""
        scope = (
            self._scopes.get((id, ROOT)) if id in self._instances else None
        )  # one that was pruned leaves scopes a while
        if scope is None or scope.state is None:
            return False
        return scope.state["status"] == "settled" and not self._retried(id, scope.state)

    def record(self) -> Record:
        """Everything to write, with the outbox in the order in which commands were asked for."""
        record = self._record
        for (name, path), scope in self._scopes.items():
            if scope.changed and scope.state is not None:
                record.scopes.append(
                    ScopeWrite(
                        instance=name,
                        path=path,
                        state=scope.state,
                        version=scope.version + 1,
                        next_due_at=next_due(scope.state),
                    )
                )
        for name, instance in self._instances.items():
            if instance.seq != instance.first_seq:
                change = self._change(name, instance)
                record.instances.append(change)
                self._tell_parent(change, instance.run.facts.parent)
        return record

    @property
    def finished(self) -> tuple[str, ...]:
        """Instances that this batch brought to an end."""
        return tuple(change.id for change in self._record.instances if change.state in FINAL)

    def _instance(self, id: str) -> _Instance | None:
        instance = self._instances.get(id)
        if instance is None:
            row = self._locked.instances.get(id)
            if row is None:
                return None
            run = self._runs[id]
            instance = _Instance(run=run, state=row.state, seq=row.seq, first_seq=row.seq)
            self._instances[id] = instance
        return instance

    def _work(self, id: str, path: str, event: Event) -> None:
        """Decide one event and those it leads to in other scopes of the instance, outermost effects last."""
        instance = self._instances[id]
        waiting: deque[tuple[str, Event]] = deque([(path, event)])
        while waiting:
            path, event = waiting.popleft()
            fresh = isinstance(event, ScopeStarted) and not event.again
            scope = self._scopes.get((id, path)) or self._scope(id, instance, path, fresh=fresh)
            if scope.state is None and not isinstance(event, ScopeStarted):
                self._remember(id, instance, path, event, accepted=False)
                continue
            outer = tuple(self._outer(id, instance, path)) if path else ()
            context = instance.run.context(path, outer, self._memory.values(id, self._locked.values))
            if isinstance(event, EventReceived):
                event = self._unless_used_up(id, event)
            decision = decide(instance.run.definition, scope.state, event, context)
            self._remember(id, instance, path, event, accepted=decision.accepted)
            if decision.accepted:
                if isinstance(event, EventReceived) and not event.taken:
                    self._record.receipts.append((id, event.event["id"]))
                scope.state, scope.changed = decision.state, True
                self._scopes[id, path] = scope
            for command in decision.commands:
                waiting.extend(self._obey(id, path, command, event.at))

    def _unless_used_up(self, id: str, event: EventReceived) -> EventReceived:
        """Each event counts once for an instance, whoever of its tasks it was offered to first."""
        name = str(event.event.get("id"))
        used = (id, name) in self._record.receipts or self._locked.used_up(id, name)
        return replace(event, taken=used, event={**event.event, "id": name})

    def _scope(self, id: str, instance: _Instance, path: str, *, fresh: bool) -> _Scope:
        """A scope that was not read with the lock: a new one, or one that another scope's event reached."""
        found = None if fresh or instance.new else self._locked.children(id).load([path]).get(path)
        scope = _Scope(state=None, version=0) if found is None else _Scope(state=found.state, version=found.version)
        if not fresh:
            self._scopes[id, path] = scope
        return scope

    def _outer(self, id: str, instance: _Instance, path: str) -> Iterator[ScopeState]:
        above = parent_scope(path)
        while above is not None:
            scope = self._scopes.get((id, above)) or self._scope(id, instance, above, fresh=False)
            if scope.state is not None:
                yield scope.state
            above = parent_scope(above)

    def _remember(self, id: str, instance: _Instance, path: str, event: Event, *, accepted: bool) -> None:
        instance.seq += 1
        self._record.history.append(
            HistoryRow(
                instance=id,
                seq=instance.seq,
                scope=path,
                event=event_codec.to_json(event),
                accepted=accepted,
                at=event.at,
            )
        )

    def _obey(self, id: str, path: str, command: Command, at: int) -> Iterator[tuple[str, Event]]:
        match command:
            case RunTask() | CancelTask() | AskApprovers() | StartChild() | CancelChild() | MatchEvent() | GoOn():
                self._later(command)
            case OpenApproval() | RecordDecision() | CloseApproval():
                self._record.approvals.append(ApprovalEffect(instance=id, command=command, at=at))
            case AwaitEvent() | StopAwaiting():
                self._record.waits.append(WaitEffect(instance=id, command=command))
            case TakeSlot() | ReleaseSlot() | TakeTurn() | LookUpCache():
                self._gates.ask(id, path, command)
            case KeepOutputs():
                workflow = self._instances[id].run.facts.workflow
                self._record.kept.append(
                    KeptOutputs(workflow=workflow, path=command.path, key=command.key, outputs=command.outputs, at=at)
                )
            case ForgetOutputs():
                gone = ForgottenOutputs(
                    workflow=self._instances[id].run.facts.workflow, path=command.path, key=command.key
                )
                self._record.kept = [
                    one for one in self._record.kept if not gone.covers(one.workflow, one.path, one.key)
                ]
                self._record.forgotten.append(gone)
            case TellChildren() | CollectItems() | FindChildren():
                yield from self._family(id).obey(path, command, at)
            case _:
                reaction = reactions.reaction(path, command, at)
                if reaction is not None:
                    yield reaction

    def _family(self, id: str) -> Family:
        """The child scopes of an instance, as the database has them and as this batch has changed them."""
        instance = self._instances[id]

        def changed() -> Mapping[str, ScopeState]:
            return {
                path: scope.state
                for (owner, path), scope in self._scopes.items()
                if owner == id and scope.changed and scope.state is not None
            }

        def written() -> int:
            return sum(owner == id and scope.changed for (owner, _), scope in self._scopes.items())

        def know(path: str, found: LoadedScope) -> None:
            if (id, path) not in self._scopes:
                self._scopes[id, path] = _Scope(state=found.state, version=found.version)

        stored = None if instance.new else self._locked.children(id)
        return Family(id, stored, changed=changed, written=written, know=know, later=self._later)

    def _tell_parent(self, change: InstanceChange, parent: Parent | None) -> None:
        """Once for each end: after a retry the task that waited has long gone on, and does not listen."""
        if parent is not None and change.state in FINAL:
            told = notice(change, parent)
            body = {"instance": told.instance, "scope": told.scope, "event": told.event}
            self._record.outbox.append(Message(queue=NOTIFICATIONS, body=body, id=str(uuid7())))

    def _change(self, id: str, instance: _Instance) -> InstanceChange:
        root = self._scopes[id, ROOT].state
        below = self._scopes.get((id, FINALLY))
        if root is None or not (self._scopes[id, ROOT].changed or (below and below.changed)):
            return InstanceChange(id=id, seq=instance.seq)
        state = instance_state(root, below.state if below else None)
        if state == instance.state and not instance.new and not self._retried(id, root):
            return InstanceChange(id=id, seq=instance.seq)
        if state not in FINAL:
            return InstanceChange(id=id, seq=instance.seq, state=state)
        return InstanceChange(
            id=id,
            seq=instance.seq,
            state=state,
            outputs=root.get("outputs"),
            error=_why(root),
            finished_at=root.get("finished_at", root["at"]),
        )

    def _retried(self, id: str, root: ScopeState) -> bool:
        """Whether it went on within this very batch, though it may have ended again as it had before."""
        before = self._locked.scopes.get((id, ROOT))
        return before is not None and before.state.get("runs", 0) != root.get("runs", 0)


def _later(record: Record, command: Outbound) -> None:
    record.outbox.append(Message(queue=command.queue, body=command_codec.message_of(command), id=str(uuid7())))


def _why(root: ScopeState) -> JsonObject | None:
    """Why an instance did not succeed: the scope's own error, the failures nobody handled, and who cancelled it."""
    error, failures, cancel = root.get("error"), root.get("failures"), root.get("cancel")
    if not (error or failures or cancel):
        return None
    why: JsonObject = {"error": error, "failures": failures or []}
    if cancel:
        why["cancelled"] = {"by": cancel["by"], "reason": cancel.get("reason", "")}
    return why
