"""A policy: nothing runs on certain workers before somebody has approved."""

from __future__ import annotations

from collections.abc import Iterator

from engine.lint.compiled import leaf_at
from engine.lint.rule import Hit, Rule, Subject
from engine.spec.kinds import WORKER_KINDS
from engine.spec.walk import every_task


def check(subject: Subject) -> Iterator[Hit]:
    """Each task on one of the queues that the policy names which can run without an approval before it."""
    guarded = subject.policies.require_approval_before
    for path, _ in every_task(subject.keys) if guarded else ():
        leaf = leaf_at(subject.definition, path)
        if leaf.kind in WORKER_KINDS and leaf.queue in guarded and path in subject.flow.unapproved:
            message = f'"{path[-1]}" runs on the queue "{leaf.queue}", and can do so before anybody has approved'
            yield Hit(path=path, message=message)


RULE = Rule(
    id="required-approval",
    summary="A task can run on a guarded queue without an approval.",
    severity="error",
    why=(
        "`policies.require_approval_before` names task queues, such as the one of the workers that reach production. A task on "
        "one of them must come after an approval that was surely given, however the instance goes: it needs the approval, "
        "or a task that does, or stands in a group that does. Which people may approve is the approval's matter."
    ),
    before="""\
name: bad
tasks:
  ask: {uses: approval, with: {message: "Ship?", approvers: ana, expires: 24h}}
  no: {needs: [ask.rejected, ask.expired], join: any, run: "echo no"}
  ship: {needs: [ask, no], join: any, run: make ship, queue: production}
""",
    after="""\
name: good
tasks:
  ask: {uses: approval, with: {message: "Ship?", approvers: ana, expires: 24h}}
  no: {needs: [ask.rejected, ask.expired], join: any, run: "echo no"}
  ship: {needs: ask, run: make ship, queue: production}
""",
    check=check,
)
