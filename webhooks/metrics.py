"""What became of webhook calls, counted in their own process and shown on an address of its own: never on the internet's."""

from __future__ import annotations

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Counter, Histogram, generate_latest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from engine.core.project import WebhookSource
from engine.errors import Rejected, Unavailable

PATH = "/metrics"


class Calls:
    """Counters of one process. Labels name sources of project.yaml alone, so that no caller can make new ones."""

    def __init__(self, registry: CollectorRegistry) -> None:
        labels = ["source", "provider"]
        self._taken = Counter(
            "headrace_webhook_deliveries",
            "Webhook calls that were taken, new or repeated.",
            [*labels, "result"],
            registry=registry,
        )
        self._refused = Counter(
            "headrace_webhook_refused", "Webhook calls that were not taken.", [*labels, "reason"], registry=registry
        )
        self._seconds = Histogram(
            "headrace_webhook_seconds", "Time from a call to its answer, if it was taken.", labels, registry=registry
        )

        self._children: dict[tuple[str, str], tuple[Counter, Counter, Histogram]] = {}
        """Those of sources that were called before: finding them by their labels takes longer than counting."""

    def taken(self, source: WebhookSource, seconds: float, *, duplicate: bool) -> None:
        """It is durable, and answered so."""
        key = (source.name, source.provider)
        if key not in self._children:
            new, repeated = (self._taken.labels(*key, result) for result in ("new", "duplicate"))
            self._children[key] = new, repeated, self._seconds.labels(*key)
        new, repeated, took = self._children[key]
        (repeated if duplicate else new).inc()
        took.observe(seconds)

    def refused(self, source: WebhookSource | None, error: Rejected | Unavailable) -> None:
        """The reason is the error's name in its answer; a call for no source has none in its labels either."""
        name, provider = (source.name, source.provider) if source else ("", "")
        self._refused.labels(name, provider, error.slug).inc()


def create(registry: CollectorRegistry) -> Starlette:
    """The app that shows them."""

    async def show(_request: Request) -> Response:
        return Response(generate_latest(registry), media_type=CONTENT_TYPE_LATEST)

    return Starlette(routes=[Route(PATH, show, methods=["GET"])])
