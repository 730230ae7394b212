"""Found by the loader: a JSON Schema is wrong or leads out of the file."""

from __future__ import annotations

from engine.lint.rule import Rule

RULE = Rule(
    id="bad-schema",
    summary="A JSON Schema is wrong or leads out of the file.",
    severity="error",
    why=(
        "Inputs, outputs and forms are described by JSON Schema (2020-12). References to other files are refused, and so "
        "is a `$schema` of another dialect: what a workflow means must stand in its own commit, and nothing is fetched."
    ),
    before="""\
name: bad
inputs:
  service: {type: strng}
  size: {type: integer, minimum: big}
  far: {$ref: "https://example.com/schema.json"}
  near: {$ref: "#/$defs/none"}
tasks:
  build: {run: make, outputs: {image: {type: [string, nul]}}}
""",
    after="""\
name: good
inputs:
  service: {type: string, default: web}
tasks:
  build: {run: make, env: {S: "${{ inputs.service }}"}, outputs: {image: {type: [string, "null"]}}}
""",
)
