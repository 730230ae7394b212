"""Cancel an instance: what runs is told to stop, what waits is cancelled, `finally` still runs."""

from __future__ import annotations

from engine.app.advance import Advancer
from engine.app.ports import InstanceReader
from engine.app.records import FINAL, Notification
from engine.core.events import CancelRequested, to_json
from engine.core.keys import FINALLY, ROOT
from engine.errors import Conflict


class Canceller:
    """The cancel button."""

    def __init__(self, *, reader: InstanceReader, advancer: Advancer) -> None:
        self._reader = reader
        self._advancer = advancer

    def cancel(self, instance: str, *, by: str, reason: str = "") -> None:
        """Ask for it, durably; one that is paused goes on to its end. Raises NotFound, Conflict (it has ended), Unavailable."""
        state = self._reader.get(instance).state
        if state in FINAL:
            raise Conflict(f"instance {instance} has already ended: {state}")
        event = to_json(CancelRequested(by=by, reason=reason))
        scopes = [self._scope(instance)]
        if state == "paused" and scopes != [ROOT]:  # its pause is over in any case
            scopes.append(ROOT)
        self._advancer.submit([Notification(instance=instance, scope=scope, event=event) for scope in scopes])

    def cancel_once(self, instance: str, *, by: str, reason: str = "") -> None:
        """The same for a program that asks until it hears of the end: asking again changes nothing, nor does asking too late."""
        event = to_json(CancelRequested(by=by, reason=reason))
        self._advancer.submit([Notification(instance=instance, scope=ROOT, event=event)])

    def _scope(self, instance: str) -> str:
        """A scope is cancelled once; who cancels again while `finally` runs means `finally`."""
        scopes = self._reader.scopes(instance, limit=1)
        return FINALLY if FINALLY in scopes and "cancel" in scopes[ROOT] else ROOT
