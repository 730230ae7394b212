"""Who holds the slots of which concurrency group, and who waits for them; for people."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

from engine.adapters.databases.database import Database
from engine.adapters.databases.tables import slot_groups, slots
from engine.app.records import SlotClaim, SlotGroup

SHOWN = 50
"""Holders, and waiters, that a group is shown with."""


class SlotReader:
    """Implements `engine.app.gate_ports.SlotGroups`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def list(self, *, group: str | None = None, after: str = "", limit: int = 50) -> Sequence[SlotGroup]:
        """See the port."""
        wanted = sa.select(slot_groups.c.name, slot_groups.c.limit).where(slot_groups.c.name > after)
        if group is not None:
            wanted = wanted.where(slot_groups.c.name == group)
        with self._database.reading() as connection:
            groups = connection.execute(wanted.order_by(slot_groups.c.name).limit(limit)).all()
            rows = connection.execute(_claims([row.name for row in groups])).all() if groups else []
        claims: dict[tuple[str, bool], list[Any]] = defaultdict(list)
        for row in rows:
            claims[row.name, row.held].append(row)
        return [_to_group(row.name, row.limit, claims[row.name, True], claims[row.name, False]) for row in groups]

    def waiting(self, instance: str, limit: int = 20) -> Sequence[SlotClaim]:
        """See the port."""
        mine, others = slots.alias("mine"), slots.alias("others")
        before = sa.select(sa.func.count()).where(
            others.c.name == mine.c.name, ~others.c.held, ~others.c.leaving, others.c.number <= mine.c.number
        )
        statement = (
            sa.select(mine, before.scalar_subquery().label("place"))
            .where(mine.c.instance_id == instance, ~mine.c.held)
            .order_by(mine.c.path)
            .limit(limit)
        )
        with self._database.reading() as connection:
            return [_to_claim(row) for row in connection.execute(statement)]


def _claims(names: Sequence[str]) -> sa.Select[Any]:
    """The oldest claims of each of these groups, with their place and how many there are."""
    kind = (slots.c.name, slots.c.held)
    ranked = (
        sa.select(
            slots,
            sa.func.row_number().over(partition_by=kind, order_by=slots.c.number).label("place"),
            sa.func.count().over(partition_by=kind).label("all"),
        )
        .where(slots.c.name.in_(names))
        .subquery()
    )
    return sa.select(ranked).where(ranked.c.place <= SHOWN).order_by(ranked.c.name, ranked.c.number)


def _to_group(name: str, limit: int, held: Sequence[Any], waiting: Sequence[Any]) -> SlotGroup:
    return SlotGroup(
        name=name,
        limit=limit,
        held=held[0].all if held else 0,
        waiting=waiting[0].all if waiting else 0,
        holders=tuple(_to_claim(row) for row in held),
        waiters=tuple(_to_claim(row) for row in waiting),
    )


def _to_claim(row: Any) -> SlotClaim:
    return SlotClaim(
        group=row.name,
        instance=row.instance_id,
        path=row.path,
        attempt=row.attempt,
        at=row.at,
        leaving=row.leaving,
        place=row.place,
    )
