"""What ends in a batch: something an instance has to hear, with everything that is over once it has."""

from __future__ import annotations

from typing import Protocol

from engine.adapters.broker.held import Held
from engine.app.records import Notification
from engine.core.frozen import frozen


@frozen
class Entry:
    """A notification (None: nobody has to hear of it), the message to acknowledge, the lease to release with it, and the
    outbox row of a command that never saw a queue. `instead`: it stands for one that could not be taken."""

    notification: Notification | None
    message: Held | None = None
    lease: str | None = None
    row: str | None = None
    instead: bool = False


class Outcomes(Protocol):
    """Where a task worker's outcomes go: through the notification queue, or straight to the batcher of this process."""

    def add(self, entry: Entry) -> None:
        """Settle it with the next batch."""
        ...
