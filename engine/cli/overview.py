"""The help of `headrace` itself, written without rich: importing that takes longer than all else."""

from __future__ import annotations

from typing import Any

import typer
from typer.core import TyperGroup

ALL = 1_000
"""More letters than a first sentence has."""


class Overview(TyperGroup):
    """The commands in their groups, a line each. The help of a single command is typer's own."""

    def format_help(self, ctx: typer.Context, formatter: Any) -> None:  # type: ignore[override] # a private class's name
        """Write it all."""
        self.format_usage(ctx, formatter)
        self.format_help_text(ctx, formatter)
        self.format_options(ctx, formatter)

    def format_commands(self, _ctx: typer.Context, formatter: Any) -> None:  # type: ignore[override]
        """Write the commands, group by group, with the first sentence of each."""
        groups: dict[str, list[tuple[str, str]]] = {}
        wide = max(map(len, self.commands))
        for name, command in self.commands.items():
            said = command.get_short_help_str(ALL)
            groups.setdefault(str(getattr(command, "rich_help_panel", "")), []).append((name.ljust(wide), said))
        for title, rows in groups.items():
            with formatter.section(title):
                formatter.write_dl(rows)
