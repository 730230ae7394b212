"""`headrace schema`: the JSON Schemas of what people write and programs read."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

_SUFFIX = ".schema.json"


def register(app: typer.Typer) -> None:
    """Add `schema`."""
    app.command("schema", rich_help_panel="Write workflows")(schema)


def schema(
    name: Annotated[str | None, typer.Argument(help="Which one, such as `workflow`; without it, their names.")] = None,
) -> None:
    """Print a JSON Schema: of workflows, project.yaml, tests, findings, plans."""
    from engine.app.plan.schema import FILE, document
    from engine.spec.editor_schemas import documents, written

    found = {file.removesuffix(_SUFFIX): text for file, text in {**documents(), FILE: document()}.items()}
    if name is None:
        for known in sorted(found):
            typer.echo(known)
        return
    if name not in found:
        typer.echo(f"headrace: there is no schema {name}, only {', '.join(sorted(found))}", err=True)
        raise typer.Exit(2)
    sys.stdout.write(written(found[name]).decode())
