"""A policy: no task may run for ever."""

from __future__ import annotations

from collections.abc import Iterator

from engine.lint.bounds import unbounded
from engine.lint.rule import Hit, Rule, Subject


def check(subject: Subject) -> Iterator[Hit]:
    """Each script, function and container without any bound, where the policy asks for one."""
    for path in unbounded(subject.keys) if subject.policies.require_timeout else ():
        yield Hit(path=path, message=f'nothing ends "{path[-1]}" if it hangs; project.yaml asks for a `timeout`')


RULE = Rule(
    id="required-timeout",
    summary="A task has no timeout, and a policy asks for one.",
    severity="error",
    why=(
        "With `policies.require_timeout` every script, function and container is bounded by a `timeout` or `deadline`: its own, "
        "one of a group around it, of `defaults`, or of the workflow, which does not reach `finally`."
    ),
    before="""\
name: bad
tasks:
  build: {run: make}
""",
    after="""\
name: good
defaults: {timeout: 30m}
tasks:
  build: {run: make}
""",
    check=check,
)
