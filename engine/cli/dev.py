"""`headrace dev`: everything in one process on SQLite and memory, no configuration, survives kill -9."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from engine.bootstrap import Application


def register(app: typer.Typer) -> None:
    """Add `dev`."""
    app.command("dev", rich_help_panel="Write workflows")(dev)


def dev(
    repo: Annotated[
        str, typer.Argument(help="The git repository with your workflows, a path or a URL. Default: this folder.")
    ] = "",
) -> None:
    """Run everything on this machine: pages, webhooks, workers and sync in one process."""
    import os
    from dataclasses import replace

    from engine import log
    from engine.bootstrap import Application
    from engine.cli import serve
    from engine.config import load
    from engine.workers.run import run

    given = load()
    repo = repo or given.repo or "."
    state = given.state_dir if "HEADRACE_STATE_DIR" in os.environ else _state_dir(repo)
    config = replace(
        given,
        repo=repo,
        state_dir=state,
        secrets_dir=given.secrets_dir or str(state / "secrets"),
        poll=min(given.poll, 2.0),
        dev=True,
    )
    log.configure(config)
    _make_private(state)
    application = Application(config)
    try:
        application.upgrade()
        _first_sync(application)
        parts = [
            serve.api_part(application),
            serve.webhooks_part(application),
            serve.sync_part(application),
            *serve.embedded_parts(application),
        ]
        run(parts, ready=lambda: _welcome(application))
    finally:
        application.close()


def _state_dir(repo: str) -> Path:
    """`.headrace` in the repository, or here if that is somewhere else."""
    here = Path(repo)
    return (here if here.is_dir() else Path.cwd()) / ".headrace"


def _make_private(state: Path) -> None:
    """The folder ignores itself, so that it never gets into a commit; secrets are for their owner only."""
    state.mkdir(parents=True, exist_ok=True)
    (state / ".gitignore").write_text("*\n")
    (state / "secrets").mkdir(mode=0o700, exist_ok=True)


def _first_sync(application: Application) -> None:
    """Load the head, and make up signing secrets that nobody has set, so that webhooks can be tried at once."""
    import secrets

    from engine.errors import NotFound

    application.synchronizer.run_once()
    for source in application.project().webhooks.values():
        for name in source.secrets:
            try:
                application.secrets.get(name)
            except NotFound:
                path = Path(application.config.secrets_dir) / name
                path.touch(mode=0o600)
                path.write_text(secrets.token_hex(32))


def _welcome(application: Application) -> None:
    config = application.config
    workflows = [version.workflow for version in application.definitions.definitions.active_all()]
    lines = [
        "",
        "  Headrace is running.",
        "",
        f"  Pages      http://{config.api_host}:{config.api_port}",
        f"  Webhooks   {config.public}/hooks/SOURCE",
        f"  Following  {config.repo} ({config.folder}/)",
        "",
        "  Try, in another terminal:",
        f"    headrace start {workflows[0] if workflows else 'NAME'}"
        if workflows
        else f"    commit a workflow to {config.folder}/",
        "    headrace list",
        "    headrace approve",
        "",
        f"  Workflows: {', '.join(workflows) or 'none yet; see `headrace sync`'}",
        "  Ctrl-C stops it. Nothing is lost: start it again and everything goes on.",
        "",
    ]
    typer.echo("\n".join(lines))
