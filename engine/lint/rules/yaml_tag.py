"""Found by the loader: a value has an explicit tag (`!...`)."""

from __future__ import annotations

from engine.lint.rule import Rule

RULE = Rule(
    id="yaml-tag",
    summary="A value has an explicit tag (`!...`).",
    severity="error",
    why="Tags change what a value is, in ways that readers and other tools do not see. Quotes do what is needed.",
    before="""\
name: bad
inputs:
  version: {type: string, default: !!str 1.20}
tasks:
  build: {run: make, env: {VERSION: "${{ inputs.version }}"}}
""",
    after="""\
name: good
inputs:
  version: {type: string, default: "1.20"}
tasks:
  build: {run: make, env: {VERSION: "${{ inputs.version }}"}}
""",
)
