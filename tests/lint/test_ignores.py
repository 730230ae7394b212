"""A comment is called unused only where its rule has looked."""

from engine.lint.linter import lint

KEPT = b"""\
name: kept
tasks:
  ask: {uses: approval, with: {message: "?", approvers: group:few, require: 2, expires: 1h}} # headrace: ignore[too-few-approvers] more will come
  no: {needs: [ask.rejected, ask.expired], join: any, run: x}
  again: {needs: no, workflow: kept} # headrace: ignore[endless-chain] until somebody approves
"""
LEFT = b"""\
name: left # headrace: ignore[unused-input] there was one
tasks:
  one: {run: x} # headrace: ignore[endless-chain] there was one
"""
PROJECT = b"people: {ana: {email: ana@example.com}}\ngroups: {few: [ana]}\n"


def unused(**files):
    found = lint({f"{name}.yaml": text for name, text in files.items()})
    return [(finding.path, finding.message) for finding in found if finding.rule == "unused-ignore"]


def nothing(rule):
    return ("left.yaml", f'nothing here breaks the rule "{rule}"')


def test_where_all_is_right_every_rule_has_looked():
    kept = KEPT.replace(b"needs: no, ", b"")
    assert unused(project=PROJECT, kept=kept, left=LEFT) == [nothing("unused-input"), nothing("endless-chain")]


def test_what_is_seen_in_all_files_is_not_looked_for_where_one_is_wrong():
    assert unused(project=PROJECT, kept=KEPT + b"  x: y\n", left=LEFT) == [nothing("unused-input")]


def test_with_errors_in_project_yaml_no_rule_has_seen_enough():
    assert unused(project=PROJECT + b"x: y\n", kept=KEPT, left=LEFT) == []
