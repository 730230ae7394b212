"""`headrace dev`: everything in one process on SQLite and memory, no configuration, survives kill -9."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from collections.abc import Sequence

    from engine.app.versions import Version
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
    from engine.cli import garbage, serve
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
    serve.warn_of_unknown_settings()
    _refuse_missing(repo)
    _make_private(state)
    application = Application(config)
    try:
        _upgrade(application)
        _first_sync(application)
        parts = [
            serve.api_part(application),
            *serve.webhooks_parts(application),
            serve.sync_part(application),
            *serve.embedded_parts(application),
        ]
        garbage.spare()
        run(parts, ready=lambda: _welcome(application))
    finally:
        application.close()


def _state_dir(repo: str) -> Path:
    """`.headrace` in the repository, or here if that is somewhere else."""
    here = Path(repo)
    return (here if here.is_dir() else Path.cwd()) / ".headrace"


def _refuse_missing(repo: str) -> None:
    """A path that is a slip is told at once; a repository that cannot be read now may be there in a moment."""
    from engine.errors import Misconfigured

    if not (":" in repo or Path(repo).is_dir()):
        raise Misconfigured("REPO", f"there is no folder {repo}")


def _make_private(state: Path) -> None:
    """The folder ignores itself, so that it never gets into a commit; secrets are for their owner only."""
    from engine.errors import Misconfigured

    try:
        state.mkdir(parents=True, exist_ok=True)
        (state / ".gitignore").write_text("*\n")
        (state / "secrets").mkdir(mode=0o700, exist_ok=True)
    except OSError as error:
        raise Misconfigured("HEADRACE_STATE_DIR", f"no folder can be made there: {error}") from None


def _upgrade(application: Application) -> None:
    """In a process of its own, which takes the memory of the migrations with it. No thread has been started yet."""
    import os

    if hasattr(os, "fork"):
        child = os.fork()
        if child == 0:
            try:
                application.upgrade()
            finally:
                os._exit(0)
        os.waitpid(child, 0)
    application.upgrade()  # finds it done, or says why it cannot be


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
    versions = application.definitions.definitions.active_all()
    repo = Path(config.repo).resolve() if Path(config.repo).is_dir() else config.repo
    lines = [
        "",
        "  Headrace is running.",
        "",
        f"  Pages      http://{config.api_host}:{config.api_port}",
        f"  Webhooks   {config.public}/hooks/SOURCE",
        f"  Following  {repo} ({config.folder}/)",
        f"  Workflows  {', '.join(version.workflow for version in versions) or 'none yet'}",
        "",
        *_to_try(config.folder, versions),
        "",
        f"  Approvals are {'mailed' if config.smtp_url else 'printed here, with a link for each person'}.",
        "  Ctrl-C stops it. Nothing is lost: start it again and everything goes on.",
        "",
    ]
    typer.echo("\n".join(lines))


def _to_try(folder: str, versions: Sequence[Version]) -> list[str]:
    """Commands for another terminal: a start that works as it stands where some workflow needs no inputs."""
    if not versions:
        return [f"  Commit a workflow to {folder}/; `headrace sync` tells what became of it."]
    missing = {version.workflow: version.document["inputs"].get("required", []) for version in versions}
    easiest = min(missing, key=lambda name: len(missing[name]))
    inputs = "".join(f" -i {name}=…" for name in missing[easiest])
    return [
        "  Try, in another terminal:",
        f"    headrace start {easiest}{inputs}",
        "    headrace list",
        "    headrace approve",
    ]
