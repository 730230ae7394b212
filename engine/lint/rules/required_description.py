"""A policy: every workflow says what it is for."""

from __future__ import annotations

from collections.abc import Iterator

from engine.lint.rule import Hit, Rule, Subject


def check(subject: Subject) -> Iterator[Hit]:
    """A workflow without a description, where the policy asks for one."""
    if subject.policies.require_description and not subject.keys.description.strip():
        yield Hit(path=("name",), message="this workflow has no `description`, which project.yaml asks for")


RULE = Rule(
    id="required-description",
    summary="A workflow has no description, and a policy asks for one.",
    severity="error",
    why="With `policies.require_description` every workflow says what it is for: on its page and in lists.",
    before="""\
name: bad
tasks:
  build: {run: make}
""",
    after="""\
name: good
description: Builds the shop.
tasks:
  build: {run: make}
""",
    check=check,
)
