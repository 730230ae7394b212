"""A policy: every workflow has the labels by which it is found, and its owner."""

from __future__ import annotations

from collections.abc import Iterator

from engine.lint.rule import Hit, Rule, Subject


def check(subject: Subject) -> Iterator[Hit]:
    """A workflow without some of the labels that the policy asks for."""
    labels = subject.keys.labels
    missing = [label for label in subject.policies.require_labels if not labels.get(label, "").strip()]
    if missing:
        message = f"this workflow has no label {' and no label '.join(missing)}, which project.yaml asks for"
        yield Hit(path=("labels",) if labels else ("name",), message=message)


RULE = Rule(
    id="required-label",
    summary="A workflow lacks a label that a policy asks for.",
    severity="error",
    why="`policies.require_labels` names the labels that every workflow has, such as the team that owns it.",
    before="""\
name: bad
labels: {area: shop}
tasks:
  build: {run: make}
""",
    after="""\
name: good
labels: {area: shop, team: platform}
tasks:
  build: {run: make}
""",
    check=check,
)
