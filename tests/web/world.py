"""A small world to look at: real stores, the one door and the use cases, with workflows, instances and all that belongs to them."""

from __future__ import annotations

import hashlib
import itertools
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory

import httpx
from starlette.applications import Starlette
from uuid_utils import uuid7

from engine.adapters.artifacts.connect import open_files
from engine.adapters.broker.connect import connect
from engine.adapters.clock import SystemClock
from engine.adapters.databases.connect import open_definitions, open_instances
from engine.api.app import create
from engine.app.advance import Advancer
from engine.app.approve import Approver, token_hash
from engine.app.artifact_ports import Artifact
from engine.app.cancel import Canceller
from engine.app.events import Events
from engine.app.pause import Pauser
from engine.app.records import NOTIFICATIONS, DeliveryResult, LogLine, NewDelivery, Notification, Parent, Verdict
from engine.app.resolve import Resolver
from engine.app.retry import Retrier
from engine.app.services import Services
from engine.app.start import Starter
from engine.app.timetable import Timetable
from engine.app.triggers import Triggers
from engine.app.versions import ProjectVersion, Source, SyncReport, Version
from engine.cli.web_server import WebServer
from engine.config import Config
from engine.core import events
from engine.core.codec import definition_to_json, digest
from engine.core.keys import split_path
from tests.ports import free_port
from tests.web.definitions import GATE, NIGHTLY, PROJECT, RELEASE

PATIENCE = 60.0
"""Seconds for an answer: a machine with other work on it may stand still for longer than httpx waits by itself."""
TOKEN = "a-token-of-the-tests"
COMMIT = "3f9c2a7be1d04c55a6b7c8d9e0f1a2b3c4d5e6f7"

TEXT = 'name: release\ndescription: Build, approve and roll out one service.\n\ntasks:\n  build:\n    uses: http\n    with: {url: "https://ci.example.com/build"}\n'


class Sent:
    """A publisher that reaches nobody: the tests themselves say what became of each task."""

    def __init__(self):
        self.messages = []

    def publish(self, messages):
        self.messages.extend(messages)

    def generation(self):
        return "1"


class Links:
    """Remembers who was sent a link."""

    def __init__(self):
        self.sent = []

    def send_link(self, approval, person):
        self.sent.append((approval, person))


