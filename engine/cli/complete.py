"""What a shell offers for an argument when somebody presses Tab: names that the API knows, if it answers at once, and rules."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import typer

if TYPE_CHECKING:
    from engine.cli.client import Api

PATIENCE = 1.0
"""Seconds that a Tab may take; then nothing is offered."""
MOST = 50

Offered = list[tuple[str, str]]
"""Words with what they are, which shells that can show it do."""


def rules(incomplete: str) -> Offered:
    """Ids of the rules of lint."""
    from engine.lint.catalog import RULES

    return [(rule.id, rule.summary) for rule in RULES if rule.id.startswith(incomplete)]


def workflows(incomplete: str) -> Offered:
    """Names of workflows that can be started."""
    return _offered(incomplete, lambda api: [(row["name"], "") for row in api.get("workflows")["items"]])


def instances(incomplete: str) -> Offered:
    """Ids of the newest instances."""
    return _offered(
        incomplete,
        lambda api: [
            (row["id"], f"{row['workflow']}, {row['state']}") for row in api.get("instances", limit=MOST)["items"]
        ],
    )


def tasks(ctx: typer.Context, incomplete: str) -> Offered:
    """Paths of the tasks of the instance that stands before."""
    instance = ctx.params.get("instance")
    return _offered(
        incomplete,
        lambda api: [(row["path"], row["state"]) for row in api.get("instances", str(instance), "tasks")["items"]],
    )


def _offered(incomplete: str, ask: Callable[[Api], list[tuple[Any, str]]]) -> Offered:
    from engine.cli.client import Api
    from engine.errors import HeadraceError

    try:
        found = ask(Api(timeout=PATIENCE))
    except HeadraceError:  # a shell has no place for what went wrong
        return []
    return [(name, what) for name, what in found if name.startswith(incomplete)]
