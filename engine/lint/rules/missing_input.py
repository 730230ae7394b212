"""Found by the loader: a trigger, or a call, does not give an input that the workflow requires."""

from __future__ import annotations

from engine.lint.rule import Rule

RULE = Rule(
    id="missing-input",
    summary="A trigger, or a call, does not give an input that the workflow requires.",
    severity="error",
    why="An input without `default` is required, so without it the trigger would never start anything.",
    before="""\
name: bad
inputs: {service: {type: string}}
on:
  webhook: [{source: github}]
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