class World:
    """Everything behind the API on one database."""

    def __init__(self, url, *, dev=False):
        self.url = url
        self.instances = open_instances(url)
        self.definitions_db = open_definitions(url)
        self.definitions = self.definitions_db.definitions
        self.broker = connect("memory://")
        self.signals = self.broker.signals
        self.links = Links()
        self.folder = TemporaryDirectory(prefix="headrace-test-files-")
        self.files = open_files(Path(self.folder.name).as_uri())
        self.asked_syncs = []
        self.sent = Sent()
        self.advancer = Advancer(
            store=self.instances.store, outbox=self.instances.outbox, publisher=self.sent, signals=self.signals
        )
        self.approver = Approver(
            approvals=self.instances.approvals,
            definitions=self.definitions,
            reader=self.instances.reader,
            advancer=self.advancer,
            clock=SystemClock(),
            dev=dev,
        )
        starter = Starter(definitions=self.definitions, reader=self.instances.reader, advancer=self.advancer)
        self.timetable = Timetable(
            definitions=self.definitions,
            schedules=self.instances.schedules,
            triggers=Triggers(starter),
            clock=self.instances.recovery,
        )
        self.services = Services(
            reader=self.instances.reader,
            instances=self.instances.store,
            approvals=self.instances.approvals,
            deliveries=self.instances.deliveries,
            definitions=self.definitions,
            logs=self.instances.logs,
            values=self.instances.values,
            artifacts=self.instances.artifacts,
            files=self.files,
            outbox=self.instances.outbox,
            signals=self.signals,
            starter=starter,
            canceller=Canceller(reader=self.instances.reader, advancer=self.advancer),
            pauser=Pauser(reader=self.instances.reader, advancer=self.advancer),
            retrier=Retrier(
                reader=self.instances.reader,
                instances=self.instances.store,
                definitions=self.definitions,
                advancer=self.advancer,
            ),
            resolver=Resolver(
                reader=self.instances.reader,
                instances=self.instances.store,
                advancer=self.advancer,
                clock=self.instances.recovery,
            ),
            events=Events(events=self.instances.events, store=self.instances.store, advancer=self.advancer),
            event_store=self.instances.events,
            approver=self.approver,
            links=self.links,
            timetable=self.timetable,
            slots=self.instances.slots,
            backlogs=self.instances.backlogs,
            queue_figures=self.broker.figures,
            ask_sync=lambda: self.asked_syncs.append(1),
            checks={"database": self.instances.ping},
        )
        self._numbers = itertools.count(1)

    def close(self):
        self.advancer.flush()  # or a timer does it, on a database that is gone
        self.broker.close()
        self.folder.cleanup()
        self.instances.close()
        self.definitions_db.close()

    def load(self, *definitions, project=PROJECT, commit=COMMIT, author="dora@example.com", text=TEXT):
        """The definitions become the active ones, as a sync would have it."""
        versions = []
        for definition in definitions:
            document = definition_to_json(definition)
            versions.append(
                Version(
                    id=f"v{next(self._numbers)}-{commit[:6]}",
                    workflow=definition.name,
                    digest=digest(document),
                    source="main",
                    commit=commit,
                    path=f"workflows/{definition.name}.yaml",
                    author_name=author.partition("@")[0].title(),
                    author_email=author,
                    committed_at=1_795_000_000_000,
                    text=text,
                    document=document,
                )
            )
        self.definitions.load(
            report=self.report("loaded", commit, added=tuple(version.workflow for version in versions)),
            source=Source(name="main", url="/repo"),
            versions=versions,
            project=ProjectVersion(source="main", commit=commit, document=project.to_json()),
        )

    def report(self, state, commit=COMMIT, **values):
        values = {"author_name": "Dora", "author_email": "dora@example.com", "message": "Add the workflows", **values}
        at = SystemClock().now()
        return SyncReport(id=f"s{next(self._numbers)}", source="main", commit=commit, state=state, at=at, **values)

    def start(self, workflow, inputs=None, by="ana", **keys):
        return self.services.starter.start(workflow, inputs or {}, by=by, **keys)

    def start_child(self, workflow, parent, path):
        """What a `workflow` task would start."""
        above = Parent(instance=parent, path=path, attempt=1)
        key = f"child:{parent}/{path}/1"
        return self.services.starter.start_child(workflow, {}, parent=above, depth=1, by="ana", start_key=key)

    def leave(self, instance, path, contents, *, name="report", attempt=1, root=""):
        """An attempt has left files; `contents` by the path of each. Gives their ids, in this order."""
        rows = []
        for file, content in contents.items():
            found = hashlib.sha256(content).hexdigest()
            self.instances.artifacts.reserve({found: len(content)})
            self.files.keep(found, len(content), BytesIO(content))
            rows.append(
                Artifact(
                    id=str(uuid7()),
                    instance=instance,
                    path=path,
                    attempt=attempt,
                    name=name,
                    file=file,
                    root=root,
                    digest=found,
                    size=len(content),
                )
            )
        self.instances.artifacts.put(instance, path, attempt, rows)
        return [row.id for row in rows]

    def tell(self, instance, event, scope=""):
        self.advancer.submit([Notification(instance=instance, scope=scope, event=events.to_json(event))])
        self.settle()

    def settle(self):
        """Scopes and instances hear from each other until nobody has anything to say."""
        while heard := [message for message in self.sent.messages if message.queue == NOTIFICATIONS]:
            self.sent.messages[:] = [message for message in self.sent.messages if message.queue != NOTIFICATIONS]
            self.advancer.submit([Notification(**message.body) for message in heard])

    def succeed(self, instance, path, outputs=None, attempt=1):
        scope, name = split_path(path)
        self.tell(instance, events.TaskStarted(task=name, attempt=attempt, worker="w1"), scope)
        self.tell(instance, events.TaskSucceeded(task=name, attempt=attempt, outputs=outputs or {}), scope)

    def fail(self, instance, path, error, attempt=1):
        scope, name = split_path(path)
        self.tell(instance, events.TaskStarted(task=name, attempt=attempt, worker="w1"), scope)
        self.tell(instance, events.TaskFailed(task=name, attempt=attempt, error=error), scope)

    def decide(self, instance, person, decision, path="ask", **values):
        found = self.instances.approvals.at(instance, path)
        return self.approver.decide(found.id, person=person, decision=decision, via="api", **values)

    def link(self, approval, person, token=None):
        token = token or f"token-of-{person}-{approval[-12:]}-0123456789abcdef"
        self.instances.approvals.add_token(approval, person, token_hash(token))
        return token

    def log(self, instance, path, *texts, stream="stdout", first=1):
        at = SystemClock().now()
        self.instances.logs.append(
            [
                LogLine(instance=instance, path=path, attempt=1, number=first + n, stream=stream, text=text, at=at + n)
                for n, text in enumerate(texts)
            ]
        )

    def delivery(
        self, id, state="ignored", verdicts=(), *, reason="", event="push", body=b'{"ref": "refs/heads/main"}'
    ):
        headers = {"X-GitHub-Event": event, "User-Agent": "GitHub-Hookshot/1"}
        self.instances.deliveries.receive(
            [NewDelivery(id=id, source="github", provider="github", event=event, headers=headers, body=body)]
        )
        if state != "received":
            self.advancer.advance(
                [], deliveries=[DeliveryResult(id=id, state=state, verdicts=tuple(verdicts), reason=reason)]
            )


