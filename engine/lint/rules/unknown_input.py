"""Found by the loader: a trigger, or a call, gives an input that the workflow does not have."""

from __future__ import annotations

from engine.lint.rule import Rule

RULE = Rule(
    id="unknown-input",
    summary="A trigger, or a call, gives an input that the workflow does not have.",
    severity="error",
    why="Inputs that a workflow does not have are refused, so the trigger would never start anything.",
    before="""\
name: bad
inputs: {service: {type: string}}
on:
  webhook: [{source: github, inputs: {service: x, servise: "${{ trigger.body.repository.name }}"}}]
tasks:
  build: {run: make, env: {SERVICE: "${{ inputs.service }}"}}
""",
    after="""\
name: good
inputs: {service: {type: string}}
on:
  webhook: [{source: github, inputs: {service: "${{ trigger.body.repository.name }}"}}]
tasks:
  build: {run: make, env: {SERVICE: "${{ inputs.service }}"}}
""",
)
