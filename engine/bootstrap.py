"""Puts the pieces of a process together from its settings. Nothing is opened, or imported, before it is asked for."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable, Mapping
from functools import cached_property
from typing import TYPE_CHECKING

from engine.adapters.broker.connect import Broker
from engine.adapters.broker.connect import connect as connect_broker
from engine.adapters.clock import SystemClock
from engine.adapters.databases.connect import (
    DefinitionsDatabase,
    InstancesDatabase,
    open_definitions,
    open_instances,
)
from engine.adapters.secrets import SecretStore
from engine.app.advance import Advancer
from engine.app.project import ActiveProject
from engine.app.versions import Source
from engine.config import Config
from engine.errors import Misconfigured, Unavailable

if TYPE_CHECKING:
    from engine.app.approve import Approver
    from engine.app.artifact_ports import Files
    from engine.app.ask import Asker
    from engine.app.cancel import Canceller
    from engine.app.events import Events
    from engine.app.perform import Performer
    from engine.app.receive import Receiver
    from engine.app.recipients import ChannelChoice
    from engine.app.relay import Relay
    from engine.app.route import Router
    from engine.app.schedule import Scheduler
    from engine.app.services import Services
    from engine.app.start import Starter
    from engine.app.sync import Synchronizer
    from engine.app.timetable import Timetable
    from engine.app.triggers import Triggers

SOURCE = "main"
"""The name of the one source that the settings describe."""


class Application:
    """One process's pieces, each made once, when first asked for. `close` lets go of them in the right order."""

    def __init__(self, config: Config) -> None:
        self.config = config
        self.clock = SystemClock()

    @cached_property
    def instances(self) -> InstancesDatabase:
        """The instances DB."""
        return open_instances(self.config.instances)

    @cached_property
    def definitions(self) -> DefinitionsDatabase:
        """The definitions DB."""
        return open_definitions(self.config.definitions)

    @cached_property
    def broker(self) -> Broker:
        """Queues, leases and signals."""
        return connect_broker(self.config.broker_url, lease_ms=int(self.config.lease * 1000))

    @cached_property
    def files(self) -> Files:
        """Contents of files between tasks."""
        from engine.adapters.artifacts.connect import open_files

        return open_files(self.config.artifact_store)

    @cached_property
    def secrets(self) -> SecretStore:
        """Values of secrets."""
        return SecretStore(self.config.secrets_dir, os.environ)

    @cached_property
    def project(self) -> ActiveProject:
        """The project that is live now."""
        return ActiveProject(self.definitions.definitions)

    @cached_property
    def channels(self) -> ChannelChoice:
        """Ways to reach people."""
        from engine.adapters.channels.registry import Channels

        return Channels(
            smtp_url=self.config.smtp_url,
            mail_from=self.config.mail_from,
            secrets=self.secrets,
            project=self.project,
        )

    @cached_property
    def advancer(self) -> Advancer:
        """The one door."""
        return Advancer(
            store=self.instances.store,
            outbox=self.instances.outbox,
            publisher=self.broker.publisher,
            signals=self.broker.signals,
        )

    @cached_property
    def starter(self) -> Starter:
        """Starts instances."""
        from engine.app.start import Starter

        return Starter(definitions=self.definitions.definitions, reader=self.instances.reader, advancer=self.advancer)

    @cached_property
    def approver(self) -> Approver:
        """Takes decisions."""
        from engine.app.approve import Approver

        return Approver(
            approvals=self.instances.approvals,
            definitions=self.definitions.definitions,
            reader=self.instances.reader,
            advancer=self.advancer,
            clock=self.instances.recovery,  # the database's time, like that of the timers
            dev=self.config.dev,
        )

    @cached_property
    def asker(self) -> Asker:
        """Tells people that an approval waits for them."""
        from engine.app.ask import Asker

        return Asker(
            approvals=self.instances.approvals,
            electors=self.approver,
            channels=self.channels,
            public=self.config.public,
            dev=self.config.dev,
        )

    @cached_property
    def events(self) -> Events:
        """Takes events in."""
        from engine.app.events import Events

        return Events(events=self.instances.events, store=self.instances.store, advancer=self.advancer)

    @cached_property
    def router(self) -> Router:
        """Takes events to those they are for."""
        from engine.app.route import Router

        return Router(
            events=self.instances.events,
            definitions=self.definitions.definitions,
            reader=self.instances.reader,
            starter=self.starter,
            triggers=self.triggers,
            advancer=self.advancer,
        )

    @cached_property
    def performer(self) -> Performer:
        """Carries out commands."""
        from engine.adapters.kinds.registry import kinds
        from engine.app.artifacts import Artifacts, Limits
        from engine.app.children import Children
        from engine.app.large_outputs import LargeOutputs
        from engine.app.perform import Performer

        return Performer(
            kinds=kinds(
                http_allow=self.config.http_allow,
                http_ports=self.config.http_ports,
                channels=self.channels,
                project=self.project,
                events=self.events,
                container_command=self.config.container_command,
            ),
            secrets=self.secrets,
            logs=self.instances.logs,
            asker=self.asker,
            children=Children(
                starter=self.starter,
                reader=self.instances.reader,
                store=self.instances.store,
                canceller=self.canceller,
            ),
            router=self.router,
            clock=self.clock,
            outbox=self.instances.outbox,
            artifacts=Artifacts(
                files=self.files,
                rows=self.instances.artifacts,
                limits=Limits(file=self.config.artifact_max_file, instance=self.config.artifact_max_instance),
            ),
            large=LargeOutputs(
                store=self.instances.values, output=self.config.output_max, instance=self.config.output_max_instance
            ),
        )

    @cached_property
    def receiver(self) -> Receiver:
        """Makes instances of deliveries."""
        from engine.app.receive import Receiver

        return Receiver(
            definitions=self.definitions.definitions,
            deliveries=self.instances.deliveries,
            project=self.project,
            starter=self.starter,
            triggers=self.triggers,
        )

    @cached_property
    def triggers(self) -> Triggers:
        """Holds entries of `on` against what happened."""
        from engine.app.triggers import Triggers

        return Triggers(self.starter)

    @cached_property
    def relay(self) -> Relay:
        """Publishes what was left in the outbox."""
        from engine.app.relay import Relay

        return Relay(outbox=self.instances.outbox, publisher=self.broker.publisher, leases=self.broker.leases)

    @cached_property
    def scheduler(self) -> Scheduler:
        """Timers, recovery, retention."""
        from engine.app.after_workflows import StartsAfter
        from engine.app.artifacts import Collector
        from engine.app.prune import Keep, Pruner
        from engine.app.recover import Recoverer
        from engine.app.schedule import Scheduler
        from engine.app.schedules import ScheduledStarts
        from engine.app.timers import Timers

        recovery, retention = self.instances.recovery, self.instances.retention
        keep = Keep.of(days=self.config.retention_days, newest=self.config.retention_count)
        pruner = Pruner(retention=retention, clock=recovery, keep=keep)
        return Scheduler(
            recovery=recovery,
            timers=Timers(recovery=recovery, leases=self.broker.leases, advancer=self.advancer),
            recoverer=Recoverer(
                store=self.instances.store,
                recovery=recovery,
                publisher=self.broker.publisher,
                leases=self.broker.leases,
                receiver=self.receiver,
            ),
            holder=f"{socket.gethostname()}-{os.getpid()}-{id(self):x}",
            prunes=(pruner, Collector(self.instances.artifacts, self.files)),
            starts={
                "events": self.router,
                "schedules": ScheduledStarts(
                    timetable=self.timetable,
                    schedules=self.instances.schedules,
                    reader=self.instances.reader,
                    recovery=recovery,
                    starter=self.starter,
                    triggers=self.triggers,
                    canceller=self.canceller,
                ),
                "workflows": StartsAfter(
                    ends=self.instances.ends,
                    definitions=self.definitions.definitions,
                    reader=self.instances.reader,
                    recovery=recovery,
                    starter=self.starter,
                    triggers=self.triggers,
                ),
            },
        )

    @cached_property
    def canceller(self) -> Canceller:
        """The cancel button."""
        from engine.app.cancel import Canceller

        return Canceller(reader=self.instances.reader, advancer=self.advancer)

    @cached_property
    def timetable(self) -> Timetable:
        """The entries of `on.schedule`."""
        from engine.app.timetable import Timetable

        return Timetable(
            definitions=self.definitions.definitions,
            schedules=self.instances.schedules,
            triggers=self.triggers,
            clock=self.instances.recovery,  # the database's time, like that of the scheduler
        )

    @cached_property
    def synchronizer(self) -> Synchronizer:
        """Follows the repository. Raises Misconfigured where none is set."""
        from engine.adapters.commit_status import GitHubStatuses
        from engine.adapters.git.repository import GitRepository
        from engine.app.sync import Synchronizer
        from engine.app.tell_author import AuthorNotice

        config = self.config
        if not config.repo:
            raise Misconfigured("HEADRACE_REPO", "name the git repository that holds the workflows, a path or a URL")
        source = Source(name=SOURCE, url=config.repo, branch=config.branch or None, folder=config.folder)
        return Synchronizer(
            source=source,
            repository=GitRepository(source, config.state_dir),
            definitions=self.definitions.definitions,
            clock=self.clock,
            author=AuthorNotice(statuses=GitHubStatuses(), secrets=self.secrets, channels=self.channels),
        )

    def ask_sync(self) -> None:
        """Have the repository looked at now, by whichever process follows it."""
        self.definitions.definitions.request_sync(SOURCE)

    @property
    def checks(self) -> Mapping[str, Callable[[], None]]:
        """What a process needs to do its work; each raises Unavailable."""
        return {
            "definitions": lambda: self._check_schema(self.definitions, "definitions"),
            "instances": lambda: self._check_schema(self.instances, "instances"),
            "broker": self.broker.ping,
        }

    @cached_property
    def services(self) -> Services:
        """What the API, the pages and the approval links work with."""
        from engine.app.pause import Pauser
        from engine.app.resolve import Resolver
        from engine.app.retry import Retrier
        from engine.app.services import Services

        return Services(
            reader=self.instances.reader,
            instances=self.instances.store,
            approvals=self.instances.approvals,
            deliveries=self.instances.deliveries,
            definitions=self.definitions.definitions,
            logs=self.instances.logs,
            values=self.instances.values,
            artifacts=self.instances.artifacts,
            files=self.files,
            outbox=self.instances.outbox,
            signals=self.broker.signals,
            starter=self.starter,
            canceller=self.canceller,
            pauser=Pauser(reader=self.instances.reader, advancer=self.advancer),
            retrier=Retrier(
                reader=self.instances.reader,
                instances=self.instances.store,
                definitions=self.definitions.definitions,
                advancer=self.advancer,
            ),
            resolver=Resolver(
                reader=self.instances.reader,
                instances=self.instances.store,
                advancer=self.advancer,
                clock=self.instances.recovery,
            ),
            events=self.events,
            event_store=self.instances.events,
            approver=self.approver,
            links=self.asker,
            timetable=self.timetable,
            slots=self.instances.slots,
            backlogs=self.instances.backlogs,
            queue_figures=self.broker.figures,
            ask_sync=self.ask_sync,
            checks=self.checks,
        )

    def upgrade(self) -> None:
        """Bring both databases to this version's schema."""
        self.definitions.upgrade()
        self.instances.upgrade()

    def close(self) -> None:
        """Let go of what was opened; workers and servers have stopped before."""
        made = vars(self)
        if "advancer" in made:
            self.advancer.flush()
        if "scheduler" in made:
            self.scheduler.close()
        for name in ("broker", "instances", "definitions"):
            if name in made:
                made[name].close()

    @staticmethod
    def _check_schema(database: InstancesDatabase | DefinitionsDatabase, name: str) -> None:
        database.ping()
        if not database.current():
            raise Unavailable(f"the {name} database", "its schema is not this version's; run `headrace db upgrade`")
