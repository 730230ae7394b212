"""Builds each process from its parts and runs it until it is told to stop."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import structlog

from engine import log
from engine.app.records import TASKS
from engine.bootstrap import Application
from engine.cli import garbage
from engine.config import load, unknown
from engine.workers.loop import Loop
from engine.workers.run import Part, run, stop

_log = structlog.get_logger(__name__)


def api_part(application: Application) -> Part:
    """REST and pages. Raises Misconfigured if it would be open to the network without a token."""
    from engine.api.app import create
    from engine.cli.web_server import WebServer

    config = application.config
    app = create(application.services, config)
    return WebServer(app, name="api", host=config.api_host, port=config.api_port)


def webhooks_parts(application: Application) -> list[Part]:
    """Triggers and approval links; its metrics on an address of their own, if there is one."""
    from prometheus_client import CollectorRegistry

    from engine.cli.web_server import WebServer
    from webhooks import metrics
    from webhooks.app import create
    from webhooks.approvals import routes

    config, registry = application.config, CollectorRegistry()
    pages = routes(
        approver=application.approver,
        approvals=application.instances.approvals,
        reader=application.instances.reader,
        links=application.asker,
    )
    app = create(
        project=application.project,
        secrets=application.secrets,
        receiver=application.receiver,
        routes=pages,
        checks=application.checks,
        calls=metrics.Calls(registry),
    )
    parts: list[Part] = [WebServer(app, name="webhooks", host=config.webhooks_host, port=config.webhooks_port)]
    if port := config.webhooks_metrics_port:
        shown = metrics.create(registry)
        parts.append(WebServer(shown, name="webhooks_metrics", host=config.webhooks_metrics_host, port=port))
    return parts


def task_part(application: Application) -> Part:
    """Runs tasks."""
    from engine.workers.task_worker import TaskWorker

    config = application.config
    return TaskWorker(
        application.broker, application.performer, threads=config.task_threads, queues=config.task_queues or (TASKS,)
    )


def notification_part(application: Application) -> Part:
    """Takes events to their instances."""
    from engine.workers.notification_worker import NotificationWorker

    return NotificationWorker(application.broker, application.advancer)


def worker_part(application: Application, *, idle: float = 1.0) -> Part:
    """Both queues, handing over in memory. `idle`: seconds between two looks of an idle thread whether to stop."""
    from engine.workers.combined_worker import CombinedWorker

    config = application.config
    return CombinedWorker(
        application.broker,
        application.performer,
        application.advancer,
        threads=config.task_threads,
        queues=config.task_queues or (TASKS,),
        follow=not config.task_queues,
        idle=idle,
    )


def relay_part(application: Application) -> Loop:
    """Publishes what was left in the outbox."""
    from engine.workers.relay import relay_loop

    return relay_loop(application.relay)


def scheduler_part(application: Application) -> Loop:
    """Timers, recovery, retention."""
    from engine.workers.scheduler import scheduler_loop

    return scheduler_loop(application.scheduler)


def sync_part(application: Application) -> Loop:
    """Follows the repository."""
    from engine.workers.sync import sync_loop

    return sync_loop(application.synchronizer, poll=application.config.poll)


@contextmanager
def embedded_workers(application: Application, *, idle: float = 1.0) -> Iterator[None]:
    """Worker, relay and scheduler as threads of this process, for as long as the block lasts."""
    parts = embedded_parts(application, idle=idle)
    for part in parts:
        part.start()
    try:
        yield
    finally:
        stop(parts)


def embedded_parts(application: Application, *, idle: float = 1.0) -> list[Part]:
    """What one process needs to run instances by itself, in the order in which it stops."""
    return [scheduler_part(application), worker_part(application, idle=idle), relay_part(application)]


def warn_of_unknown_settings() -> None:
    """A misspelled setting is not used, and nothing else would tell."""
    for name, meant in unknown().items():
        _log.warning("no such setting", name=name, **({"did_you_mean": meant} if meant else {}))


def serve(part: Callable[[Application], Part | list[Part]], **changes: Any) -> None:
    """Run a process of its part in the foreground, with the settings of its environment; `changes` are those of options."""
    config = replace(load(), **changes)
    log.configure(config)
    warn_of_unknown_settings()
    application = Application(config)
    try:
        made = part(application)
        parts = made if isinstance(made, list) else [made]
        garbage.spare()
        run(parts, ready=lambda: _log.info("ready"))
    finally:
        application.close()
