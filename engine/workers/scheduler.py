"""The process that feeds due timers, recovers and prunes. Any number may run, one leads."""

from __future__ import annotations

from engine.app.schedule import Scheduler
from engine.workers.loop import Loop


def scheduler_loop(scheduler: Scheduler) -> Loop:
    """Look for due timers every quarter of a second, and at once while there are more."""
    return Loop("scheduler", scheduler.run_once, pause=0.25)
