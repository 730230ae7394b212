"""An input that no expression reads is a slip: whoever gives it expects something to happen."""

from __future__ import annotations

from collections.abc import Iterator

from engine.lint.reads import every_read
from engine.lint.rule import Hit, Rule, Subject
from engine.spec.removal import removal


def check(subject: Subject) -> Iterator[Hit]:
    """Each input that is read nowhere; reading `inputs` as a whole reads all of them."""
    read = {ref[:2] for ref in every_read(subject.definition) if ref[0] == "inputs"}
    if ("inputs",) in read:
        return
    for name in subject.keys.inputs:
        if ("inputs", name) not in read:
            path = ("inputs", name)
            fixes = removal(subject.document, path)
            yield Hit(path=path, message=f'nothing reads the input "{name}"', fixes=fixes)


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
