"""The processes of a deployment, put together as `engine.bootstrap` does: the engine's own use cases and workers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cached_property
from typing import Any, Protocol

from engine.adapters.broker.connect import Broker
from engine.adapters.kinds.emit import Emit
from engine.app.advance import Advancer
from engine.app.after_workflows import StartsAfter
from engine.app.approve import Approver
from engine.app.ask import Asker
from engine.app.cancel import Canceller
from engine.app.children import Children
from engine.app.events import Events
from engine.app.kinds import Kind
from engine.app.large_outputs import LargeOutputs
from engine.app.pause import Pauser
from engine.app.perform import Performer
from engine.app.project import ActiveProject
from engine.app.receive import Receiver
from engine.app.recover import Recoverer
from engine.app.relay import Relay
from engine.app.retry import Retrier
from engine.app.route import Router
from engine.app.schedule import Scheduler
from engine.app.schedules import ScheduledStarts
from engine.app.start import Starter
from engine.app.timers import Timers
from engine.app.timetable import Timetable
from engine.app.triggers import Triggers
from engine.workers.combined_worker import CombinedWorker
from engine.workers.notification_worker import NotificationWorker
from engine.workers.relay import relay_loop
from engine.workers.scheduler import scheduler_loop
from engine.workers.task_worker import TaskWorker
from tests.simulation.ports import Doors


class Part(Protocol):
    """What a process consists of."""

    def start(self) -> None: ...

    def stop(self, timeout: float) -> None: ...


class NoLogs:
    """Implements `engine.app.log_ports.LogStore`: tasks print nothing here."""

    def append(self, lines: Any) -> None:
        """Nothing to keep."""


class Mail:
    """Channels by which approvers are told; `tell` may raise Unavailable."""

    def __init__(self, tell: Callable[[Any], None]) -> None:
        self._tell = tell

    def mail(self) -> Mail:
        return self

    def log(self) -> Mail:
        return self

    def named(self, _name: str) -> Mail:
        return self

    def send(self, message: Any) -> None:
        self._tell(message)


class Node:
    """One process's objects, made when they are first asked for, and lost with it."""

    def __init__(self, doors: Doors, broker: Broker, *, name: str, work: Kind, tell: Callable[[Any], None]) -> None:
        self.doors = doors
        self.broker = broker
        self.name = name
        self._work = work
        self._tell = tell

    @cached_property
    def advancer(self) -> Advancer:
        doors = self.doors
        return Advancer(
            store=doors.store, outbox=doors.outbox, publisher=self.broker.publisher, signals=self.broker.signals
        )

    @cached_property
    def starter(self) -> Starter:
        return Starter(definitions=self.doors.definitions, reader=self.doors.reader, advancer=self.advancer)

    @cached_property
    def triggers(self) -> Triggers:
        return Triggers(self.starter)

    @cached_property
    def canceller(self) -> Canceller:
        return Canceller(reader=self.doors.reader, advancer=self.advancer)

    @cached_property
    def pauser(self) -> Pauser:
        return Pauser(reader=self.doors.reader, advancer=self.advancer)

    @cached_property
    def retrier(self) -> Retrier:
        doors = self.doors
        return Retrier(
            reader=doors.reader, instances=doors.store, definitions=doors.definitions, advancer=self.advancer
        )

    @cached_property
    def approver(self) -> Approver:
        doors = self.doors
        return Approver(
            approvals=doors.approvals,
            definitions=doors.definitions,
            reader=doors.reader,
            advancer=self.advancer,
            clock=doors.recovery,
        )

    @cached_property
    def events(self) -> Events:
        return Events(events=self.doors.events, store=self.doors.store, advancer=self.advancer)

    @cached_property
    def router(self) -> Router:
        doors = self.doors
        return Router(
            events=doors.events,
            definitions=doors.definitions,
            reader=doors.reader,
            starter=self.starter,
            triggers=self.triggers,
            advancer=self.advancer,
        )

    @cached_property
    def receiver(self) -> Receiver:
        doors = self.doors
        return Receiver(
            definitions=doors.definitions,
            deliveries=doors.deliveries,
            project=ActiveProject(doors.definitions),
            starter=self.starter,
            triggers=self.triggers,
        )

    @cached_property
    def performer(self) -> Performer:
        doors = self.doors
        mail: Any = Mail(self._tell)
        children = Children(starter=self.starter, reader=doors.reader, store=doors.store, canceller=self.canceller)
        return Performer(
            kinds={"http": self._work, "emit": Emit(self.events)},
            secrets=None,  # type: ignore[arg-type]
            logs=NoLogs(),  # type: ignore[arg-type]
            asker=Asker(approvals=doors.approvals, electors=self.approver, channels=mail, public="http://h"),
            children=children,
            router=self.router,
            clock=doors.recovery,
            outbox=doors.outbox,
            large=LargeOutputs(store=doors.values),
        )

    @cached_property
    def scheduler(self) -> Scheduler:
        doors = self.doors
        timetable = Timetable(
            definitions=doors.definitions, schedules=doors.schedules, triggers=self.triggers, clock=doors.recovery
        )
        return Scheduler(
            recovery=doors.recovery,
            timers=Timers(recovery=doors.recovery, leases=self.broker.leases, advancer=self.advancer),
            recoverer=Recoverer(
                store=doors.store,
                recovery=doors.recovery,
                publisher=self.broker.publisher,
                leases=self.broker.leases,
                receiver=self.receiver,
            ),
            holder=self.name,
            starts={
                "events": self.router,
                "schedules": ScheduledStarts(
                    timetable=timetable,
                    schedules=doors.schedules,
                    reader=doors.reader,
                    recovery=doors.recovery,
                    starter=self.starter,
                    triggers=self.triggers,
                    canceller=self.canceller,
                ),
                "workflows": StartsAfter(
                    ends=doors.ends,
                    definitions=doors.definitions,
                    reader=doors.reader,
                    recovery=doors.recovery,
                    starter=self.starter,
                    triggers=self.triggers,
                ),
            },
        )

    def tasks(self) -> TaskWorker:
        worker = TaskWorker(self.broker, self.performer, threads=3)
        worker._heartbeat._worker = self.name
        return worker

    def notifications(self) -> NotificationWorker:
        return NotificationWorker(self.broker, self.advancer)

    def combined(self) -> CombinedWorker:
        worker = CombinedWorker(self.broker, self.performer, self.advancer, threads=3)
        worker._tasks._heartbeat._worker = self.name
        return worker

    def relay(self) -> Part:
        sweeps = Relay(outbox=self.doors.outbox, publisher=self.broker.publisher, leases=self.broker.leases)
        return relay_loop(sweeps)

    def schedules(self) -> Part:
        return scheduler_loop(self.scheduler)


ROLES: Mapping[str, Callable[[Node], Part | None]] = {
    "tasks": Node.tasks,
    "notifications": Node.notifications,
    "combined": Node.combined,
    "relay": Node.relay,
    "scheduler": Node.schedules,
    "api": lambda _node: None,
}
