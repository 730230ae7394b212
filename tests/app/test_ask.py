from __future__ import annotations

import re
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from engine.adapters.channels.registry import Channels
from engine.adapters.clock import SystemClock
from engine.adapters.databases.connect import InstancesDatabase, open_definitions, open_instances
from engine.adapters.secrets import SecretStore
from engine.app.approve import Approver, token_hash
from engine.app.ask import Asker
from engine.app.records import ApprovalEffect, Facts, NewInstance, Record
from engine.app.versions import ProjectVersion, Source, SyncReport, Version
from engine.core.commands import AskApprovers, CloseApproval, OpenApproval
from engine.core.events import ApproversAsked, AskingFailed
from engine.core.project import ChannelSpec, Person, Project
from engine.errors import Conflict, Forbidden, Unavailable
from tests.mailbox import mailbox

PROJECT = Project(
    people={
        "ana": Person(name="ana", emails=("ana@example.com",)),
        "bo": Person(name="bo", emails=("bo@example.com", "Bo@old.example"), logins=("bo-git",)),
        "cy": Person(name="cy", emails=("cy@example.com",)),
        "dee": Person(name="dee"),
    },
    groups={"ops": ("bo", "cy")},
    channels={
        "wall": ChannelSpec(name="wall", kind="log"),
        "broken": ChannelSpec(name="broken", kind="slack", secret="x"),
    },
)
COMMAND = AskApprovers(instance="i1", path="approve", attempt=1, workflow="release")
PUBLIC = "https://flows.example"


@dataclass
class World:
    """One instance, started by bo from a version that ana wrote, waiting at an approval."""

    instances: InstancesDatabase
    approver: Approver

    def open(self, **changes):
        values = {"path": "approve", "attempt": 1, "message": "Release\nbilling?", "approvers": ["ana", "group:ops"]}
        self.record(OpenApproval(**(values | changes)))
        return self.instances.approvals.at("i1", "approve", 1)

    def record(self, command):
        with self.instances.store.lock([("i1", "")]) as locked:
            locked.record(Record(approvals=[ApprovalEffect(instance="i1", command=command, at=1)]))

    def asker(self, *, smtp_url="", dev=False):
        channels = Channels(
            smtp_url=smtp_url,
            mail_from="engine@example.com",
            secrets=SecretStore("", {}),
            project=self.approver.project,
        )
        return Asker(
            approvals=self.instances.approvals, electors=self.approver, channels=channels, public=f"{PUBLIC}/", dev=dev
        )

    def person(self, text):
        """Whom the link in a text stands for."""
        token = re.search(rf"{PUBLIC}/approvals/([A-Za-z0-9_-]{{43}})\s*$", text)[1]
        return self.instances.approvals.by_token(token_hash(token))[1]


@pytest.fixture
def world(sqlite_url):
    with closing(open_instances(sqlite_url)) as instances, closing(open_definitions(sqlite_url)) as definitions:
        version = Version(
            id="v1",
            workflow="release",
            digest="d1",
            source="main",
            commit="c1",
            path="release.yaml",
            author_name="Ana",
            author_email="ANA@example.com",
            committed_at=1,
            text="",
            document={},
        )
        definitions.definitions.load(
            report=SyncReport(id="s1", source="main", commit="c1", state="loaded"),
            source=Source(name="main", url="."),
            versions=[version],
            project=ProjectVersion(source="main", commit="c1", document=PROJECT.to_json()),
        )
        facts = Facts(
            workflow="release", digest="d1", commit="c1", inputs={}, trigger={}, started_by="bo-git", started_at=1
        )
        with instances.store.lock([]) as locked:
            new = NewInstance(id="i1", facts=facts, version="v1")
            locked.record(Record(definitions={"d1": {}}, new_instances=[new]))
        approver = Approver(
            approvals=instances.approvals,
            definitions=definitions.definitions,
            reader=instances.reader,
            advancer=None,
            clock=SystemClock(),
        )
        yield World(instances, approver)


@pytest.fixture
def box():
    with mailbox() as started:
        yield started


def recipients(box):
    return [address for envelope, _ in box.mails for address in envelope.rcpt_tos]


def test_each_person_gets_a_link_of_their_own(world, box):
    world.open()
    asked = world.asker(smtp_url=box.url).ask(COMMAND)
    assert asked == ApproversAsked(task="approve", attempt=1)
    assert recipients(box) == ["ana@example.com", "bo@example.com", "cy@example.com"]
    for name in ("ana", "bo", "cy"):
        text = box.text(f"{name}@example.com")
        assert "Release\nbilling?" in text
        assert world.person(text) == name
    assert box.mails[0][1]["Subject"] == "Approval needed: Release billing?"


def test_only_the_hash_of_a_token_is_stored(world, box, sqlite_url):
    world.open()
    world.asker(smtp_url=box.url).ask(COMMAND)
    token = re.search(r"approvals/(\S+)", box.text("ana@example.com"))[1]
    files = [file.read_bytes() for file in Path(sqlite_url.removeprefix("sqlite:///")).parent.iterdir()]
    assert any(token_hash(token).encode() in content for content in files)
    assert not any(token.encode() in content for content in files)


def test_the_author_and_the_starter_are_left_out(world, box):
    world.open(exclude=["author", "starter"])
    world.asker(smtp_url=box.url).ask(COMMAND)
    assert recipients(box) == ["cy@example.com"]


