"""The process that publishes what a crash or an outage left in the outbox."""

from __future__ import annotations

from engine.app.relay import Relay
from engine.workers.loop import Loop


def relay_loop(relay: Relay) -> Loop:
    """Sweep every second, and at once while there is more."""
    return Loop("relay", relay.run_once, pause=1.0)
