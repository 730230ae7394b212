"""The figures of the engine in Prometheus' text format, read from queues and databases when asked for."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping

import structlog
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.metrics_core import Metric

from engine.app.figures import QueueFigures
from engine.app.records import UNFINISHED
from engine.app.services import Services
from engine.errors import Unavailable

FAMILIES: dict[str, tuple[str, str]] = {
    "headrace_up": ("Whether a part that this process needs answered for these figures.", "part"),
    "headrace_instances": ("Instances that have not ended, by state.", "state"),
    "headrace_instances_ended_total": ("Instances that ever ended, by workflow and state.", ""),
    "headrace_queue_messages": ("Messages that wait in a queue.", "queue"),
    "headrace_queue_unacknowledged": ("Messages that workers have fetched and not yet dealt with.", "queue"),
    "headrace_queue_oldest_message_seconds": ("Age of the oldest message that waits, 0 if none does.", "queue"),
    "headrace_queue_workers": ("Processes that read a queue and give signs of life.", "queue"),
    "headrace_queue_threads": ("Threads of the processes that read a queue.", "queue"),
    "headrace_outbox_rows": ("Messages not yet seen published.", "state"),
    "headrace_outbox_oldest_seconds": ("For how long the oldest message waits for a relay, 0 if none does.", ""),
    "headrace_timers_overdue": ("Scopes with timers that are due, counted up to 10,000.", ""),
    "headrace_timer_lag_seconds": ("How late the most overdue timer is, 0 if none is.", ""),
    "headrace_concurrency_slots": ("Slots of all concurrency groups, held or awaited.", "state"),
    "headrace_event_waits": ("Tasks that wait for an event.", ""),
    "headrace_events_unrouted": ("Events that have not reached everybody yet.", ""),
    "headrace_deliveries_undecided": ("Webhook deliveries that nobody has decided about yet.", ""),
    "headrace_approvals_open": ("Approvals that people have not decided.", ""),
    "headrace_approvals_oldest_seconds": ("Age of the oldest open approval, 0 if none is open.", ""),
    "headrace_schedules": ("Entries of on.schedule that are live.", ""),
    "headrace_schedules_failing": ("Entries of on.schedule whose last time gave no instance.", ""),
    "headrace_schedule_lag_seconds": ("How late the most overdue schedule is, 0 if none is.", ""),
    "headrace_scheduler_leaders": ("Schedulers that lead: 1, or 0 if none does.", ""),
    "headrace_sync_last_success_timestamp_seconds": ("When a commit of a source was last loaded.", "source"),
    "headrace_sync_failing": ("1 if the newest sync of a source was refused or failed.", "source"),
}
"""What each family says, and its label. Every one is in docs/metrics.md, which a test holds."""

_log = structlog.get_logger(__name__)


def exposition(services: Services) -> str:
    """All figures as text; those of a part that does not answer are left out."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Figures(services))
    return generate_latest(registry).decode()


class _Figures:
    """A collector over the stores; one per scrape, so that nothing is kept between scrapes."""

    def __init__(self, services: Services) -> None:
        self._services = services

    def collect(self) -> Iterator[Metric]:
        up: dict[str, float] = {}
        for part, read in (("instances", self._instances), ("broker", self._queues), ("definitions", self._syncs)):
            found = _read(part, read)
            up[part] = found is not None
            yield from found or ()
        yield _gauge("headrace_up", up)

    def _instances(self) -> Iterator[Metric]:
        yield _gauge("headrace_instances", self._live())
        yield self._ended()
        waiting, parked = self._services.outbox.size()
        yield _gauge("headrace_outbox_rows", {"waiting": waiting, "parked": parked})
        backlog = self._services.backlogs.read()
        yield _gauge("headrace_outbox_oldest_seconds", backlog.outbox_lag / 1000)
        yield _gauge("headrace_timers_overdue", backlog.timers_overdue)
        yield _gauge("headrace_timer_lag_seconds", backlog.timer_lag / 1000)
        slots = {"held": backlog.slots_held, "awaited": backlog.slots_awaited}
        yield _gauge("headrace_concurrency_slots", slots)
        yield _gauge("headrace_event_waits", backlog.event_waits)
        yield _gauge("headrace_events_unrouted", backlog.events_unrouted)
        yield _gauge("headrace_deliveries_undecided", backlog.deliveries_received)
        yield _gauge("headrace_approvals_open", backlog.approvals_open)
        yield _gauge("headrace_approvals_oldest_seconds", backlog.approvals_oldest / 1000)
        yield _gauge("headrace_schedules", backlog.schedules)
        yield _gauge("headrace_schedules_failing", backlog.schedules_failing)
        yield _gauge("headrace_schedule_lag_seconds", backlog.schedule_lag / 1000)
        yield _gauge("headrace_scheduler_leaders", backlog.leaders)

    def _live(self) -> Mapping[str, float]:
        found = Counter(dict.fromkeys(UNFINISHED, 0))
        for states in self._services.reader.unfinished().values():
            found.update(states)
        return found

    def _ended(self) -> Metric:
        said, _ = FAMILIES["headrace_instances_ended_total"]
        family = CounterMetricFamily("headrace_instances_ended", said, labels=["workflow", "state"])
        for key, number in sorted(self._services.reader.ended().items()):
            family.add_metric(key, number)
        return family

    def _queues(self) -> Iterator[GaugeMetricFamily]:
        queues = self._services.queue_figures()

        def each(value: Callable[[QueueFigures], float]) -> dict[str, float]:
            return {one.queue: value(one) for one in queues}

        yield _gauge("headrace_queue_messages", each(lambda one: one.waiting))
        yield _gauge("headrace_queue_unacknowledged", each(lambda one: one.unacknowledged))
        yield _gauge("headrace_queue_oldest_message_seconds", each(lambda one: (one.oldest or 0) / 1000))
        yield _gauge("headrace_queue_workers", each(lambda one: one.workers))
        yield _gauge("headrace_queue_threads", each(lambda one: one.threads))

    def _syncs(self) -> Iterator[GaugeMetricFamily]:
        definitions = self._services.definitions
        newest = {report.source: report for report in definitions.syncs(limit=1)}
        loaded = {source: definitions.last_sync(source, "loaded") for source in newest}
        last = {source: report.at / 1000 for source, report in loaded.items() if report}
        yield _gauge("headrace_sync_last_success_timestamp_seconds", last)
        failing = {source: float(report.state in ("refused", "failed")) for source, report in newest.items()}
        yield _gauge("headrace_sync_failing", failing)


def _read(part: str, read: Callable[[], Iterator[Metric]]) -> list[Metric] | None:
    """All of a part's figures, or None: what cannot be read now must not keep the others from being seen."""
    try:
        return list(read())
    except Unavailable as error:
        _log.warning("figures are missing", part=part, error=str(error))
        return None


def _gauge(name: str, value: float | Mapping[str, float]) -> GaugeMetricFamily:
    """One family: a value, or values by what its label says."""
    said, label = FAMILIES[name]
    family = GaugeMetricFamily(name, said, labels=[label] if label else [])
    for key, number in sorted(value.items()) if isinstance(value, Mapping) else [("", value)]:
        family.add_metric([key] if label else [], number)
    return family
