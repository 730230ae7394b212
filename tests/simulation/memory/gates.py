"""Slots, turns and kept outputs in memory, within the transaction that asks: what is not committed has not happened."""

from __future__ import annotations

from collections.abc import Sequence
from copy import deepcopy

from engine.app.records import FINAL, Claim, SlotVerdict, SlotWish
from engine.core.values import Json
from engine.errors import Unavailable
from tests.simulation.memory.tables import Group, Slot, Tables, Turns


class MemoryGates:
    """Implements `engine.app.gate_ports.SharedGates`. Groups are locked as they are asked for, and changed in copies."""

    def __init__(self, tables: Tables, owner: object) -> None:
        self._tables = tables
        self._owner = owner
        self._groups: dict[str, Group | None] = {}
        self._turns: dict[str, Turns] = {}

    def commit(self) -> None:
        """With the record."""
        for name, group in self._groups.items():
            if group is None:
                self._tables.groups.pop(name, None)
            else:
                self._tables.groups[name] = group
        self._tables.turns.update(self._turns)

    def take_slot(self, wish: SlotWish, now: int) -> SlotVerdict:
        group = self._group(wish.group) or Group(limit=wish.limit)
        self._groups[wish.group] = group
        group.limit = wish.limit
        group.number += 1
        known = _queue_up(group, wish, now)
        if known in ("held", "leaving"):
            return SlotVerdict(answer="granted", displaced=(wish.claim,) if known == "leaving" else ())
        granted = _let_in(group)
        if wish.claim not in granted and (known == "waiting" or wish.when_full == "reject"):
            self._sweep(group, now)
            granted += _let_in(group)
        others = tuple(claim for claim in granted if claim != wish.claim)
        if wish.claim in granted:
            return SlotVerdict(answer="granted", granted=others)
        if wish.when_full == "reject":
            _delete(group, wish.claim.instance, wish.claim.path)
            return SlotVerdict(answer="refused", granted=others)
        displaced = _displace(group) if wish.when_full == "cancel_running" else ()
        return SlotVerdict(answer="waiting", granted=others, displaced=displaced)

    def release_slot(self, group: str, instance: str, path: str) -> Sequence[Claim]:
        found = self._group(group)
        if found is None or not _delete(found, instance, path):
            return ()
        granted = _let_in(found)
        if not granted and not found.slots:
            self._groups[group] = None
        return granted

    def take_turn(self, group: str, limit: int, per: int, now: int) -> int:
        self._lock("turns", group)
        if group not in self._turns:
            self._turns[group] = self._tables.turns.get(group, Turns()).copy()
        turns = self._turns[group]
        turns.number += 1
        start = turns.due.get(turns.number - limit)
        due = max(now, turns.last, now if start is None else start + per)
        turns.due = {number: at for number, at in turns.due.items() if number > turns.number - limit}
        turns.due[turns.number] = turns.last = due
        return due

    def look_up(self, workflow: str, path: str, key: str, since: int | None) -> tuple[bool, Json]:
        kept = self._tables.kept.get((workflow, path, key))
        if kept is None or (since is not None and kept.at < since):
            return False, None
        return True, deepcopy(kept.outputs)

    def _group(self, name: str) -> Group | None:
        self._lock("groups", name)
        if name not in self._groups:
            found = self._tables.groups.get(name)
            self._groups[name] = None if found is None else found.copy()
        return self._groups[name]

    def _lock(self, table: str, name: str) -> None:
        if not self._tables.lock(self._owner, table, name):
            raise Unavailable("the database", "two transactions wait for each other, or one for too long")

    def _sweep(self, group: Group, now: int) -> None:
        rows = self._tables.instances
        holders = {slot.instance for slot in group.slots if slot.held and slot.at < now}
        dead = {name for name in holders if name not in rows or rows[name].state in FINAL}
        group.slots = [slot for slot in group.slots if not (slot.held and slot.instance in dead)]


def _queue_up(group: Group, wish: SlotWish, now: int) -> str:
    claim = wish.claim
    mine = {slot.path: slot for slot in group.slots if slot.instance == claim.instance}
    if claim.path and "" in mine and mine[""].held:
        return "held"
    if claim.path in mine:
        place = mine[claim.path]
        place.attempt = claim.attempt
        return ("leaving" if place.leaving else "held") if place.held else "waiting"
    group.slots.append(Slot(claim.instance, claim.path, claim.attempt, group.number, now))
    return "new"


def _let_in(group: Group) -> tuple[Claim, ...]:
    room = group.limit - sum(slot.held for slot in group.slots)
    waiting = [slot for slot in group.slots if not slot.held and not slot.leaving]
    for slot in waiting[: max(room, 0)]:
        slot.held = True
    return tuple(_claim(slot) for slot in waiting[: max(room, 0)])


def _displace(group: Group) -> tuple[Claim, ...]:
    staying = [slot for slot in group.slots if not slot.leaving]
    for slot in staying[: max(len(staying) - group.limit, 0)]:
        slot.leaving = True
    return tuple(_claim(slot) for slot in group.slots if slot.leaving)


def _delete(group: Group, instance: str, path: str) -> bool:
    before = len(group.slots)
    group.slots = [slot for slot in group.slots if (slot.instance, slot.path) != (instance, path)]
    return len(group.slots) < before


def _claim(slot: Slot) -> Claim:
    return Claim(instance=slot.instance, path=slot.path, attempt=slot.attempt)
