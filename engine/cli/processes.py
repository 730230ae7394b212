"""One command per process of the distributed engine, and `worker` for both queues in one."""

from __future__ import annotations

from typing import Annotated

import typer


def register(app: typer.Typer) -> None:
    """Add the process commands."""
    panel = "Processes"
    app.command("api", rich_help_panel=panel)(api)
    app.command("webhooks", rich_help_panel=panel)(webhooks)
    app.command("task-worker", rich_help_panel=panel)(task_worker)
    app.command("notification-worker", rich_help_panel=panel)(notification_worker)
    app.command("worker", rich_help_panel=panel)(worker)
    app.command("relay", rich_help_panel=panel)(relay)
    app.command("scheduler", rich_help_panel=panel)(scheduler)
    app.command("sync-worker", rich_help_panel=panel)(sync_worker)


def api() -> None:
    """REST API and pages."""
    from engine.cli import serve

    serve.serve(serve.api_part)


def webhooks() -> None:
    """The process that faces the internet: webhook triggers and approval links."""
    from engine.cli import serve

    serve.serve(serve.webhooks_parts)


def task_worker(
    queue: Annotated[
        list[str] | None,
        typer.Option(
            "--queue", "-q", help="Read this task queue; repeat it for more. Default: HEADRACE_QUEUES, or tasks."
        ),
    ] = None,
) -> None:
    """Run tasks."""
    from engine.cli import serve

    serve.serve(serve.task_part, **({"queues": ",".join(queue)} if queue else {}))


def notification_worker() -> None:
    """Take events to their instances."""
    from engine.cli import serve

    serve.serve(serve.notification_part)


def worker() -> None:
    """Both queues in one process."""
    from engine.cli import serve

    serve.serve(serve.worker_part)


def relay() -> None:
    """Publish what a crash or an outage left in the outbox."""
    from engine.cli import serve

    serve.serve(serve.relay_part)


def scheduler() -> None:
    """Timers, recovery and retention. Several may run, one leads."""
    from engine.cli import serve

    serve.serve(serve.scheduler_part)


def sync_worker() -> None:
    """Follow the git repository and load what changed."""
    from engine.cli import serve

    serve.serve(serve.sync_part)
