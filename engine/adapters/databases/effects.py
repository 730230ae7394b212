"""The rarer part of a record, approvals above all, written the same way on both databases."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import sqlalchemy as sa
import uuid_utils

from engine.adapters.databases.database import Database
from engine.adapters.databases.events import wait_statements
from engine.adapters.databases.gates import forget, keep
from engine.adapters.databases.tables import approval_decisions, approvals, event_receipts, instances
from engine.app.records import ApprovalEffect, Record
from engine.core.commands import CloseApproval, OpenApproval, RecordDecision


def has_effects(record: Record) -> bool:
    """Whether `write_effects` has anything to do."""
    return bool(
        record.adoptions or record.approvals or record.waits or record.receipts or record.forgotten or record.kept
    )


def write_effects(database: Database, connection: sa.Connection, record: Record) -> None:
    """Within the caller's transaction."""
    for instance, (digest, version, commit) in record.adoptions.items():
        adopted = sa.update(instances).where(instances.c.id == instance)
        connection.execute(adopted.values(digest=digest, version=version, commit=commit))
    for statement in _approval_statements(database, record.approvals):
        connection.execute(statement)
    for statement in wait_statements(database, record.waits):
        connection.execute(statement)
    if record.receipts:
        rows = [{"instance_id": instance, "event_id": event} for instance, event in record.receipts]
        connection.execute(sa.insert(event_receipts), rows)
    for gone in record.forgotten:
        connection.execute(forget(gone))
    for kept in sorted(record.kept, key=lambda kept: (kept.workflow, kept.path, kept.key)):
        connection.execute(keep(database, kept))


def _approval_statements(database: Database, effects: list[ApprovalEffect]) -> Iterator[Any]:
    for effect in effects:
        match effect.command:
            case OpenApproval() as opened:
                yield _open(database, effect, opened)
            case RecordDecision() as decided:
                yield _decide(database, effect, decided)
            case CloseApproval() as closed:
                yield (
                    sa.update(approvals)
                    .where(*_of_task(effect), approvals.c.state == "open")
                    .values(state=closed.outcome, closed_at=effect.at)
                )


def _open(database: Database, effect: ApprovalEffect, command: OpenApproval) -> Any:
    # The attempt names it: a repeated command finds its row. The id is drawn because it appears in links.
    return (
        database.insert(approvals)
        .values(
            id=str(uuid_utils.uuid7()),
            instance_id=effect.instance,
            path=command.path,
            attempt=command.attempt,
            message=command.message,
            approvers=command.approvers,
            exclude=command.exclude,
            require=command.require,
            form=command.form,
            channel=command.channel,
            state="open",
            opened_at=effect.at,
            expires_at=command.expires_at,
        )
        .on_conflict_do_nothing(index_elements=["instance_id", "path", "attempt"])
    )


def _decide(database: Database, effect: ApprovalEffect, command: RecordDecision) -> Any:
    decision = command.decision
    row = sa.select(
        approvals.c.id,
        sa.literal(command.person),
        sa.literal(decision["decision"]),
        sa.literal(decision.get("comment", "")),
        sa.literal(decision.get("form", {}), approval_decisions.c.form.type),
        sa.literal(command.via),
        sa.literal(decision["at"], sa.BigInteger),
    ).where(*_of_task(effect))
    columns = ["approval_id", "person", "decision", "comment", "form", "via", "at"]
    # A person's first decision is the one that counts.
    return database.insert(approval_decisions).from_select(columns, row).on_conflict_do_nothing()


def _of_task(effect: ApprovalEffect) -> tuple[sa.ColumnElement[bool], ...]:
    return (
        approvals.c.instance_id == effect.instance,
        approvals.c.path == effect.command.path,
        approvals.c.attempt == effect.command.attempt,
    )
