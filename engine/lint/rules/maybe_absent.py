"""Found by the loader: an expression reads a value that can be missing, without a guard."""

from __future__ import annotations

from engine.lint.rule import Rule

RULE = Rule(
    id="maybe-absent",
    summary="An expression reads a value that can be missing, without a guard.",
    severity="error",
    why=(
        "A task that was skipped has no outputs, a task that did not fail has no `error`, and with `join: any` others "
        "may still be running. Guard the value with `has()`, a test of the outcome, or `.?name.orValue(…)`."
    ),
    before="""\
name: bad
tasks:
  build: {run: make, outputs: {image: {type: string}}}
  fallback: {needs: build.failed, run: make fallback}
  ship:
    needs: [build, fallback]
    join: any
    run: make ship
    env: {IMAGE: "${{ tasks.build.outputs.image }}"}
""",
    after="""\
name: good
tasks:
  build: {run: make, outputs: {image: {type: string}}}
  fallback: {needs: build.failed, run: make fallback}
  ship:
    needs: [build, fallback]
    join: any
    run: make ship
    env: {IMAGE: "${{ tasks.build.outputs.?image.orValue('fallback') }}"}
""",
)
