"""What the use cases need at the gates; see `engine.app.ports`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from engine.app.records import Claim, SlotClaim, SlotGroup, SlotVerdict, SlotWish
from engine.core.values import Json


class SharedGates(Protocol):
    """What tasks and instances share, within the transaction of a batch: slots, turns, earlier results.

    Whoever names a group holds it until the transaction ends, so they are named in their order.
    """

    def take_slot(self, wish: SlotWish, now: int) -> SlotVerdict:
        """Give a slot, put the claim at the end of the queue, or refuse. Asking again changes nothing, but a claim that has
        to go hears so again: by a later attempt, which the word sent to the one before does not mean.

        Claims of instances that have ended do not count. With `cancel_running` the newest `limit` claims stay, and all
        others are displaced. The limit of the newest wish counts.
        """
        ...

    def release_slot(self, group: str, instance: str, path: str) -> Sequence[Claim]:
        """Give up a slot or a place in the queue; those who have a slot by that."""
        ...

    def take_turn(self, group: str, limit: int, per: int, now: int) -> int:
        """Reserve the next start in a group of which at most `limit` fall into any `per` milliseconds; when it is."""
        ...

    def look_up(self, workflow: str, path: str, key: str, since: int | None) -> tuple[bool, Json]:
        """Whether a success not older than `since` was kept, and its outputs."""
        ...


class SlotGroups(Protocol):
    """Reading concurrency groups, for people."""

    def list(self, *, group: str | None = None, after: str = "", limit: int = 50) -> Sequence[SlotGroup]:
        """Those with claims, by name, behind `after`."""
        ...

    def waiting(self, instance: str, limit: int = 20) -> Sequence[SlotClaim]:
        """What an instance and its tasks wait for, each with its place in the queue."""
        ...
