"""`headrace rules` says what lint looks for."""

import json

from typer.testing import CliRunner

from engine.cli.main import app
from engine.errors import NotFound
from engine.lint.catalog import RULES


def run(*arguments):
    return CliRunner().invoke(app, ["rules", *arguments])


def test_all_rules_are_listed():
    listed = json.loads(run("--json").stdout)
    assert [rule["id"] for rule in listed] == [rule.id for rule in RULES]
    table = run().stdout
    assert all(f"{rule.id} " in table and rule.summary in table for rule in RULES)


def test_one_rule_has_its_reason_and_example():
    shown = run("self-need").stdout
    assert shown.startswith("self-need (error)\n\nA task needs itself.\n\nA task cannot wait for its own end.")
    assert "    test: {needs: [test.failed], run: make test}\n\nAfter:\n" in shown
    assert json.loads(run("self-need", "--json").stdout)["before"] in [rule.before for rule in RULES]


def test_a_rule_that_there_is_not():
    failed = run("self-neds").exception
    assert isinstance(failed, NotFound)
    assert str(failed) == "there is no rule 'self-neds'; did you mean 'self-need'?"
