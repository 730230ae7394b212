"""Found by the loader: a JSON Schema has a word that means nothing."""

from __future__ import annotations

from engine.lint.rule import Rule

RULE = Rule(
    id="unknown-schema-key",
    summary="A JSON Schema has a word that means nothing.",
    severity="warning",
    why="JSON Schema ignores words that it does not know, so a misspelt one checks nothing.",
    before="""\
name: bad
inputs:
  service: {type: string, patern: "^[a-z]+$"}
tasks:
  build: {run: make, env: {SERVICE: "${{ inputs.service }}"}}
""",
    after="""\
name: good
inputs:
  service: {type: string, pattern: "^[a-z]+$"}
tasks:
  build: {run: make, env: {SERVICE: "${{ inputs.service }}"}}
""",
)
