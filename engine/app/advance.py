"""The one door: the only caller of `decide` in production (law 1). Facts in; state, history and commands out, in one transaction."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from types import MappingProxyType

import structlog

from engine.app.aside import put_aside
from engine.app.batch import Batch, Starting
from engine.app.ports import InstanceStore, Locked, Outbox, Publisher, Signals
from engine.app.published import Published
from engine.app.recent import Recent
from engine.app.records import (
    FINAL,
    NOTIFICATIONS,
    Delivery,
    DeliveryResult,
    LockedInstance,
    Message,
    NewDelivery,
    Notification,
)
from engine.app.remembered import Known, Remembered
from engine.app.runs import Run, Runs
from engine.core.events import RetryRequested
from engine.core.keys import FINALLY, ROOT, parent_scope
from engine.core.values import JsonObject
from engine.errors import Broken, Conflict, Unavailable

_REACHES_DOWN = frozenset({"CancelRequested", "TimersDue"})
"""Events that a scope may pass on to the scopes below it."""

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Advanced:
    """What a committed batch asks for: messages to publish (each with its outbox id), instances that are now final.

    `held`: instances whose events were not taken, as somebody else is at work on them. `left`: outbox rows that should have
    gone with it and are there still, as the relay is about to send them.
    """

    messages: tuple[Message, ...] = ()
    finished: tuple[str, ...] = ()
    held: Collection[str] = ()
    left: Collection[str] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Adoption:
    """Another definition for an instance that goes on with it; `version` and `commit` are those of the definitions DB."""

    digest: str
    document: JsonObject
    version: str
    commit: str
    retries: int
    """How often the instance had been retried when it was found to fit."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Arriving:
    """Webhook calls that are to be stored with what becomes of them, and the instances they start."""

    arrivals: Sequence[tuple[NewDelivery, Delivery]] = ()
    starting: Sequence[Starting] = ()


def _nobody(_now: int) -> Arriving:
    return Arriving()


