"""`headrace db`: the schemas of the two databases."""

from __future__ import annotations

import typer

from engine.cli.output import AsJson, emit_json

group = typer.Typer(help="The schemas of the two databases.", no_args_is_help=True)


def register(app: typer.Typer) -> None:
    """Add `db`."""
    app.add_typer(group, name="db", rich_help_panel="Operate")


@group.command()
def upgrade(*, as_json: AsJson = False) -> None:
    """Bring both databases to this version's schema. Safe to run by several at once."""
    from engine.adapters.databases.connect import open_definitions, open_instances
    from engine.config import load

    config = load()
    for name, database in (
        ("definitions", open_definitions(config.definitions)),
        ("instances", open_instances(config.instances)),
    ):
        database.upgrade()
        database.close()
        if not as_json:
            typer.echo(f"{name}: up to date")
    if as_json:
        emit_json({"definitions": "up to date", "instances": "up to date"})
