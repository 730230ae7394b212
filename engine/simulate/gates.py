"""Slots, turns and kept outputs in memory, as the databases have them; `engine.app.gatekeeper` asks."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field

from engine.app.kept_outputs import ForgottenOutputs
from engine.app.records import Claim, SlotVerdict, SlotWish
from engine.core.values import Json


@dataclass(slots=True)
class _Place:
    """A claim in its group, in the order in which they came."""

    claim: Claim
    held: bool = False
    leaving: bool = False


@dataclass(slots=True)
class _Group:
    limit: int = 1
    places: list[_Place] = field(default_factory=list)


@dataclass(slots=True)
class _Turns:
    last: int = 0
    starts: deque[int] = field(default_factory=deque)


class MemoryGates:
    """Implements `engine.app.gate_ports.SharedGates` for the instances of one simulation, which all give back what they hold."""

    def __init__(self) -> None:
        self._groups: dict[str, _Group] = {}
        self._turns: dict[str, _Turns] = {}
        self._kept: dict[tuple[str, str, str], tuple[int, Json]] = {}

    def take_slot(self, wish: SlotWish, now: int) -> SlotVerdict:  # noqa: ARG002 - the port's: nobody is swept here
        """See the port."""
        group = self._groups.setdefault(wish.group, _Group())
        group.limit = wish.limit
        place = self._queue_up(group, wish.claim)
        if place.held:
            return SlotVerdict(answer="granted", displaced=(place.claim,) if place.leaving else ())
        granted = _let_in(group)
        others = tuple(claim for claim in granted if claim != wish.claim)
        if wish.claim in granted:
            return SlotVerdict(answer="granted", granted=others)
        if wish.when_full == "reject":
            _drop(group, wish.claim.instance, wish.claim.path)
            return SlotVerdict(answer="refused", granted=others)
        displaced = _displace(group) if wish.when_full == "cancel_running" else ()
        return SlotVerdict(answer="waiting", granted=others, displaced=displaced)

    def release_slot(self, group: str, instance: str, path: str) -> Sequence[Claim]:
        """See the port."""
        found = self._groups.get(group)
        return _let_in(found) if found is not None and _drop(found, instance, path) else ()

    def take_turn(self, group: str, limit: int, per: int, now: int) -> int:
        """See the port."""
        turns = self._turns.setdefault(group, _Turns())
        start = now if len(turns.starts) < limit else turns.starts[-limit] + per
        turns.last = max(now, turns.last, start)
        turns.starts.append(turns.last)
        return turns.last

    def look_up(self, workflow: str, path: str, key: str, since: int | None) -> tuple[bool, Json]:
        """See the port."""
        at, outputs = self._kept.get((workflow, path, key), (None, None))
        return (False, None) if at is None or (since is not None and at < since) else (True, outputs)

    def keep(self, workflow: str, path: str, key: str, outputs: Json, now: int) -> None:
        """A success that later runs may take."""
        self._kept[workflow, path, key] = now, outputs

    def forget(self, gone: ForgottenOutputs) -> None:
        """Successes that have been undone."""
        for kept in [kept for kept in self._kept if gone.covers(*kept)]:
            del self._kept[kept]

    @staticmethod
    def _queue_up(group: _Group, claim: Claim) -> _Place:
        """Its place; a new one at the end. A task whose instance has a slot needs none, and is let through."""
        mine = {place.claim.path: place for place in group.places if place.claim.instance == claim.instance}
        if claim.path and "" in mine and mine[""].held:
            return _Place(claim, held=True)
        if claim.path not in mine:
            mine[claim.path] = _Place(claim)
            group.places.append(mine[claim.path])
        mine[claim.path].claim = claim
        return mine[claim.path]


def _let_in(group: _Group) -> tuple[Claim, ...]:
    room = group.limit - sum(place.held for place in group.places)
    waiting = [place for place in group.places if not place.held and not place.leaving]
    for place in waiting[: max(room, 0)]:
        place.held = True
    return tuple(place.claim for place in waiting[: max(room, 0)])


def _displace(group: _Group) -> tuple[Claim, ...]:
    """All but the newest have to go."""
    staying = [place for place in group.places if not place.leaving]
    for place in staying[: -group.limit]:
        place.leaving = True
    return tuple(place.claim for place in group.places if place.leaving)


def _drop(group: _Group, instance: str, path: str) -> bool:
    before = len(group.places)
    group.places = [place for place in group.places if (place.claim.instance, place.claim.path) != (instance, path)]
    return len(group.places) < before
