"""Found by the loader: the default of an input does not fit its schema."""

from __future__ import annotations

from engine.lint.rule import Rule

RULE = Rule(
    id="bad-default",
    summary="The default of an input does not fit its schema.",
    severity="error",
    why="The default would be refused whenever it is used.",
    before="""\
name: bad
inputs:
  replicas: {type: integer, minimum: 1, default: 0}
tasks:
  build: {run: make, env: {REPLICAS: "${{ inputs.replicas }}"}}
""",
    after="""\
name: good
inputs:
  replicas: {type: integer, minimum: 1, default: 1}
tasks:
  build: {run: make, env: {REPLICAS: "${{ inputs.replicas }}"}}
""",
)
