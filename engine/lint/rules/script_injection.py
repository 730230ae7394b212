"""Found by the loader: a script contains `${{ }}`."""

from __future__ import annotations

from engine.lint.rule import Rule

RULE = Rule(
    id="script-injection",
    summary="A script contains `${{ }}`.",
    severity="error",
    why="Text from outside that becomes part of a script can run anything. A variable cannot.",
    before="""\
name: bad
inputs: {service: {type: string}}
tasks:
  build:
    run: |
      make "${{ inputs.service }}"
""",
    after="""\
name: good
inputs: {service: {type: string}}
tasks:
  build:
    run: |
      make "$SERVICE"
    env: {SERVICE: "${{ inputs.service }}"}
""",
)
