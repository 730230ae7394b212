"""The use cases of a process on real stores and an in-process broker, with a clock and faults that tests can move."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any
from uuid import uuid4

import psycopg

from engine.adapters.broker.memory_leases import MemoryLeases
from engine.adapters.broker.memory_signals import MemorySignals
from engine.adapters.broker.memory_transport import MemoryTransport
from engine.adapters.broker.publisher import QueuePublisher
from engine.adapters.broker.queue_broker import QueueBroker
from engine.adapters.broker.wire import unseal
from engine.adapters.databases.connect import open_definitions, open_instances
from engine.app.advance import Advancer
from engine.app.after_workflows import StartsAfter
from engine.app.cancel import Canceller
from engine.app.children import Children
from engine.app.ports import Clock
from engine.app.project import ActiveProject
from engine.app.prune import Keep, Pruner
from engine.app.receive import Receiver
from engine.app.recent import Fresh
from engine.app.records import NOTIFICATIONS, Instance, Notification
from engine.app.recover import Recoverer
from engine.app.relay import Relay
from engine.app.retry import Retrier
from engine.app.schedule import Scheduler
from engine.app.schedules import ScheduledStarts
from engine.app.start import Starter
from engine.app.timers import Timers
from engine.app.timetable import Timetable
from engine.app.triggers import Triggers
from engine.app.versions import ProjectVersion, Source, SyncReport, Version
from engine.core import commands
from engine.core.codec import definition_to_json, digest
from engine.core.events import Event, TaskFailed, TaskStarted, TaskSucceeded, to_json
from engine.core.keys import ROOT, lease_key, split_path
from engine.core.state import ScopeState
from engine.spec.load import load
from tests.app.faults import Faults, FaultyPublisher, FaultyStore
from tests.replayed import check_history

NOOP = "{uses: python, with: {call: 'package.module:function'}"
PROJECT = "people: {ana: {email: ana@example.com}, ben: {email: ben@example.com}}"
LEASE = 30_000


class MovedClock:
    """SQLite's time."""

    def __init__(self) -> None:
        self.ahead = 0

    def now(self) -> int:
        import time

        return int(time.time() * 1000) + self.ahead


def movable(url: str) -> tuple[Clock, Callable[[int], None]]:
    """A clock for SQLite, and what moves the time of this database on, in milliseconds; PostgreSQL's own functions are hidden."""
    clock = MovedClock()
    if url.startswith("sqlite"):

        def move(by: int) -> None:
            clock.ahead += by

        return clock, move
    dsn = url.replace("+psycopg", "")
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute("CREATE SCHEMA moved")
        connection.execute("CREATE TABLE moved.by (ms bigint)")
        connection.execute("INSERT INTO moved.by VALUES (0)")
        for name, kind in (("clock_timestamp", "VOLATILE"), ("statement_timestamp", "STABLE")):
            connection.execute(
                f"CREATE FUNCTION moved.{name}() RETURNS timestamptz LANGUAGE sql {kind} AS "
                f"$$ SELECT pg_catalog.{name}() + (SELECT ms FROM moved.by) * interval '1 millisecond' $$"
            )
        name = connection.info.dbname
        connection.execute(f'ALTER DATABASE "{name}" SET search_path = moved, pg_catalog, public')

    def move(by: int) -> None:
        with psycopg.connect(dsn, autocommit=True) as connection:
            connection.execute("UPDATE moved.by SET ms = ms + %s", (by,))

    return clock, move


