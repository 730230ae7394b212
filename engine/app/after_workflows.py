"""Starts what `on.workflow` asks for after instances have ended. Runs in the scheduler that leads.

Every end left a row in its own transaction. A start is named by the end it follows, and the row goes afterwards: a crash
between the two repeats nothing and loses nothing.
"""

from __future__ import annotations

from collections.abc import Sequence

import structlog

from engine.app.batch import Starting
from engine.app.ports import DefinitionStore, InstanceReader, Recovery
from engine.app.recent import Recent
from engine.app.records import FINAL, Instance
from engine.app.start import Starter
from engine.app.trigger_ports import End, Ends
from engine.app.triggers import DEEPEST, Refusal, Triggers, rfc3339
from engine.app.versions import Version
from engine.core.model import WorkflowTrigger
from engine.core.values import JsonObject
from engine.errors import Conflict, Malformed, NotFound, Unavailable

AT_ONCE = 50
"""Ends that are followed in one round: a leader has to say that it still leads."""

_log = structlog.get_logger(__name__)


class StartsAfter:
    """Looks who has ended and starts the workflows that listen."""

    def __init__(
        self,
        *,
        ends: Ends,
        definitions: DefinitionStore,
        reader: InstanceReader,
        recovery: Recovery,
        starter: Starter,
        triggers: Triggers,
    ) -> None:
        self._ends = ends
        self._definitions = definitions
        self._reader = reader
        self._recovery = recovery
        self._starter = starter
        self._triggers = triggers
        self._versions: Recent[Version] = Recent(256)

    def run_once(self, limit: int = 500) -> int:
        """Up to `limit` ends, fewer where many listen; returns how many there were. Raises Unavailable."""
        ends = self._ends.read(limit)
        if not ends:
            return 0
        listeners: dict[str, list[str]] = {}
        for one in self._definitions.listeners("workflow"):
            listeners.setdefault(one.name, []).append(one.version)
        heard = [end for end in ends if end.workflow in listeners]
        if len(heard) > AT_ONCE:
            ends = ends[: ends.index(heard[AT_ONCE])]
            del heard[AT_ONCE:]
        now = rfc3339(self._recovery.now()) if heard else ""
        starting: list[Starting] = []
        for end in heard:
            starting += self._follow(end, listeners[end.workflow], now)
        self._commit(starting)
        self._ends.forget(ends)
        return len(ends)

    def _follow(self, end: End, versions: Sequence[str], now: str) -> list[Starting]:
        """Everything that starts after one end."""
        try:
            ended = self._reader.get(end.instance)
        except NotFound:
            return []
        if not end.last or ended.finished_at != end.finished_at or ended.state not in FINAL:
            return []  # a retry took the end back before anybody heard of it; if it has ended again, that is heard
        trigger = _trigger(ended, now)
        offered = (self._listener(end, ended, version, trigger) for version in versions)
        return [one for one in offered if one is not None]

    def _listener(self, end: End, ended: Instance, id: str, trigger: JsonObject) -> Starting | None:
        """What starts of this version. What makes trouble is dropped: the others, and the ends behind it, are heard too."""
        try:
            version = self._version(id)
            answer = self._offer(ended, version, trigger, _start_key(end, version))
        except Unavailable:
            raise
        except Exception:  # noqa: BLE001 - see above
            _log.exception("what follows an instance cannot be started", instance=ended.id, version=id)
            return None
        if isinstance(answer, Starting):
            return answer
        tell = _log.warning if answer.fault else _log.info
        tell("not started after", workflow=version.workflow, after=ended.id, reason=answer.reason)
        return None

    def _commit(self, starting: Sequence[Starting]) -> None:
        """All in one transaction, or one by one if that cannot be: some may have been started before a crash."""
        try:
            if starting:
                self._starter.commit(starting)
        except Unavailable:
            raise
        except Exception as error:  # noqa: BLE001 - see above
            if len(starting) > 1:
                for one in starting:
                    self._commit([one])
                return
            (one,) = starting
            if not (isinstance(error, Conflict) and one.start_key and self._reader.by_start_key(one.start_key)):
                _log.exception("not started after", workflow=one.facts.workflow, key=one.start_key)

    def _offer(self, ended: Instance, version: Version, trigger: JsonObject, key: str) -> Starting | Refusal:
        """One instance at most of a workflow: of its entries for what ended, the first that takes it."""
        try:
            entries = self._triggers.definition(version).workflows
        except Malformed as error:
            return Refusal.of(error.detail, fault=True)
        refusals: list[Refusal] = []
        for entry in entries:
            if entry.name != ended.workflow:
                continue
            answer = _not_its_outcome(entry, ended) or self._triggers.offer(
                version, entry, trigger, by=ended.started_by, start_key=key, depth=ended.depth + 1
            )
            if isinstance(answer, Starting):
                return answer if answer.facts.depth <= DEEPEST else _too_deep()
            refusals.append(answer)
        return Refusal.joined(refusals)

    def _version(self, id: str) -> Version:
        version = self._versions.get(id)
        if version is None:
            version = self._definitions.version(id)
            self._versions.put(id, version)
        return version


def _start_key(end: End, version: Version) -> str:
    return f"after:{end.instance}:{end.seq}:{version.workflow}"


def _not_its_outcome(entry: WorkflowTrigger, ended: Instance) -> Refusal | None:
    if entry.outcome in ("done", ended.state):
        return None
    return Refusal.of(f"it {ended.state}, and what is listened for is `{entry.outcome}`")


def _too_deep() -> Refusal:
    return Refusal.of(f"it would be the {DEEPEST + 1}st of a chain of workflows that start one another", fault=True)


def _trigger(ended: Instance, now: str) -> JsonObject:
    return {
        "source": "workflow",
        "event": ended.state,
        "headers": {},
        "body": {
            "workflow": ended.workflow,
            "instance": ended.id,
            "state": ended.state,
            "outcome": ended.state,
            "outputs": ended.outputs,
            "error": ended.error,
            "inputs": ended.inputs,
        },
        "id": ended.id,
        "received_at": now,
    }
