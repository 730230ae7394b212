"""Found by the loader: an expression reads something that does not exist at its place."""

from __future__ import annotations

from engine.lint.rule import Rule

RULE = Rule(
    id="unknown-name",
    summary="An expression reads something that does not exist at its place.",
    severity="error",
    why=(
        "Expressions read `inputs`, `tasks`, `vars`, `trigger`, `instance`, and `error` in `retry.if`. A missing name "
        "is an error when it is evaluated; this finds it before."
    ),
    before="""\
name: bad
inputs: {service: {type: string}}
tasks:
  build:
    run: make
    env:
      SERVICE: ${{ inputs.servce }}
      WHO: >-
        started
        by ${{ instance.starter }}
    outputs: {image: {type: string}}
  ship:
    needs: build
    run: make ship
    if: 'tasks.build.outputs.img != ""'
""",
    after="""\
name: good
inputs: {service: {type: string}}
tasks:
  build:
    run: make
    env: {SERVICE: "${{ inputs.service }}", WHO: "${{ instance.started_by }}"}
    outputs: {image: {type: string}}
  ship:
    needs: build
    run: make ship
    if: 'tasks.build.outputs.image != ""'
""",
)
