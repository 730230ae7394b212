"""Where messages go that cannot be taken: none is dropped, none is looped on, whoever it came to."""

from __future__ import annotations

import structlog

from engine.app.ports import Outbox
from engine.app.records import Message
from engine.errors import Newer

_log = structlog.get_logger(__name__)


def put_aside(outbox: Outbox, message: Message, error: Exception) -> bool:
    """Park a message for people to look at. One of a newer version is put off first, for a newer process to take.

    Returns whether it comes again. Raises Unavailable.
    """
    if isinstance(error, Newer) and outbox.put_off(message, str(error)):
        _log.warning("message put off for a newer version", queue=message.queue, error=str(error))
        return True
    outbox.park(message, str(error))
    _log.error("message parked", queue=message.queue, error=str(error))
    return False
