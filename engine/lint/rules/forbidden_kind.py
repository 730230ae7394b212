"""A policy: which kinds of tasks may be used."""

from __future__ import annotations

from collections.abc import Iterator

from engine.lint.rule import Hit, Rule, Subject
from engine.spec.policy_models import PoliciesKeys
from engine.spec.reliance import inner_kind_of
from engine.spec.walk import every_leaf

_KEYS = {"run": "run", "workflow": "workflow"}
"""What has a key of its own; all else stands after `uses`."""
_FORMS = frozenset(("group", "switch"))
"""What only arranges other tasks."""


def check(subject: Subject) -> Iterator[Hit]:
    """Each task of a kind that is not allowed, or is forbidden."""
    policies = subject.policies
    if policies.allowed_kinds is None and not policies.forbidden_kinds:
        return
    for path, task in every_leaf(subject.keys):
        kind = inner_kind_of(task).replace("script", "run")
        if kind not in _FORMS and not _may_be_used(kind, policies):
            message = f"project.yaml does not allow tasks of kind `{kind}`"
            yield Hit(path=(*path, _KEYS.get(kind, "uses")), message=message)


def _may_be_used(kind: str, policies: PoliciesKeys) -> bool:
    return kind not in policies.forbidden_kinds and (policies.allowed_kinds is None or kind in policies.allowed_kinds)


RULE = Rule(
    id="forbidden-kind",
    summary="A policy does not allow tasks of this kind.",
    severity="error",
    why=(
        "`policies.allowed_kinds` has the only kinds of tasks that may be used, `policies.forbidden_kinds` those that may not: "
        "names that stand after `uses`, `run` and `workflow`. Groups and switches only arrange tasks and are always allowed."
    ),
    before="""\
name: bad
tasks:
  build: {uses: container, with: {image: "make:4"}}
""",
    after="""\
name: good
tasks:
  build: {run: make}
""",
    check=check,
)
