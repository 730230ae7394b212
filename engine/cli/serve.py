"""Builds each process from its parts and runs it until it is told to stop."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import structlog

from engine import log
from engine.bootstrap import Application
from engine.cli.web_server import WebServer
from engine.config import load
from engine.workers.loop import Loop
from engine.workers.notification_worker import NotificationWorker
from engine.workers.relay import relay_loop
from engine.workers.run import Part, run, stop
from engine.workers.scheduler import scheduler_loop
from engine.workers.sync import sync_loop
from engine.workers.task_worker import TaskWorker

_log = structlog.get_logger(__name__)


def api_part(application: Application) -> Part:
    """REST and pages. Raises Misconfigured if it would be open to the network without a token."""
    from engine.api.app import create

    config = application.config
    app = create(application.services, config)
    return WebServer(app, name="api", host=config.api_host, port=config.api_port)


def webhooks_part(application: Application) -> Part:
    """Triggers and approval links."""
    from webhooks.app import create
    from webhooks.approvals import routes

    config = application.config
    pages = routes(
        approver=application.approver,
        approvals=application.instances.approvals,
        reader=application.instances.reader,
        links=application.asker,
    )
    app = create(
        project=application.project,
        secrets=application.secrets,
        deliveries=application.instances.deliveries,
        receiver=application.receiver,
        routes=pages,
        checks=application.checks,
    )
    return WebServer(app, name="webhooks", host=config.webhooks_host, port=config.webhooks_port)


def task_part(application: Application) -> Part:
    """Runs tasks."""
    return TaskWorker(application.broker, application.performer, threads=application.config.task_threads)


def notification_part(application: Application) -> Part:
    """Takes events to their instances."""
    return NotificationWorker(application.broker, application.advancer)


LOOPS: dict[str, Callable[[Application], Loop]] = {
    "relay": lambda application: relay_loop(application.relay),
    "scheduler": lambda application: scheduler_loop(application.scheduler),
    "sync": lambda application: sync_loop(application.synchronizer, poll=application.config.poll),
}


def serve_api() -> None:
    """The `api` process."""
    _run(lambda application: [api_part(application)])


def serve_webhooks() -> None:
    """The `webhooks` process."""
    _run(lambda application: [webhooks_part(application)])


def run_workers(*, tasks: bool = False, notifications: bool = False) -> None:
    """A worker process for one queue or both. Notifications stop last: finished tasks feed them."""
    makers = [task_part] * tasks + [notification_part] * notifications
    _run(lambda application: [make(application) for make in makers])


def run_loop(name: str) -> None:
    """The `relay`, `scheduler` or `sync` process."""
    _run(lambda application: [LOOPS[name](application)])


@contextmanager
def embedded_workers(application: Application) -> Iterator[None]:
    """Both workers, relay and scheduler as threads of this process, for as long as the block lasts."""
    parts = embedded_parts(application)
    for part in parts:
        part.start()
    try:
        yield
    finally:
        stop(parts)


def embedded_parts(application: Application) -> list[Part]:
    """What one process needs to run instances by itself, in the order in which it stops."""
    return [
        LOOPS["scheduler"](application),
        task_part(application),
        notification_part(application),
        LOOPS["relay"](application),
    ]


def _run(parts: Callable[[Application], list[Part]]) -> None:
    config = load()
    log.configure(config)
    application = Application(config)
    try:
        run(parts(application), ready=lambda: _log.info("ready"))
    finally:
        application.close()
