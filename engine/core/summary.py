"""A scope's state in a word, and when it next wants to be looked at."""

from __future__ import annotations

from typing import Literal

from engine.core.state import ScopeState

Summary = Literal["queued", "running", "waiting", "paused", "compensating", "succeeded", "failed", "cancelled"]


def instance_state(root: ScopeState, finally_: ScopeState | None) -> Summary:
    """The state of an instance as people see it, from its root scope and, once it is open, its scope `finally`.

    `waiting`: nothing is with a worker, and a person, a timer or the pause before an attempt is awaited.
    """
    if root["status"] == "settled":
        return root.get("outcome", "succeeded")
    if "paused" in root:
        return "paused"
    if root["status"] in ("queued", "compensating"):
        return "queued" if root["status"] == "queued" else "compensating"
    busy = finally_ if root["status"] == "finally" and finally_ is not None else root
    states = {run["state"] for run in busy["tasks"].values()}
    return "waiting" if "waiting" in states and not states & {"queued", "running"} else "running"


def next_due(state: ScopeState) -> int | None:
    """When the earliest timer of the scope is due, checks included, in milliseconds; None if there is none."""
    times = list(state.get("timers", {}).values())
    for run in state["tasks"].values():
        if "timers" in run:
            times.extend(run["timers"].values())
    return min(times, default=None)
