"""Pause and resume an instance: nothing new starts in it, what runs ends, and nothing is lost over it."""

from __future__ import annotations

from engine.app.advance import Advancer
from engine.app.ports import InstanceReader
from engine.app.records import FINAL, Notification
from engine.core.events import PauseRequested, ResumeRequested, to_json
from engine.core.keys import ROOT
from engine.errors import Conflict


class Pauser:
    """The pause button."""

    def __init__(self, *, reader: InstanceReader, advancer: Advancer) -> None:
        self._reader = reader
        self._advancer = advancer

    def pause(self, instance: str, *, by: str, reason: str = "") -> None:
        """Start nothing new, durably. Raises NotFound, Conflict (it has ended, or is paused), Unavailable."""
        state = self._reader.get(instance).state
        if state in FINAL or state == "paused":
            raise Conflict(f"instance {instance} cannot be paused: it is {state}")
        self._submit(instance, PauseRequested(by=by, reason=reason))

    def resume(self, instance: str, *, by: str) -> None:
        """Go on. Raises NotFound, Conflict (it is not paused), Unavailable."""
        state = self._reader.get(instance).state
        if state != "paused":
            raise Conflict(f"instance {instance} is not paused: it is {state}")
        self._submit(instance, ResumeRequested(by=by))

    def _submit(self, instance: str, event: PauseRequested | ResumeRequested) -> None:
        self._advancer.submit([Notification(instance=instance, scope=ROOT, event=to_json(event))])
