"""`policies` in project.yaml: the severity of rules, and what stays as it is."""

import pytest

from engine.lint.linter import lint
from engine.spec.kinds import KINDS
from engine.spec.policy_models import PolicyKind

WORKFLOW = """\
name: w
inputs: {unused: {type: string, descripion: x}}
tasks:
  a: {run: x} # headrace: ignore[missing-expiry] no approval here
  b: {needs: a, join: any, run: x}
"""


def severities(policy, workflow=WORKFLOW):
    files = {"w.yaml": workflow.encode(), "project.yaml": f"policies: {{severity: {policy}}}\n".encode()}
    return {finding.rule: finding.severity for finding in lint(files)}


def test_every_rule_has_its_own_severity():
    assert severities("{}") == {
        "unused-input": "warning",
        "unknown-schema-key": "warning",
        "unused-ignore": "warning",
        "needless-join": "info",
    }


@pytest.mark.parametrize("rule", ["unused-input", "unknown-schema-key", "unused-ignore", "needless-join"])
@pytest.mark.parametrize("severity", ["info", "warning", "error"])
def test_another_severity(rule, severity):
    assert severities(f"{{{rule}: {severity}}}") == {**severities("{}"), rule: severity}
    assert rule not in severities(f"{{{rule}: off}}")


def test_what_keeps_a_file_from_being_loaded_stays():
    broken = WORKFLOW.replace("needs: a", "needs: c")
    assert severities("{unknown-need: info}", broken) | {"bad-policy": "error", "unknown-need": "error"} == severities(
        "{unknown-need: info}", broken
    )
    assert "bad-policy" not in severities("{unknown-need: error}", broken)
    assert severities("{bad-policy: 'off'}")["bad-policy"] == "error"


def test_a_comment_ignores_what_is_no_error():
    ignored = WORKFLOW.replace("descripion: x}}", "x: y}} # headrace: ignore[unused-input] callers send it")
    assert "unused-input" not in severities("{}", ignored)
    raised = severities("{unused-input: error}", ignored)
    assert (raised["unused-input"], raised["bad-ignore"]) == ("error", "warning")


def test_with_errors_in_it_project_yaml_sets_nothing():
    files = {"w.yaml": WORKFLOW.encode(), "project.yaml": b"policies: {severity: {unused-input: loud}}\n"}
    assert {finding.rule: finding.severity for finding in lint(files)}["unused-input"] == "warning"


def test_every_kind_can_be_named_in_a_policy():
    assert set(PolicyKind.__args__) == {*KINDS, "run", "workflow"}
