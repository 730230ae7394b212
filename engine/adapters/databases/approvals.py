"""Approvals, their decisions, and the personal links to them, of which only hashes are kept."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

from engine.adapters.databases.database import Database
from engine.adapters.databases.paging import newest_first
from engine.adapters.databases.tables import approval_decisions, approval_tokens, approvals
from engine.app.records import Approval, ApprovalDecision
from engine.errors import NotFound


class Approvals:
    """Implements `engine.app.ports.ApprovalStore`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def get(self, id: str) -> Approval:
        """See the port."""
        with self._database.reading() as connection:
            found = _load(connection, sa.select(approvals).where(approvals.c.id == id))
        if not found:
            raise NotFound("approval", id)
        return found[0]

    def at(self, instance: str, path: str, attempt: int | None = None) -> Approval:
        """See the port."""
        statement = sa.select(approvals).where(approvals.c.instance_id == instance, approvals.c.path == path)
        if attempt is not None:
            statement = statement.where(approvals.c.attempt == attempt)
        with self._database.reading() as connection:
            found = _load(connection, statement.order_by(approvals.c.attempt.desc()).limit(1))
        if not found:
            raise NotFound("approval", f"{instance}/{path}")
        return found[0]

    def list(
        self, *, state: str | None = "open", instance: str | None = None, before: str | None = None, limit: int = 50
    ) -> Sequence[Approval]:
        """See the port."""
        statement = sa.select(approvals)
        if state is not None:
            statement = statement.where(approvals.c.state == state)
        if instance is not None:
            statement = statement.where(approvals.c.instance_id == instance)
        page = newest_first(statement, approvals.c.opened_at, approvals.c.id, before=before, limit=limit)
        with self._database.reading() as connection:
            return _load(connection, page)

    def add_token(self, approval: str, person: str, token_hash: str) -> None:
        """See the port."""
        row = {"approval_id": approval, "person": person, "token_hash": token_hash}
        with self._database.writing() as connection:
            connection.execute(self._database.insert(approval_tokens).values(**row).on_conflict_do_nothing())

    def by_token(self, token_hash: str) -> tuple[Approval, str] | None:
        """See the port."""
        token = sa.select(approval_tokens.c.approval_id, approval_tokens.c.person).where(
            approval_tokens.c.token_hash == token_hash
        )
        with self._database.reading() as connection:
            row = connection.execute(token).one_or_none()
            if row is None:
                return None
            found = _load(connection, sa.select(approvals).where(approvals.c.id == row.approval_id))
        return (found[0], row.person) if found else None


def _load(connection: sa.Connection, statement: sa.Select[Any]) -> list[Approval]:
    rows = connection.execute(statement).all()
    if not rows:
        return []
    decisions = defaultdict(list)
    made = sa.select(approval_decisions).where(approval_decisions.c.approval_id.in_([row.id for row in rows]))
    for row in connection.execute(made.order_by(approval_decisions.c.at, approval_decisions.c.person)):
        decision = ApprovalDecision(
            person=row.person, decision=row.decision, comment=row.comment, form=row.form, via=row.via, at=row.at
        )
        decisions[row.approval_id].append(decision)
    return [
        Approval(
            id=row.id,
            instance=row.instance_id,
            path=row.path,
            attempt=row.attempt,
            message=row.message,
            approvers=tuple(row.approvers),
            exclude=tuple(row.exclude),
            require=row.require,
            form=row.form,
            channel=row.channel,
            state=row.state,
            opened_at=row.opened_at,
            expires_at=row.expires_at,
            closed_at=row.closed_at,
            decisions=tuple(decisions[row.id]),
        )
        for row in rows
    ]