def release_until_approval(world, **inputs):
    """An instance of `release` that waits for people."""
    instance = world.start("release", {"service": "billing", "sha": "3f9c2a7", **inputs}, by="dora")
    world.succeed(instance, "fetch_sources")
    world.log(instance, "fetch_sources", "Cloning into 'billing'...", "HEAD is now at 3f9c2a7 Round half to even")
    world.succeed(instance, "build", {"image": "registry.example.com/billing:3f9c2a7", "score": 0.97})
    world.succeed(instance, "unit_tests")
    world.log(instance, "unit_tests", "1182 passed in 41.20s")
    world.succeed(instance, "integration_tests")
    world.succeed(instance, "scan", {"findings": 0})
    return instance


def populate(world):
    """What a team's engine looks like on some Tuesday; gives the ids of instances by what they show."""
    world.load(RELEASE, GATE, NIGHTLY)
    found = {}
    done = found["succeeded"] = release_until_approval(world)
    ticket = {"change_ticket": "CHG-1042"}
    for person in ("ana", "ben"):
        world.decide(done, person, "approved", "approve", form=ticket, comment="Looks good." if person == "ana" else "")
    world.succeed(done, "deploy")
    world.leave(done, "deploy", {"out/report.txt": b"all went well\n", "out/log.txt": b""})
    world.succeed(done, "finally/report")
    world.succeed(done, "finally/clean_up")
    failed = found["failed"] = world.start("nightly-cleanup", by="webhook:github")
    world.log(failed, "list_images", "found 214 images")
    error = {"kind": "exit", "message": "the script ended with exit code 2", "details": {"exit_code": 2}}
    world.log(failed, "list_images", "curl: (28) Connection timed out after 10001 ms", stream="stderr", first=5)
    world.fail(failed, "list_images", error)
    cancelled = found["cancelled"] = world.start("gate", by="ben")
    world.services.canceller.cancel(cancelled, by="ben", reason="started by mistake")
    running = found["running"] = world.start("release", {"service": "web", "sha": "a1b2c3d"}, by="cleo")
    world.succeed(running, "fetch_sources")
    world.tell(running, events.TaskStarted(task="build", attempt=1, worker="w1"))
    waiting = found["waiting"] = release_until_approval(world)
    world.decide(waiting, "ben", "approved", "approve", form=ticket)
    world.delivery(
        "d-started",
        "started",
        [Verdict(workflow="release", instance=done), Verdict(workflow="gate", reason="condition is false")],
    )
    world.delivery("d-ignored", "ignored", reason="no workflow listens for it", event="star")
    world.delivery("d-failed", "failed", [Verdict(workflow="release", reason="inputs do not fit: /sha")])
    finding = {
        "path": "workflows/release.yaml", "line": 14, "column": 12, "end_line": None, "end_column": None,
        "severity": "error", "rule": "unknown-need", "message": 'task "ship" needs "tset", which does not exist', "suggestion": "test",
    }  # fmt: skip
    world.definitions.record_sync(
        world.report("refused", "99aa" * 10, message="Ship after the test", findings=(finding,))
    )
    world.definitions.record_sync(world.report("failed", None, message="", error="the remote does not answer"))
    return found


@contextmanager
def served(app):
    """The app on a server of its own, as the processes serve it; gives its address."""
    port = free_port()
    server = WebServer(app, name="test", host="127.0.0.1", port=port)
    server.start()
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        server.stop(15)


class Stage:
    """One real server for many tests: each puts its own app on."""

    def __init__(self):
        self.app = Starlette()
        self.state = self.app.state

    async def __call__(self, scope, receive, send):
        await self.app(scope, receive, send)

    @contextmanager
    def client(self, app):
        self.app = app
        with httpx.Client(base_url=self.url, trust_env=False, timeout=PATIENCE) as made:
            yield made


@contextmanager
def api(world, **settings):
    """The API over a world on a server of its own, and a client for it."""
    with (
        served(create(world.services, Config(**settings))) as url,
        httpx.Client(base_url=url, trust_env=False, timeout=PATIENCE) as client,
    ):
        yield client
