"""What this process wrote last of the instances it takes events to, so that their next events need not read it again.

Whoever writes by what it remembers has the database refuse it if it is not so any more: decision 24.
"""

from __future__ import annotations

import time
from collections.abc import Collection, Mapping

import orjson

from engine.app.recent import Recent
from engine.app.records import FINAL, InstanceChange, LoadedScope, LockedInstance, Record
from engine.core.frozen import frozen

MEMORY = 16 * 1024 * 1024
"""Bytes of JSON that are kept of all instances together."""

SECONDS = 5.0
"""How long what was written is believed: the next event of what moves comes in milliseconds, all else is read anew."""

SCOPES = 32
"""Of an instance with more that are open nothing is kept: to keep it up would cost more than to read what is needed."""

DOUBT, DOUBT_AT_MOST = 0.1, 10.0
"""Seconds for which nothing is believed after something turned out to be otherwise; twice as long each time."""


@frozen
class Known:
    """An instance and scopes of it as they were written last. They are so for as long as the instance's `seq` is the same."""

    instance: LockedInstance
    scopes: Mapping[str, LoadedScope]


class Remembered:
    """Bounded by its size and by time. Safe to share between threads.

    Where several processes take the events of the same instances, each is mostly wrong: then it is hardly ever asked.
    """

    def __init__(self) -> None:
        self._known: Recent[tuple[float, Known]] = Recent(MEMORY, weigh=_weight)
        self._doubt = DOUBT
        self._doubted_until = 0.0

    def recall(self, instances: Collection[str]) -> dict[str, Known]:
        """What is known of these."""
        now = time.monotonic()
        if now < self._doubted_until:
            return {}
        kept = {name: self._known.get(name) for name in instances}
        return {name: found[1] for name, found in kept.items() if found is not None and now - found[0] <= SECONDS}

    def keep(
        self,
        record: Record,
        instances: Mapping[str, LockedInstance],
        scopes: Mapping[tuple[str, str], LoadedScope],
        known: Mapping[str, Known],
    ) -> None:
        """What a committed record made of these, of which some were `known` before. Of others nothing is known."""
        true = {name: each for name, each in known.items() if instances.get(name) == each.instance}
        self._learn_from(known, true)
        now = time.monotonic()
        after = {name: dict(each.scopes) for name, each in true.items()}
        for (name, path), scope in scopes.items():
            after.setdefault(name, {})[path] = scope
        for write in record.scopes:
            after.setdefault(write.instance, {})[write.path] = LoadedScope(state=write.state, version=write.version)
        for change in record.instances:
            row = instances.get(change.id)
            if row is None or change.state in FINAL or change.id in record.adoptions:
                self._known.forget(change.id)
                continue
            open_ = {path: scope for path, scope in after[change.id].items() if scope.state["status"] != "settled"}
            if len(open_) > SCOPES:
                self._known.forget(change.id)
            else:
                self._known.put(change.id, (now, Known(instance=_after(row, change), scopes=open_)))

    def doubt(self, instances: Collection[str]) -> None:
        """Something that was believed of one of these was not so."""
        for name in instances:
            self._known.forget(name)
        self._doubted_until = time.monotonic() + self._doubt
        self._doubt = min(DOUBT_AT_MOST, self._doubt * 2)

    def _learn_from(self, known: Mapping[str, Known], true: Mapping[str, Known]) -> None:
        if len(true) < len(known):
            self.doubt(known)
        elif known:
            self._doubt = max(DOUBT, self._doubt / 2)


def _after(row: LockedInstance, change: InstanceChange) -> LockedInstance:
    return LockedInstance(id=row.id, digest=row.digest, state=change.state or row.state, seq=change.seq)


def _weight(kept: tuple[float, Known]) -> int:
    return len(orjson.dumps([scope.state for scope in kept[1].scopes.values()]))
