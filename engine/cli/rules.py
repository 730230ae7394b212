"""`headrace rules`: what lint looks for, and why."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from engine.cli import complete
from engine.cli.output import AsJson, emit_json, emit_table

if TYPE_CHECKING:
    from engine.lint.rule import Rule


def register(app: typer.Typer) -> None:
    """Add `rules`."""
    app.command("rules", rich_help_panel="Write workflows")(rules)


def rules(
    rule: Annotated[
        str | None,
        typer.Argument(help="One rule, as findings name it: unknown-need.", autocompletion=complete.rules),
    ] = None,
    *,
    as_json: AsJson = False,
) -> None:
    """Show the rules of `lint`: all of them, or one with its reason and an example."""
    from engine.lint.catalog import RULES, rule_of

    if rule is None:
        shown = [_document(each) for each in RULES]
        if as_json:
            emit_json(shown)
        else:
            columns = ("id", "severity", "summary")
            emit_table(columns, [[each[column] for column in columns] for each in shown], empty="")
        return
    found = rule_of(rule)
    if as_json:
        emit_json(_document(found))
    else:
        typer.echo(_page(found))


def _document(rule: Rule) -> dict[str, str]:
    names = ("id", "summary", "severity", "why", "before", "after")
    return {name: getattr(rule, name) for name in names}


def _page(rule: Rule) -> str:
    import textwrap

    parts = {"Before": rule.before, "After": rule.after}
    examples = [f"{title}:\n\n{textwrap.indent(text, '    ').rstrip()}" for title, text in parts.items()]
    return "\n\n".join([f"{rule.id} ({rule.severity})", rule.summary, textwrap.fill(rule.why, 100), *examples])
