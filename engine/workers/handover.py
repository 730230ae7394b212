"""New commands for a queue that this very process serves: carried out from memory, their outbox rows kept until they are over.

A crash loses nothing: the rows are still there, and the relay sends what they hold.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence

from engine.adapters.broker.held import Held
from engine.adapters.broker.intake import Intake
from engine.adapters.broker.wire import unsent
from engine.app.records import Message
from engine.core.commands import cancelled_attempt, lease_of
from engine.workers.attempts import Attempt, Attempts


class Handover:
    """Keeps as many commands here as there is room for in their queue's window, counted with those from the queue.

    No lease is taken up front: nobody else knows of the command before the relay finds its row a second later, and by
    then the heartbeat has leased it.
    """

    def __init__(self, intakes: Mapping[str, Intake], attempts: Attempts, take_up: Callable[[Held], None]) -> None:
        self._intakes = intakes
        self._attempts = attempts
        self._take_up = take_up

    def __call__(self, messages: Sequence[Message]) -> Sequence[Message]:
        """Keep what fits; returns the rest, which has to be published."""
        spare = {queue: intake.spare() for queue, intake in list(self._intakes.items())}
        kept: list[Attempt] = []
        rest: list[Message] = []
        for message in messages:
            if spare.get(message.queue, 0) > 0 and message.id is not None and not cancelled_attempt(message.body):
                spare[message.queue] -= 1
                kept.append(_attempt(message, message.id))
            else:
                rest.append(message)
        self._keep(kept)
        return rest

    def _keep(self, attempts: Sequence[Attempt]) -> None:
        self._attempts.add(attempts)
        by_queue: dict[str, list[Held]] = defaultdict(list)
        for attempt in attempts:
            by_queue[attempt.message.queue_name].append(attempt.message)
        for queue, messages in by_queue.items():
            self._intakes[queue].took(messages)
            for message in messages:
                self._take_up(message)


def _attempt(message: Message, row: str) -> Attempt:
    held = Held(unsent(message), queued=False)
    return Attempt(message=held, lease=lease_of(message.body), leased=False, row=row)
