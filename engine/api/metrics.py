"""The figures of the engine in Prometheus' text format, read from the database when asked for."""

from __future__ import annotations

from collections.abc import Iterator

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily

from engine.app.services import Services


class _Figures:
    """A collector over the stores; one per scrape, so that nothing is kept between scrapes."""

    def __init__(self, services: Services) -> None:
        self._services = services

    def collect(self) -> Iterator[GaugeMetricFamily]:
        instances = GaugeMetricFamily("headrace_instances", "Instances by state.", labels=["state"])
        for state, count in sorted(self._services.reader.counts().items()):
            instances.add_metric([state], count)
        yield instances
        waiting, parked = self._services.outbox.size()
        outbox = GaugeMetricFamily("headrace_outbox_rows", "Messages not yet seen published.", labels=["state"])
        outbox.add_metric(["waiting"], waiting)
        outbox.add_metric(["parked"], parked)
        yield outbox


def exposition(services: Services) -> str:
    """All figures as text. Raises Unavailable."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Figures(services))
    return generate_latest(registry).decode()