class World:
    """One process, and what tests need to play everybody else."""

    def __init__(self, url: str) -> None:
        clock, self._move = movable(url)
        self.url = url
        self.clock = clock
        self.faults = Faults()
        self.instances = open_instances(url, clock=clock)
        self._definitions = open_definitions(url, clock=clock)
        self.definitions = self._definitions.definitions
        self.leases, self.signals = MemoryLeases(ms=LEASE), MemorySignals()
        self.transport = MemoryTransport(self.leases, self.signals)
        self.publisher = FaultyPublisher(QueuePublisher(QueueBroker(self.transport), self.transport), self.faults)
        self.store = FaultyStore(self.instances.store, self.faults)
        self.reader = self.instances.reader
        self.recovery = self.instances.recovery
        self.advancers: list[Advancer] = []
        self.advancer = self.make_advancer()
        self.starter = Starter(definitions=self.definitions, reader=self.reader, advancer=self.advancer)
        self.canceller = Canceller(reader=self.reader, advancer=self.advancer)
        self.children = Children(
            starter=self.starter,
            reader=self.reader,
            store=self.store,  # type: ignore[arg-type]
            canceller=self.canceller,
            pause=0,
        )
        self.relay = Relay(outbox=self.instances.outbox, publisher=self.publisher, leases=self.leases)
        self.timers = Timers(recovery=self.recovery, leases=self.leases, advancer=self.advancer)
        self.triggers = Triggers(self.starter)
        self.timetable = Timetable(
            definitions=self.definitions,
            schedules=self.instances.schedules,
            triggers=self.triggers,
            clock=self.recovery,
        )
        self.receiver = Receiver(
            definitions=self.definitions,
            deliveries=self.instances.deliveries,
            project=ActiveProject(self.definitions),
            starter=self.starter,
            triggers=self.triggers,
        )

    def move(self, by: int) -> None:
        """Time goes on by so many milliseconds, and everybody asks for it anew."""
        self._move(by)
        if not self.url.startswith("sqlite"):
            self.instances.store._time.forget()

    def make_advancer(self) -> Advancer:
        """As another process would have it: nothing remembered."""
        made = Advancer(
            store=self.store,  # type: ignore[arg-type]
            outbox=self.instances.outbox,
            publisher=self.publisher,
            signals=self.signals,
        )
        self.advancers.append(made)
        return made

    def retrier(self) -> Retrier:
        return Retrier(
            reader=self.instances.reader,
            instances=self.instances.store,
            definitions=self.definitions,
            advancer=self.advancer,
        )

    def recoverer(self, receiver: Any = None) -> Recoverer:
        return Recoverer(
            store=self.instances.store,
            recovery=self.recovery,
            publisher=self.publisher,
            leases=self.leases,
            receiver=receiver or self.receiver,
        )

    def scheduler(self, holder: str = "one", *, keep: Keep | None = None) -> Scheduler:
        return Scheduler(
            recovery=self.recovery,
            timers=self.timers,
            recoverer=self.recoverer(),
            holder=holder,
            prunes=(self.pruner(keep),),
            starts={"schedules": self.scheduled(), "workflows": self.after()},
        )

    def pruner(self, keep: Keep | None = None) -> Pruner:
        """As another process would have it: nothing remembered. It needs no rest."""
        return Pruner(
            retention=self.instances.retention, clock=self.recovery, keep=keep or Keep(), monotonic=lambda: 0.0
        )

    def scheduled(self) -> ScheduledStarts:
        """As another process would have it: nothing remembered."""
        return ScheduledStarts(
            timetable=self.timetable,
            schedules=self.instances.schedules,
            reader=self.reader,
            recovery=self.recovery,
            starter=self.starter,
            triggers=self.triggers,
            canceller=self.canceller,
        )

    def after(self) -> StartsAfter:
        return StartsAfter(
            ends=self.instances.ends,
            definitions=self.definitions,
            reader=self.reader,
            recovery=self.recovery,
            starter=self.starter,
            triggers=self.triggers,
        )

    def load(self, *texts: str, project: str = PROJECT, **changes: Mapping[str, Any]) -> None:
        """Make these workflows the active ones; `changes` to what was compiled by workflow."""
        files = {f"w{number}.yaml": text.encode() for number, text in enumerate(texts)}
        loaded = load({**files, "project.yaml": project.encode()})
        assert not loaded.errors, [str(finding) for finding in loaded.errors]
        versions = []
        for path, definition in loaded.workflows.items():
            document = definition_to_json(replace(definition, **changes.get(definition.name, {})))
            versions.append(
                Version(
                    id=uuid4().hex,
                    workflow=definition.name,
                    digest=digest(document),
                    source="main",
                    commit="c" * 40,
                    path=path,
                    author_name="Ana",
                    author_email="ana@example.com",
                    committed_at=0,
                    text=loaded.texts[path],
                    document=document,
                )
            )
        self.definitions.load(
            report=SyncReport(id=uuid4().hex, source="main", commit="c" * 40, state="loaded"),
            source=Source(name="main", url="/somewhere"),
            versions=versions,
            project=ProjectVersion(source="main", commit="c" * 40, document=loaded.project.to_json()),
        )
        self.starter._read = Fresh(1)  # it believes for a moment what it read before

    def start(self, tasks: str, *, inputs: Mapping[str, Any] | None = None, **keys: Any) -> str:
        """Load a workflow `w` of this text after its name, and start it."""
        self.load(f"name: w\n{tasks}")
        return self.starter.start("w", dict(inputs or {}), by="ana", **keys)

    def queued(self, queue: str = "tasks") -> list[dict[str, Any]]:
        """What is in a queue now; it is taken out."""
        taken = self.transport.fetch(queue, 10_000, 0)
        bodies = [unseal(message.data).args[0] for message in taken]
        leased = [
            commands.lease_of(body)
            for body, message in zip(bodies, taken, strict=True)
            if message.standing in ("ours", "cancelled")
        ]
        self.transport.settle(
            ack={queue: [message.id for message in taken]}, release=[lease for lease in leased if lease]
        )
        return bodies

    def called_off(self) -> list[str]:
        """Leases whose holders were asked to stop since this was last asked."""
        asked = sorted(self.leases._cancelled)
        self.leases._cancelled.clear()
        return asked

    def tell(self, instance: str, event: Event, scope: str = ROOT, *, advancer: Advancer | None = None) -> None:
        """An event on its way, as the notification queue brings it."""
        (advancer or self.advancer).submit([Notification(instance=instance, scope=scope, event=to_json(event))])

    def answer(self, command: Mapping[str, Any], outputs: Any = None, *, error: str = "") -> None:
        """What a worker says of a command it carried out."""
        scope, task = split_path(command["path"])
        attempt = command["attempt"]
        event: Event = TaskSucceeded(task=task, attempt=attempt, outputs=outputs)
        if error:
            event = TaskFailed(task=task, attempt=attempt, error={"kind": error, "message": error})
        self.tell(command["instance"], event, scope)

    def begin(self, command: Mapping[str, Any], *, lease: bool = True) -> None:
        """A worker has been at it for a while."""
        scope, task = split_path(command["path"])
        self.tell(command["instance"], TaskStarted(task=task, attempt=command["attempt"]), scope)
        if lease:
            self.leases.renew([lease_of(command)])

    def work(self, rounds: int = 50) -> None:
        """A worker that does at once whatever is asked."""
        for _ in range(rounds):
            noticed = self.notice()
            commands = self.queued()
            if not commands and not noticed:
                return
            for command in commands:
                if command["type"] == "RunTask":
                    self.answer(command)

    def notice(self) -> int:
        """A notification worker takes what is in its queue: events for transactions of their own."""
        waiting = self.queued(NOTIFICATIONS)
        for body in waiting:
            self.advancer.submit([Notification(**body)])
        return len(waiting)

    def wait_for_timers(self, *, most: int = 20) -> None:
        """A second passes (timers are stored in coarse steps), and the scheduler looks until nothing is due."""
        self.move(1_000)
        for _ in range(most):
            if not self.timers.run_once():
                return
        raise AssertionError("the timers never come to rest")

    def get(self, instance: str) -> Instance:
        return self.reader.get(instance)

    def state(self, instance: str) -> str:
        return self.get(instance).state

    def scope(self, instance: str, path: str = ROOT) -> ScopeState:
        return self.reader.scopes(instance)[path]

    def run(self, instance: str, task: str, path: str = ROOT) -> Any:
        return self.scope(instance, path)["tasks"][task]

    def sql(self, statement: str, *values: Any) -> list[tuple[Any, ...]]:
        """Straight to the database, with `?` for values."""
        if self.url.startswith("sqlite"):
            import sqlite3

            path = self.url.removeprefix("sqlite:///")
            connection = sqlite3.connect(path, isolation_level=None, timeout=10)
            try:
                return connection.execute(statement, values).fetchall()
            finally:
                connection.close()
        with psycopg.connect(self.url.replace("+psycopg", ""), autocommit=True) as connection:
            cursor = connection.execute(statement.replace("?", "%s"), values)  # type: ignore[arg-type]
            return cursor.fetchall() if cursor.description else []

    def damage(self) -> Callable[[], None]:
        """Make every definition so far unreadable; what is returned mends them."""
        kept = self.sql("SELECT digest, CAST(document AS text) FROM definitions")
        self.sql("UPDATE definitions SET document = ?", '{"made_by": "a newer engine"}')

        def mend() -> None:
            for name, document in kept:
                self.sql("UPDATE definitions SET document = ? WHERE digest = ?", document, name)

        return mend

    def waiting_in_outbox(self) -> int:
        return self.instances.outbox.size()[0]

    def parked(self) -> int:
        return self.instances.outbox.size()[1]

    def check_history(self, instance: str) -> None:
        """Folding the recorded history gives the stored state; its numbers have no gap."""
        check_history(self.instances, instance)

    def close(self) -> None:
        for advancer in self.advancers:  # none deletes its published rows once the databases are closed
            advancer.flush()
        self.instances.close()
        self._definitions.close()


def lease_of(command: Mapping[str, Any]) -> str:
    return lease_key(command["instance"], command["path"], command["attempt"])


__all__ = ["NOOP", "NOTIFICATIONS", "World", "lease_of", "movable"]
