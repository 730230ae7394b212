"""What happened in a case and when, in words."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from engine.core.durations import text
from engine.core.state import SkipReason, TaskRun
from engine.simulate.world import Moment


def lines(moments: Sequence[Moment], start: int) -> Iterator[str]:
    """A line for each task that ended, and for each attempt that was not the last."""
    times = [f"+{text(moment.at - start)}" for moment in moments]
    width = max(map(len, times), default=0)
    for at, moment in zip(times, moments, strict=True):
        yield f"{at:<{width}}  {moment.path}: {moment.note or moment.run['state'] + why(moment.run)}"


def why(run: TaskRun) -> str:
    """Why a task ended so, in brackets; nothing for one that did what it was for."""
    if "error" in run:
        return f" ({run['error']['kind']}: {run['error']['message']})"
    return f" ({reason(run['skipped'])})" if "skipped" in run else ""


def reason(skipped: SkipReason) -> str:
    """Why a task was skipped: `edge approve.rejected, and it is approved`."""
    said = " ".join(part for part in (skipped["cause"], skipped.get("edge"), skipped.get("condition")) if part)
    return f"{said}, and it is {skipped['got']}" if "got" in skipped else said
