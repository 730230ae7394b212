"""An input that no expression reads is a slip: whoever gives it expects something to happen."""

from __future__ import annotations

from collections.abc import Iterator

from engine.core.expressions.model import Template
from engine.core.expressions.reads import refs
from engine.core.model import Definition
from engine.lint.rule import Hit, Rule, Subject


def check(subject: Subject) -> Iterator[Hit]:
    """Each input that is read nowhere; reading `inputs` as a whole reads all of them."""
    read = {ref[:2] for template in _templates(subject.definition) for ref in refs(template) if ref[0] == "inputs"}
    if ("inputs",) in read:
        return
    for name in subject.keys.inputs:
        if ("inputs", name) not in read:
            yield Hit(path=("inputs", name), message=f'nothing reads the input "{name}"')


def _templates(definition: Definition) -> Iterator[Template]:
    """All that is evaluated once the inputs are known."""
    yield definition.outputs
    for rule in definition.checks:
        yield from (rule.condition, rule.message)
    for tasks in (definition.tasks, definition.finally_):
        for task in tasks.tasks.values():
            yield from (task.params, task.env)
            yield from (bare for bare in (task.condition, task.retry.condition) if bare is not None)


RULE = Rule(id="unused-input", summary="No expression reads an input.", severity="warning", check=check)