def test_nobody_left_to_ask_is_a_failure_that_says_so(world, box):
    world.open(approvers=["ana", "left-the-company"], exclude=["author"])
    failed = world.asker(smtp_url=box.url).ask(COMMAND)
    assert isinstance(failed, AskingFailed)
    assert "nobody may decide" in failed.message
    assert box.mails == []


def test_somebody_out_of_reach_is_named_and_the_others_are_asked(world, box):
    world.open(approvers=["ana", "bo", "dee"])
    box.refusing = {"bo@example.com": "550 no such user"}
    assert world.asker(smtp_url=box.url).ask(COMMAND) == ApproversAsked(
        task="approve", attempt=1, undelivered=["bo", "dee"]
    )
    assert recipients(box) == ["ana@example.com"]


def test_a_database_that_is_away_leaves_nobody_out(world, box, monkeypatch):
    """The simulator's seed 44: the link of the second of two could not be stored, and nobody asked them ever again."""
    approval = world.open()
    store, add = world.instances.approvals, world.instances.approvals.add_token
    calls = []

    def away_once(*arguments):
        calls.append(arguments)
        if len(calls) == 2:
            raise Unavailable("the database", "it is away")
        add(*arguments)

    monkeypatch.setattr(store, "add_token", away_once)
    assert isinstance(world.asker(smtp_url=box.url).ask(COMMAND), AskingFailed)
    assert box.mails == []
    assert world.asker(smtp_url=box.url).ask(COMMAND).undelivered == []
    assert len(box.mails) == 3
    assert {person for _, person, _ in calls} == {"ana", "bo", "cy"}
    assert approval.state == "open"


def test_when_nobody_can_be_reached_it_has_failed(world):
    world.open()
    failed = world.asker(smtp_url="smtp://127.0.0.1:1").ask(COMMAND)
    assert isinstance(failed, AskingFailed)
    assert "mail is unavailable" in failed.message


def test_a_channel_gets_a_link_that_stands_for_nobody(world, box):
    approval = world.open(channel="wall")
    with capture_logs() as logs:
        world.asker(smtp_url=box.url).ask(COMMAND)
    assert [entry["links"] for entry in logs] == [f"Open the approval: {PUBLIC}/approvals/at/{approval.id}"]
    assert len(box.mails) == 3


def test_a_channel_out_of_reach_is_named(world, box):
    world.open(channel="broken")
    assert world.asker(smtp_url=box.url).ask(COMMAND).undelivered == ["broken"]
    assert len(box.mails) == 3


def test_without_mail_the_log_tells_where_the_approval_is_and_nothing_more(world):
    approval = world.open()
    with capture_logs() as logs:
        asked = world.asker().ask(COMMAND)
    assert asked == ApproversAsked(task="approve", attempt=1)
    assert [entry["links"] for entry in logs] == [f"Open the approval: {PUBLIC}/approvals/at/{approval.id}"]


def test_dev_prints_personal_links(world):
    world.open(approvers=["ana", "dee"])
    with capture_logs() as logs:
        world.asker(dev=True).ask(COMMAND)
    *personal, located = logs
    assert [world.person(entry["links"]) for entry in personal] == ["ana", "dee"]
    assert "/approvals/at/" in located["links"]


def test_asked_twice_all_links_work(world, box):
    world.open(approvers=["ana"])
    asker = world.asker(smtp_url=box.url)
    asker.ask(COMMAND)
    asker.ask(COMMAND)
    assert [world.person(message.get_content()) for _, message in box.mails] == ["ana", "ana"]


def test_a_closed_approval_asks_nobody(world, box):
    world.open()
    world.record(CloseApproval(path="approve", attempt=1, outcome="approved"))
    assert world.asker(smtp_url=box.url).ask(COMMAND) == ApproversAsked(task="approve", attempt=1)
    assert box.mails == []


def test_an_approval_that_does_not_exist_is_a_failure(world):
    assert isinstance(world.asker().ask(replace(COMMAND, path="other")), AskingFailed)


def test_a_person_can_ask_for_their_link(world, box):
    approval = world.open(exclude=["author"])
    asker = world.asker(smtp_url=box.url)
    asker.send_link(approval.id, "cy")
    assert world.person(box.text("cy@example.com")) == "cy"
    for person in ("ana", "dee", "nobody"):
        with pytest.raises(Forbidden):
            asker.send_link(approval.id, person)
    with pytest.raises(Unavailable):
        world.asker().send_link(approval.id, "cy")
    world.record(CloseApproval(path="approve", attempt=1, outcome="approved"))
    with pytest.raises(Conflict):
        asker.send_link(approval.id, "cy")
    assert recipients(box) == ["cy@example.com"]


def test_a_message_from_outside_cannot_write_headers(world, box):
    world.open(message="Ship\r\nBcc: evil@example.com\r\n\r\nhello <!channel>", approvers=["ana"])
    world.asker(smtp_url=box.url).ask(COMMAND)
    [(envelope, message)] = box.mails
    assert envelope.rcpt_tos == ["ana@example.com"]
    assert message["Bcc"] is None
    assert message["Subject"] == "Approval needed: Ship Bcc: evil@example.com hello <!channel>"
