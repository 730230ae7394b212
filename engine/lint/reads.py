"""Everything that the expressions of a workflow read."""

from __future__ import annotations

from collections.abc import Iterator

from engine.core.expressions.model import Template
from engine.core.expressions.reads import refs
from engine.core.model import Definition


def every_read(definition: Definition) -> Iterator[tuple[str, ...]]:
    """Each path that an expression of it reads, most of them more than once."""
    for template in _around(definition):
        yield from () if template is None else refs(template)
    for tasks in definition.lists.values():
        for task in tasks.tasks.values():
            yield from task.reads


def _around(definition: Definition) -> Iterator[Template | None]:
    """What stands outside of tasks."""
    yield definition.outputs
    for rule in definition.checks:
        yield from (rule.condition, rule.message)
    if definition.concurrency is not None:
        yield definition.concurrency.group
    for schedule in definition.schedules:
        yield schedule.inputs
    for webhook in definition.webhooks:
        yield from (webhook.condition, webhook.inputs)
    for event in definition.events:
        yield from (event.condition, event.inputs)
    for after in definition.workflows:
        yield from (after.condition, after.inputs)
