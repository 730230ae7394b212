"""Slots, turns and kept outputs, within the transaction of a batch; the same on both databases (decision 0010).

The row of a group is its lock: it is written or locked before anything of the group is read.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

from engine.adapters.databases.database import Database
from engine.adapters.databases.forgetting import some
from engine.adapters.databases.tables import (
    instances,
    kept_outputs,
    rate_limits,
    rate_turns,
    slot_groups,
    slots,
)
from engine.adapters.databases.translation import translated
from engine.app.kept_outputs import ForgottenOutputs, KeptOutputs
from engine.app.records import FINAL, Claim, SlotVerdict, SlotWish
from engine.core.keys import INSIDE
from engine.core.values import Json

_CLAIM = (slots.c.instance_id, slots.c.path, slots.c.attempt)


class GateRows:
    """Implements `engine.app.ports.SharedGates`."""

    def __init__(self, database: Database, connection: sa.Connection) -> None:
        self._database = database
        self._connection = connection

    def take_slot(self, wish: SlotWish, now: int) -> SlotVerdict:
        """See the port. Everybody queues up, then those are let in for whom there is room."""
        with translated():
            number = self._lock_group(wish)
            known = self._queue_up(wish, number, now)
            if known in ("held", "leaving"):
                return SlotVerdict(answer="granted", displaced=(wish.claim,) if known == "leaving" else ())
            granted = self._let_in(wish.group, wish.limit)
            if wish.claim not in granted and (known == "waiting" or wish.when_full == "reject"):
                self._sweep(wish.group, now)
                granted += self._let_in(wish.group, wish.limit)
            others = tuple(claim for claim in granted if claim != wish.claim)
            if wish.claim in granted:
                return SlotVerdict(answer="granted", granted=others)
            if wish.when_full == "reject":
                self._delete(wish.group, wish.claim.instance, wish.claim.path)
                return SlotVerdict(answer="refused", granted=others)
            displaced = self._displace(wish.group, wish.limit) if wish.when_full == "cancel_running" else ()
            return SlotVerdict(answer="waiting", granted=others, displaced=displaced)

    def release_slot(self, group: str, instance: str, path: str) -> Sequence[Claim]:
        """See the port. A group without claims is forgotten."""
        with translated():
            lock = sa.select(slot_groups.c.limit).where(slot_groups.c.name == group).with_for_update()
            limit = self._connection.execute(lock).scalar_one_or_none()
            if limit is None or not self._delete(group, instance, path):
                return ()
            granted = self._let_in(group, limit)
            if not granted:
                claims = sa.exists().where(slots.c.name == group)
                self._connection.execute(sa.delete(slot_groups).where(slot_groups.c.name == group, ~claims))
            return granted

    def take_turn(self, group: str, limit: int, per: int, now: int) -> int:
        """See the port. Start number n is `per` behind number n - `limit`, so any `per` holds at most `limit`."""
        with translated():
            first = self._database.insert(rate_limits).values(name=group, number=1, last=0, until=0)
            counted = first.on_conflict_do_update(
                index_elements=["name"], set_={"number": rate_limits.c.number + 1}
            ).returning(rate_limits.c.number, rate_limits.c.last)
            number, last = self._connection.execute(counted).one()
            of_group = rate_turns.c.name == group
            before = sa.select(rate_turns.c.due).where(of_group, rate_turns.c.number == number - limit)
            start = self._connection.execute(before).scalar_one_or_none()
            due = max(now, last, now if start is None else start + per)
            self._connection.execute(sa.delete(rate_turns).where(of_group, rate_turns.c.number <= number - limit))
            self._connection.execute(sa.insert(rate_turns).values(name=group, number=number, due=due))
            update = sa.update(rate_limits).where(rate_limits.c.name == group)
            self._connection.execute(update.values(last=due, until=due + per))
            return int(due)

    def look_up(self, workflow: str, path: str, key: str, since: int | None) -> tuple[bool, Json]:
        """See the port."""
        statement = sa.select(kept_outputs.c.outputs).where(
            kept_outputs.c.workflow == workflow, kept_outputs.c.path == path, kept_outputs.c.key == key
        )
        if since is not None:
            statement = statement.where(kept_outputs.c.at >= since)
        with translated():
            row = self._connection.execute(statement).one_or_none()
        return (False, None) if row is None else (True, row.outputs)

    def _lock_group(self, wish: SlotWish) -> int:
        """Lock the group, with its limit as it is now; gives the number of the next claim."""
        first = self._database.insert(slot_groups).values(name=wish.group, limit=wish.limit, number=1)
        counted = first.on_conflict_do_update(
            index_elements=["name"], set_={"limit": wish.limit, "number": slot_groups.c.number + 1}
        )
        number: int = self._connection.execute(counted.returning(slot_groups.c.number)).scalar_one()
        return number

    def _queue_up(self, wish: SlotWish, number: int, now: int) -> str:
        """Whether the claim was `held`, held but told to go (`leaving`), `waiting` or `new`.

        A task within an instance that holds the group is let through.
        """
        claim = wish.claim
        statement = sa.select(slots.c.path, slots.c.held, slots.c.leaving).where(
            slots.c.name == wish.group,
            slots.c.instance_id == claim.instance,
            slots.c.path.in_({claim.path, ""}),
        )
        known = {row.path: row for row in self._connection.execute(statement)}
        if claim.path and "" in known and known[""].held:
            return "held"
        if claim.path in known:
            renewed = sa.update(slots).where(*_named(wish.group, claim.instance, claim.path))
            self._connection.execute(renewed.values(attempt=claim.attempt))
            place = known[claim.path]
            return ("leaving" if place.leaving else "held") if place.held else "waiting"
        row = {
            "name": wish.group,
            "instance_id": claim.instance,
            "path": claim.path,
            "attempt": claim.attempt,
            "number": number,
            "held": False,
            "leaving": False,
            "at": now,
        }
        self._connection.execute(sa.insert(slots).values(row))
        return "new"

    def _let_in(self, group: str, limit: int) -> tuple[Claim, ...]:
        """As many of those who wait as there is room for, oldest first."""
        held = sa.select(sa.func.count()).where(slots.c.name == group, slots.c.held)
        room = limit - self._connection.execute(held).scalar_one()
        if room <= 0:
            return ()
        waiting = (
            sa.select(*_CLAIM, slots.c.number)
            .where(slots.c.name == group, ~slots.c.held, ~slots.c.leaving)
            .order_by(slots.c.number)
            .limit(room)
        )
        rows = self._connection.execute(waiting).all()
        if rows:
            numbers = [row.number for row in rows]
            let_in = sa.update(slots).where(slots.c.name == group, slots.c.number.in_(numbers))
            self._connection.execute(let_in.values(held=True))
        return tuple(_to_claim(row) for row in rows)

    def _displace(self, group: str, limit: int) -> tuple[Claim, ...]:
        """All but the newest claims are told to go; those who were told before hear it again."""
        staying = slots.c.name == group, ~slots.c.leaving
        newest = sa.select(slots.c.number).where(*staying).order_by(slots.c.number.desc()).offset(limit).limit(1)
        last = self._connection.execute(newest).scalar_one_or_none()
        if last is not None:
            told = sa.update(slots).where(*staying, slots.c.number <= last)
            self._connection.execute(told.values(leaving=True))
        leaving = sa.select(*_CLAIM).where(slots.c.name == group, slots.c.leaving).order_by(slots.c.number)
        return tuple(_to_claim(row) for row in self._connection.execute(leaving))

    def _sweep(self, group: str, now: int) -> None:
        """Take the slots of instances that have ended or are gone; not those that this transaction gives itself.

        Others of theirs that only wait block nobody.
        """
        held = sa.select(slots.c.instance_id).where(slots.c.name == group, slots.c.held, slots.c.at < now).distinct()
        holders = set(self._connection.execute(held).scalars())
        live = sa.select(instances.c.id).where(
            instances.c.id.in_(sorted(holders)), instances.c.state.not_in(sorted(FINAL))
        )
        dead = holders.difference(self._connection.execute(live).scalars()) if holders else holders
        if dead:
            of_dead = slots.c.name == group, slots.c.held, slots.c.instance_id.in_(sorted(dead))
            self._connection.execute(sa.delete(slots).where(*of_dead))

    def _delete(self, group: str, instance: str, path: str) -> bool:
        return self._connection.execute(sa.delete(slots).where(*_named(group, instance, path))).rowcount == 1


def keep(database: Database, kept: KeptOutputs) -> Any:
    """What stores a success over the one before it."""
    insert = database.insert(kept_outputs).values(
        workflow=kept.workflow, path=kept.path, key=kept.key, outputs=kept.outputs, at=kept.at
    )
    return insert.on_conflict_do_update(
        index_elements=["workflow", "path", "key"],
        set_={"outputs": insert.excluded.outputs, "at": insert.excluded.at},
    )


def forget(gone: ForgottenOutputs) -> Any:
    """What deletes what was kept and has been undone."""
    path = kept_outputs.c.path
    if gone.key is not None:
        these = sa.and_(path == gone.path, kept_outputs.c.key == gone.key)
    else:
        these = sa.or_(*(path.startswith(gone.path + sign, autoescape=True) for sign in INSIDE))
    return sa.delete(kept_outputs).where(kept_outputs.c.workflow == gone.workflow, these)


def forget_gates(database: Database, connection: sa.Connection, *, before: int, limit: int) -> int:
    """Rate limits that bound nothing any more, and outputs kept before this time; returns how many went of what most went of."""
    idle = sa.select(rate_limits.c.name).where(rate_limits.c.until < database.now()).order_by(rate_limits.c.name)
    names = connection.execute(idle.limit(limit).with_for_update(skip_locked=True)).scalars().all()
    if names:
        for table in (rate_turns, rate_limits):
            connection.execute(sa.delete(table).where(table.c.name.in_(names)))
    gone = connection.execute(some(kept_outputs, kept_outputs.c.at < before, limit))
    return max(len(names), gone.rowcount)


def _named(group: str, instance: str, path: str) -> tuple[sa.ColumnElement[bool], ...]:
    return slots.c.name == group, slots.c.instance_id == instance, slots.c.path == path


def _to_claim(row: Any) -> Claim:
    return Claim(instance=row.instance_id, path=row.path, attempt=row.attempt)
