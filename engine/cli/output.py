"""How commands print: a table for people, JSON with --json."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Annotated, Any

import orjson
import typer

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for programs.")]
"""The option that every command which prints data has."""

STATE_STYLE = {
    "succeeded": "green",
    "approved": "green",
    "started": "green",
    "loaded": "green",
    "failed": "red",
    "rejected": "red",
    "refused": "red",
    "expired": "red",
    "running": "blue",
    "waiting": "yellow",
    "open": "yellow",
    "paused": "yellow",
    "compensating": "blue",
    "cancelled": "magenta",
}


def emit_json(value: Any) -> None:
    """Print a value as indented JSON."""
    sys.stdout.write(orjson.dumps(value, option=orjson.OPT_INDENT_2).decode() + "\n")


def emit_table(columns: Sequence[str], rows: Sequence[Sequence[object]], *, empty: str) -> None:
    """Print rows under headings, or a sentence when there are none. States are coloured, never by colour alone."""
    if not rows:
        typer.echo(empty)
        return
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False, header_style="bold", show_edge=False)
    for column in columns:
        table.add_column(column, overflow="fold")
    for row in rows:
        cells = ["" if cell is None else str(cell) for cell in row]
        table.add_row(*(Text(cell, style=STATE_STYLE.get(cell, "")) for cell in cells))
    width = None if sys.stdout.isatty() else 160
    Console(width=width).print(table)


def emit_fields(fields: Mapping[str, object]) -> None:
    """Print names and values, one a line; empty ones are left out."""
    shown = {name: value for name, value in fields.items() if value not in (None, "", {}, [])}
    width = max((len(name) for name in shown), default=0)
    for name, value in shown.items():
        text = value if isinstance(value, str) else orjson.dumps(value).decode()
        typer.echo(f"{name:<{width}}  {text}")


def first_line(text: str) -> str:
    """What a table shows of a text: its first line, marked when there are more."""
    line, _, rest = text.strip().partition("\n")
    return f"{line} …" if rest else line


def moment(value: str | int | None) -> str:
    """A time as people read it, in their time zone: RFC 3339 text or milliseconds since the epoch."""
    if value is None or value == "":
        return ""
    when = datetime.fromtimestamp(value / 1000, UTC) if isinstance(value, int) else datetime.fromisoformat(value)
    return when.astimezone().strftime("%Y-%m-%d %H:%M:%S")
