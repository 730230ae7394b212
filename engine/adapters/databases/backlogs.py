"""What the instances DB holds that somebody has to do: one statement of small looks into indexes, for a monitor."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from engine.adapters.databases.database import Database
from engine.adapters.databases.tables import (
    approvals,
    deliveries,
    event_waits,
    events,
    leadership,
    outbox,
    schedules,
    scopes,
    slots,
)
from engine.app.figures import Backlog

MOST = 10_000
"""Overdue timers that are counted: whether there are more does not matter."""


class BacklogReader:
    """Implements `engine.app.figures.Backlogs`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def read(self) -> Backlog:
        """See the port."""
        figures = {name: statement.scalar_subquery().label(name) for name, statement in _looks(self._now()).items()}
        with self._database.reading() as connection:
            return Backlog(**connection.execute(sa.select(*figures.values())).mappings().one())

    def _now(self) -> sa.ColumnElement[int]:
        return self._database.now()


def _looks(now: sa.ColumnElement[int]) -> dict[str, sa.Select[Any]]:
    """A query by the field of `Backlog` that it answers. Conditions of partial indexes stand as the index has them."""
    due = sa.select(sa.literal(1)).where(scopes.c.next_due_at <= now).limit(MOST).subquery()
    pending = outbox.c.parked_at.is_(None)
    opened = approvals.c.state == "open"
    return {
        "outbox_lag": _since(now, outbox.c.publish_after).where(pending),
        "timers_overdue": sa.select(sa.func.count()).select_from(due),
        "timer_lag": _since(now, scopes.c.next_due_at).where(scopes.c.next_due_at.is_not(None)),
        "slots_held": _count(slots).where(slots.c.held),
        "slots_awaited": _count(slots).where(sa.not_(slots.c.held)),
        "event_waits": _count(event_waits),
        "events_unrouted": _count(events).where(sa.text("NOT routed")),
        "deliveries_received": _count(deliveries).where(sa.text("deliveries.state = 'received'")),
        "approvals_open": _count(approvals).where(opened),
        "approvals_oldest": _since(now, approvals.c.opened_at).where(opened),
        "schedules": _count(schedules),
        "schedules_failing": _count(schedules).where(schedules.c.error.is_not(None)),
        "schedule_lag": _since(now, schedules.c.next_at),
        "leaders": _count(leadership).where(leadership.c.until > now),
    }


def _count(table: sa.Table) -> sa.Select[Any]:
    return sa.select(sa.func.count()).select_from(table)


def _since(now: sa.ColumnElement[int], moment: sa.Column[Any]) -> sa.Select[Any]:
    """How long ago the first of these moments was; 0 if it is still to come or there is none."""
    lag = now - sa.func.min(moment)
    return sa.select(sa.case((lag > 0, lag), else_=0))
