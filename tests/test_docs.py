"""Undocumented means failing: every setting, command, route and rule has its place in docs/."""

from __future__ import annotations

import re
from dataclasses import fields
from pathlib import Path
from types import SimpleNamespace

import pytest
import typer.main
import yaml
from prometheus_client import CollectorRegistry
from starlette.routing import Route

from engine.api.metrics import FAMILIES
from engine.api.table import OPERATIONS
from engine.cli.main import app
from engine.config import PREFIX, Config
from engine.lint.catalog import RULES
from scripts import rules
from webhooks import app as webhooks_app
from webhooks import approvals
from webhooks.metrics import Calls

ROOT = Path(__file__).resolve().parent.parent
DOCS = ROOT / "docs"


def page(name):
    return (DOCS / name).read_text()


@pytest.mark.parametrize("field", fields(Config), ids=lambda field: field.name)
def test_every_setting_is_documented(field):
    assert f"`{PREFIX}{field.name.upper()}`" in page("operations.md")


def commands():
    group = typer.main.get_command(app)
    for name, command in sorted(group.commands.items()):
        subcommands = getattr(command, "commands", None)
        if subcommands:
            yield from (f"{name} {sub}" for sub in sorted(subcommands))
        else:
            yield name


@pytest.mark.parametrize("command", list(commands()))
def test_every_command_is_documented(command):
    assert f"`headrace {command}`" in page("cli.md")


def test_autoscalers_are_given_metrics_that_there_are():
    """And YAML that can be read."""
    text = page("howto/scale.md")
    blocks = re.findall(r"^```yaml\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    assert all(isinstance(yaml.safe_load(block), dict) for block in blocks)
    assert set(re.findall(r"\bheadrace_\w+", text)) <= set(FAMILIES)


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: f"{operation.method} {operation.path}")
def test_every_route_is_documented(operation):
    assert f"`{operation.method} {operation.path}`" in page("api.md")


def of_webhooks():
    """What the webhooks process counts, by the names that Prometheus shows."""
    registry = CollectorRegistry()
    Calls(registry)
    return {family.name + ("_total" if family.type == "counter" else "") for family in registry.collect()}


def test_the_page_of_metrics_has_those_that_there_are():
    assert set(re.findall(r"\bheadrace_\w+", page("metrics.md"))) == {*FAMILIES, *of_webhooks()}


def test_every_route_that_faces_the_internet_is_documented():
    nobody = SimpleNamespace()
    pages = approvals.routes(approver=nobody, approvals=nobody, reader=nobody, links=nobody)
    app = webhooks_app.create(project=nobody, secrets=nobody, receiver=nobody, routes=pages)
    served = {
        f"{method} {route.path}"
        for route in app.routes
        if isinstance(route, Route)
        for method in route.methods - {"HEAD"}
    }
    assert len(served) == 7
    for call in served:
        assert f"`{call}`" in page("api.md"), call


def test_the_page_of_rules_is_fresh():
    assert page("rules.md") == rules.page(page("rules.md")), "run python -m scripts.rules"
    assert all(f"## {rule.id}\n" in page("rules.md") for rule in RULES)


def test_decisions_have_numbers_of_their_own_and_say_them():
    pages = sorted((DOCS / "decisions").glob("*.md"))
    numbers = [int(path.name[:4]) for path in pages]
    assert numbers == list(range(1, len(pages) + 1))
    for path, number in zip(pages, numbers, strict=True):
        assert path.read_text().startswith(f"# {number}. ")


def test_links_between_pages_lead_somewhere():
    for path in [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *DOCS.rglob("*.md")]:
        for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", path.read_text()):
            assert (path.parent / target).exists(), f"{path.relative_to(ROOT)} links to {target}"
