"""An input that no expression reads is a slip: whoever gives it expects something to happen."""

from __future__ import annotations

from collections.abc import Iterator

from engine.core.expressions.model import Template
from engine.core.expressions.reads import refs
from engine.core.model import Definition, TaskList
from engine.lint.rule import Hit, Rule, Subject


def check(subject: Subject) -> Iterator[Hit]:
    """Each input that is read nowhere; reading `inputs` as a whole reads all of them."""
    read = {ref[:2] for ref in _reads(subject.definition) if ref[0] == "inputs"}
    if ("inputs",) in read:
        return
    for name in subject.keys.inputs:
        if ("inputs", name) not in read:
            yield Hit(path=("inputs", name), message=f'nothing reads the input "{name}"')


def _reads(definition: Definition) -> Iterator[tuple[str, ...]]:
    """All that is read once the inputs are known."""
    templates: list[Template] = [definition.outputs]
    for rule in definition.checks:
        templates += [rule.condition, rule.message]
    if definition.concurrency is not None:
        templates.append(definition.concurrency.group)
    for template in templates:
        yield from refs(template)
    for tasks in definition.lists.values():
        yield from _of_list(tasks)


def _of_list(tasks: TaskList) -> Iterator[tuple[str, ...]]:
    for task in tasks.tasks.values():
        yield from task.reads


RULE = Rule(
    id="unused-input",
    summary="No expression reads an input.",
    severity="warning",
    why="Whoever gives the input expects it to matter. Read it, or remove it.",
    before="""\
name: bad
inputs: {service: {type: string}, region: {type: string, default: eu}}
tasks:
  build: {run: make, env: {SERVICE: "${{ inputs.service }}"}}
""",
    after="""\
name: good
inputs: {service: {type: string}, region: {type: string, default: eu}}
tasks:
  build: {run: make, env: {SERVICE: "${{ inputs.service }}", REGION: "${{ inputs.region }}"}}
""",
    check=check,
)
