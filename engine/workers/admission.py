"""Which of the fetched commands this worker may carry out: those whose lease came with them."""

from __future__ import annotations

from collections.abc import Sequence

import structlog

from engine.adapters.broker.held import Held
from engine.core.commands import lease_of
from engine.errors import Malformed
from engine.workers.attempts import Attempt, Attempts

_log = structlog.get_logger(__name__)


class Admission:
    """A message whose lease was refused is dropped: somebody is at work on it, and it was a hint."""

    def __init__(self, attempts: Attempts) -> None:
        self._attempts = attempts

    def admit(self, messages: Sequence[Held]) -> Sequence[Held]:
        """The messages to work on, registered as attempts."""
        admitted = []
        for message in messages:
            if message.standing == "lost":
                _log.debug("somebody is at work on it", message=message.message_id)
            elif attempt := _attempt(message):
                admitted.append(attempt)
        self._attempts.add(admitted)
        return [attempt.message for attempt in admitted]


def _attempt(message: Held) -> Attempt | None:
    """One that brought no lease although it has one (made by hand, or sent by an older version) is leased by the heartbeat."""
    try:
        lease = lease_of(message.body)
    except (Malformed, IndexError) as error:
        _log.error("command dropped", queue=message.queue_name, message=message.message_id, error=str(error))
        return None
    attempt = Attempt(message=message, lease=lease, leased=message.standing is not None, leased_at=message.since)
    if message.standing == "cancelled":
        attempt.stop.set()  # before it begins: its instance hears at once that it was cancelled
    return attempt