class Advancer:
    """Takes events to their instances. One per process; safe to share between threads."""

    def __init__(self, *, store: InstanceStore, outbox: Outbox, publisher: Publisher, signals: Signals) -> None:
        self._store = store
        self._outbox = outbox
        self._publisher = publisher
        self._signals = signals
        self._published = Published(store)
        self._runs = Runs()
        self._remembered = Remembered()
        self._stored: Recent[bool] = Recent(512)
        """Digests of definitions that this instances DB is known to have."""
        self._goes_on = False

    def go_on(self) -> None:
        """From now on remember what is started here: this process takes the events of its instances too.

        Another would remember thousands of bodies for nothing, and Python's search for garbage would look through them.
        """
        self._goes_on = True

    def advance(
        self,
        notifications: Sequence[Notification],
        published: Collection[str] = (),
        *,
        starting: Sequence[Starting] = (),
        deliveries: Sequence[DeliveryResult] = (),
        adopting: Mapping[str, Adoption] = MappingProxyType({}),
        arriving: Callable[[int], Arriving] = _nobody,
        rows: Mapping[str, Collection[str]] = MappingProxyType({}),
        skip_held: bool = False,
    ) -> Advanced:
        """Take all these events in one transaction and commit it; `published` outbox rows go with it, and of `rows` those
        of the instances whose events were taken. Instances that others hold are waited for, unless `skip_held`.

        `arriving` is asked what arrives at the time of the transaction, while nothing is locked for it.

        Raises Unavailable (nothing happened, or the answer to the commit was lost: send the same again), Conflict
        (a start key or delivery was taken already, an instance that is to go on otherwise has not ended, one that is retried
        cannot go on), Malformed (an event that cannot be read).
        """
        stored = [start.facts.digest for start in starting if start.facts.digest in self._stored]
        known = self._remembered.recall({notification.instance for notification in notifications})
        take = partial(
            self._advance,
            notifications,
            published,
            starting=starting,
            deliveries=deliveries,
            adopting=adopting,
            arriving=arriving,
            rows=rows,
            skip_held=skip_held,
        )
        try:
            return take(known=known)
        except Broken:
            if not stored and not known:
                raise
        # The database may not have what we believe: changed by others, pruned since, or restored from a backup. This try
        # reads and brings all.
        for digest in stored:
            self._stored.forget(digest)
        if known:
            self._remembered.doubt(known)
        return take(known={})

    def _advance(
        self,
        notifications: Sequence[Notification],
        published: Collection[str],
        *,
        starting: Sequence[Starting],
        deliveries: Sequence[DeliveryResult],
        adopting: Mapping[str, Adoption],
        arriving: Callable[[int], Arriving],
        rows: Mapping[str, Collection[str]],
        skip_held: bool,
        known: Mapping[str, Known],
    ) -> Advanced:
        keys = {key for notification in notifications for key in _keys(notification)}
        runs = {instance: run for instance, _ in keys if (run := self._runs.get(instance))}
        unknown = {instance for instance, _ in keys if instance not in runs}
        lock = self._store.lock(keys, facts_of=unknown, known=known, skip_held=skip_held)
        with lock as locked, _forgotten_if_refused(runs):
            for instance, facts in locked.facts.items():
                runs[instance] = self._runs.learn(instance, facts, locked.definition)
            self._catch_up(locked, runs)
            adopting = {name: adoption for name, adoption in adopting.items() if name in locked.instances}
            for instance, adoption in adopting.items():
                retries = locked.scopes[instance, ROOT].state.get("runs", 0)
                if locked.instances[instance].state not in FINAL or retries != adoption.retries:
                    raise Conflict(f"somebody else has retried instance {instance} meanwhile")
                runs[instance] = self._adopted(runs[instance], adoption)
            arrived = arriving(locked.now)
            starting = [*starting, *arrived.starting]
            batch = Batch(locked, runs, self._runs)
            started = [batch.start(start.id, self._first_run(start, locked.now)) for start in starting]
            for notification in notifications:
                batch.take(notification)
            batch.pass_gates()
            _refuse_vain_retries(batch, notifications, runs)
            record = batch.record()
            record.definitions = {
                start.facts.digest: start.document for start in starting if start.facts.digest not in self._stored
            }
            record.new_instances = [batch.new(start) for start in starting]
            record.deliveries = list(deliveries)
            record.arrivals = list(arrived.arrivals)
            record.published = [*published, *(row for name in rows if name not in locked.held for row in rows[name])]
            for instance, adoption in adopting.items():
                record.definitions[adoption.digest] = adoption.document
                record.adoptions[instance] = (adoption.digest, adoption.version, adoption.commit)
            left = locked.record(record)
            for digest in record.definitions:
                self._stored.put(digest, True)
        for instance in adopting:
            self._runs.keep(runs[instance])
        self._remembered.keep(record, self._rows(locked, starting), locked.scopes, known)
        if self._goes_on:
            for run in started:  # not before: what is refused, or whose answer is lost, may be stored otherwise
                self._runs.keep(run)
        return Advanced(messages=tuple(record.outbox), finished=batch.finished, held=locked.held, left=left)

    def submit(
        self,
        notifications: Sequence[Notification],
        *,
        starting: Sequence[Starting] = (),
        deliveries: Sequence[DeliveryResult] = (),
        adopting: Mapping[str, Adoption] = MappingProxyType({}),
        arriving: Callable[[int], Arriving] = _nobody,
    ) -> None:
        """`advance`, then publish at once what it asks for. A broker that is down delays, it loses nothing: the relay follows."""
        published = self._published.take()
        try:
            advanced = self.advance(
                notifications,
                published,
                starting=starting,
                deliveries=deliveries,
                adopting=adopting,
                arriving=arriving,
            )
        except BaseException:
            self._published.add(published)
            raise
        self._published.add(advanced.left)
        self.send(advanced.messages, advanced.finished)

    def send(self, messages: Sequence[Message], finished: Sequence[str] = ()) -> None:
        """Publish what was stored in the outbox, and say who has ended. What cannot be published is left to the relay."""
        try:
            self._publisher.publish(messages)
            self._signals.changed(finished)
        except Unavailable as error:
            _log.warning("left to the relay", messages=len(messages), error=str(error))
            return
        self._published.add(message.id for message in messages if message.id)

    def flush(self) -> None:
        """Delete published outbox rows now: whoever closes the store afterwards finds nobody at it any more."""
        self._published.flush()

    def delete(self, published: Collection[str]) -> Collection[str]:
        """Delete these outbox rows when no batch comes along to take them. Returns those that are left, as the relay is about
        to send them. Raises Unavailable.
        """
        return self._store.delete_published(published)

    def reject(self, notification: Notification, error: Exception, attempts: int = 0) -> bool:
        """Park an event that cannot be taken, so that nobody loops on it and somebody can look at it.

        One of a newer version is put off first, for a newer process to take; returns whether it comes again.
        """
        body = {"instance": notification.instance, "scope": notification.scope, "event": notification.event}
        return put_aside(self._outbox, Message(queue=NOTIFICATIONS, body=body, attempts=attempts), error)

    def _rows(self, locked: Locked, starting: Sequence[Starting]) -> Mapping[str, LockedInstance]:
        """Whose events are likely to come to this process."""
        if not (starting and self._goes_on):
            return locked.instances
        new = {
            start.id: LockedInstance(id=start.id, digest=start.facts.digest, state="queued", seq=0)
            for start in starting
        }
        return {**locked.instances, **new}

    def _catch_up(self, locked: Locked, runs: dict[str, Run]) -> None:
        """An instance may have adopted another definition since this process last saw it."""
        for name, row in locked.instances.items():
            if name in runs and runs[name].facts.digest != row.digest:
                runs[name] = self._runs.learn(name, self._store.facts(name), locked.definition)

    def _adopted(self, run: Run, adoption: Adoption) -> Run:
        facts = replace(run.facts, digest=adoption.digest, commit=adoption.commit)
        definition = self._runs.definition(adoption.digest, lambda _: adoption.document)
        return Run.of(run.instance["id"], facts, definition)

    def _first_run(self, start: Starting, now: int) -> Run:
        definition = self._runs.definition(start.facts.digest, lambda _: start.document)
        return Run.of(start.id, start.facts, definition, started_at=now)


@contextmanager
def _forgotten_if_refused(runs: Mapping[str, Run]) -> Iterator[None]:
    """What was worked out on the way may have been made from what never came to be."""
    try:
        yield
    except BaseException:
        for run in runs.values():
            run.memo.clear()
        raise


def _refuse_vain_retries(batch: Batch, notifications: Sequence[Notification], runs: Mapping[str, Run]) -> None:
    """Whoever retries is told if nothing came of it, and nothing is stored of it. Raises Conflict."""
    for notification in notifications:
        name = notification.instance
        if notification.event.get("type") == RetryRequested.type and batch.stayed(name):
            grouped = runs[name].definition.concurrency is not None
            why = "it got no slot of its concurrency group" if grouped else "there is nothing to retry"
            raise Conflict(f"instance {name} stays as it was: {why}")


def _keys(notification: Notification) -> Iterator[tuple[str, str]]:
    """The scope, those above it that it may settle into, and those below that it may cancel."""
    scope: str | None = notification.scope
    while scope is not None:
        yield notification.instance, scope
        scope = parent_scope(scope)
    if notification.scope == ROOT and notification.event.get("type") in _REACHES_DOWN:
        yield notification.instance, FINALLY
