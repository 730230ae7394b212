"""Whether the process lives, whether it can work, and the figures a monitor wants."""

from __future__ import annotations

from engine.api.models import Health
from engine.api.operations import Answer, Call, Operation
from engine.errors import Unavailable

TAG = "health"


def live(_call: Call) -> Answer:
    """The process answers: nothing else is looked at, so that an outage elsewhere restarts nobody."""
    return Answer(body=Health(status="ok"))


def ready(call: Call) -> Answer:
    """What the process needs answers too. 503 and the names of what does not, otherwise."""
    found: dict[str, str] = {}
    for name, check in call.services.checks.items():
        try:
            check()
            found[name] = "ok"
        except Unavailable:
            found[name] = "unavailable"  # why is in the log: this answer needs no token
    well = all(state == "ok" for state in found.values())
    return Answer(body=Health(status="ok" if well else "unavailable", checks=found), status=200 if well else 503)


def metrics(call: Call) -> Answer:
    """Figures in Prometheus' text format, without ids in labels."""
    from engine.api.metrics import exposition  # its library is for those who are scraped

    return Answer(body=exposition(call.services))


OPERATIONS = (
    Operation(
        method="GET",
        path="/api/v1/health/live",
        id="getLiveness",
        summary="Is the process alive?",
        tag=TAG,
        handler=live,
        answer=Health,
        public=True,
    ),
    Operation(
        method="GET",
        path="/api/v1/health/ready",
        id="getReadiness",
        summary="Can the process work?",
        tag=TAG,
        handler=ready,
        answer=Health,
        public=True,
    ),
    Operation(
        method="GET",
        path="/metrics",
        id="getMetrics",
        summary="Figures for Prometheus",
        tag=TAG,
        handler=metrics,
        media="text/plain; version=0.0.4; charset=utf-8",
    ),
)
