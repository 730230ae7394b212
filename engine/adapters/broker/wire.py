"""The form of a message in a queue: Dramatiq's envelope around one command or notification, as JSON bytes."""

from __future__ import annotations

import re
import time
from collections.abc import Iterable
from typing import Any, NamedTuple

import dramatiq
import orjson
from uuid_utils import UUID, uuid7

from engine.app.ports import Standing
from engine.app.records import NOTIFICATIONS, Message
from engine.core.commands import lease_of
from engine.errors import Malformed

PERFORM = "perform"
"""The actor on task queues; its one argument is a command as JSON."""

NOTIFY = "notify"
"""The actor on the notification queue; its one argument is `{"instance", "scope", "event"}`."""


ATTEMPTS = "attempts"
"""Dramatiq's option that says how many could not read the message before."""

_PLAIN = re.compile(r"[A-Za-z0-9._/\[\]#-]+")
"""What leases of commands look like: the same within JSON, and for patterns of Redis."""

MOST = 10
"""The highest priority; the lowest is as far below 0."""


class Envelope(NamedTuple):
    """One sending of a message. The id is drawn for each sending, so that a repeat never shares the fate of the first.

    A priority other than 0 stands at its end, so that whoever puts the message back knows it.
    """

    queue: str
    id: str
    data: bytes
    lease: str | None = None
    """What whoever fetches it takes with it. It stands at the beginning of `data` too, for Redis to find."""


class Fetched(NamedTuple):
    """A message as it comes out of its queue, and how its lease stands since; None if it has none."""

    id: str
    data: bytes
    standing: Standing | None


def seal(message: Message) -> Envelope:
    """Prepare one sending. Raises Malformed if the body is not JSON (a lone surrogate, an integer beyond 64 bits)."""
    actor = NOTIFY if message.queue == NOTIFICATIONS else PERFORM
    priority = message.body.get("priority") if isinstance(message.body, dict) else None
    if type(priority) is not int:  # made by hand: whoever reads the queue refuses it
        priority = 0
    lease = _lease(message) if actor == PERFORM else None
    options: dict[str, Any] = {"lease": lease} if lease else {}
    if message.attempts:
        options[ATTEMPTS] = message.attempts
    ranked = max(-MOST, min(priority, MOST))
    return _seal(message.queue, actor, [message.body], {}, options, priority=ranked, lease=lease)


def priority_of(id: str) -> int:
    """What stands at the end of a message's id: higher ones are fetched before."""
    return int(id.partition(".")[2]) if "." in id else 0


def sent_at(id: str) -> int | None:
    """When a message was sent, in milliseconds, which its id begins with; None of one that `seal` did not draw."""
    try:
        return UUID(id.partition(".")[0]).timestamp
    except ValueError:
        return None


def oldest(heads: Iterable[str], now: int) -> int | None:
    """The age in milliseconds of the oldest of these messages, as far as clocks agree; None if there is none."""
    moments = [sent for head in heads if (sent := sent_at(head)) is not None]
    return max(0, now - min(moments)) if moments else None


def seal_dramatiq(message: dramatiq.Message[Any]) -> Envelope:
    """The same for a message that somebody built with a Dramatiq actor."""
    return _seal(message.queue_name, message.actor_name, list(message.args), message.kwargs, message.options)


def unsent(message: Message) -> dramatiq.Message[Any]:
    """What a reader would have got, had the message gone through its queue."""
    actor = NOTIFY if message.queue == NOTIFICATIONS else PERFORM
    return dramatiq.Message(
        queue_name=message.queue,
        actor_name=actor,
        args=(message.body,),
        kwargs={},
        options={},
        message_id=str(uuid7()),
        message_timestamp=int(time.time() * 1000),
    )


def _lease(message: Message) -> str | None:
    """None also of what was made by hand: whoever reads the queue refuses it, or leases it when it is at work on it."""
    try:
        lease = lease_of(message.body)
    except Malformed:
        return None
    return lease if lease is None or _PLAIN.fullmatch(lease) else None


def _seal(
    queue: str,
    actor: str,
    args: list[Any],
    kwargs: dict[str, Any],
    options: dict[str, Any],
    *,
    priority: int = 0,
    lease: str | None = None,
) -> Envelope:
    name = f"{uuid7()}.{priority}" if priority else str(uuid7())
    envelope = {
        "options": options,  # first, with the lease first in it: Redis looks there
        "queue_name": queue,
        "actor_name": actor,
        "args": args,
        "kwargs": kwargs,
        "message_id": name,
        "message_timestamp": int(time.time() * 1000),
    }
    try:
        return Envelope(queue, name, orjson.dumps(envelope), lease)
    except TypeError as error:
        raise Malformed(f"a message for the queue {queue!r} cannot be written as JSON: {error}") from None


def unseal(data: bytes) -> dramatiq.Message[Any]:
    """Read a message back. Raises Malformed on anything that `seal` did not write."""
    try:
        fields = orjson.loads(data)
        fields["args"] = tuple(fields["args"])
        return dramatiq.Message(**fields)
    except (ValueError, TypeError, KeyError) as error:
        raise Malformed(f"not a message: {error}") from None
