"""Approvals: opened, decided and closed by records; read, listed and found by their links here."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from engine.adapters.databases.connect import InstancesDatabase
from engine.app.records import ApprovalDecision, ApprovalEffect, Record
from engine.core.commands import CloseApproval, RecordDecision
from engine.errors import NotFound
from tests.holds.given import opened, record


def decided(person: str, decision: Any = "approved", *, at: int = 20, **changes: Any) -> ApprovalEffect:
    run = {"decision": decision, "at": at, **changes}
    command = RecordDecision(path="approve", attempt=1, person=person, decision=run, via="link")
    return ApprovalEffect(instance="i1", command=command, at=at)


def closed(outcome: str = "approved") -> ApprovalEffect:
    return ApprovalEffect(instance="i1", command=CloseApproval(path="approve", attempt=1, outcome=outcome), at=30)


def test_an_approval_goes_its_way(stores: InstancesDatabase):
    form = {"ticket": {"type": "string"}}
    record(stores, Record(approvals=[opened("i1", form=form, channel="releases", expires_at=99)]))
    (approval,) = stores.approvals.list()
    assert len(approval.id) >= 32
    assert (approval.instance, approval.path, approval.attempt, approval.message) == ("i1", "approve", 1, "Release?")
    assert (approval.approvers, approval.exclude, approval.require) == (("group:managers",), ("starter",), 2)
    assert (approval.form, approval.channel, approval.state) == (form, "releases", "open")
    assert (approval.opened_at, approval.expires_at, approval.closed_at) == (10, 99, None)
    grace = decided("grace", at=21, comment="fine", form={"ticket": "CHG-1"})
    record(stores, Record(approvals=[decided("ada"), grace, closed()]))
    done = stores.approvals.get(approval.id)
    assert (done.state, done.closed_at) == ("approved", 30)
    assert done.decisions == (
        ApprovalDecision(person="ada", decision="approved", comment="", form={}, via="link", at=20),
        ApprovalDecision(
            person="grace", decision="approved", comment="fine", form={"ticket": "CHG-1"}, via="link", at=21
        ),
    )
    assert stores.approvals.list() == []
    assert stores.approvals.list(state=None) == [done]


def test_opening_deciding_and_closing_again_changes_nothing(stores: InstancesDatabase):
    record(stores, Record(approvals=[opened("i1"), decided("ada"), closed("rejected")]))
    first = stores.approvals.at("i1", "approve")
    again = [opened("i1", message="Other?"), decided("ada", "rejected", at=50), closed("expired")]
    record(stores, Record(approvals=again))
    assert stores.approvals.at("i1", "approve") == first


def test_a_persons_first_decision_counts_when_many_press_at_once(stores: InstancesDatabase):
    record(stores, Record(approvals=[opened("i1")]))
    with ThreadPoolExecutor(4) as threads:
        effects = [decided("ada", at=100 + number) for number in range(20)]
        list(threads.map(lambda effect: record(stores, Record(approvals=[effect])), effects))
    (approval,) = stores.approvals.list()
    assert len(approval.decisions) == 1


def test_a_task_has_one_approval_an_attempt(stores: InstancesDatabase):
    record(stores, Record(approvals=[opened("i1"), opened("i1", attempt=2), opened("i2"), opened("i1", path="other")]))
    assert stores.approvals.at("i1", "approve").attempt == 2
    assert stores.approvals.at("i1", "approve", 1).attempt == 1
    assert len(stores.approvals.list(instance="i1")) == 3
    for missing in (("i1", "approve", 3), ("i3", "approve", None)):
        with pytest.raises(NotFound):
            stores.approvals.at(*missing)
    with pytest.raises(NotFound):
        stores.approvals.get("gone")


def test_a_link_leads_to_its_approval_and_person(stores: InstancesDatabase):
    record(stores, Record(approvals=[opened("i1")]))
    (approval,) = stores.approvals.list()
    stores.approvals.add_token(approval.id, "ada", "hash-1")
    stores.approvals.add_token(approval.id, "ada", "hash-1")
    stores.approvals.add_token(approval.id, "grace", "hash-2")
    assert stores.approvals.by_token("hash-1") == (approval, "ada")
    assert stores.approvals.by_token("hash-2") == (approval, "grace")
    assert stores.approvals.by_token("hash-3") is None


def test_lists_are_paged_newest_first(stores: InstancesDatabase):
    record(stores, Record(approvals=[opened(f"i{number}", at=number // 2) for number in range(7)]))
    everything = stores.approvals.list()
    assert [approval.opened_at for approval in everything] == [3, 2, 2, 1, 1, 0, 0]
    paged, before = [], None
    while page := stores.approvals.list(before=before, limit=2):
        paged += page
        before = page[-1].id
    assert paged == everything
