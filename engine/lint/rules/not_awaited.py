"""Found by the loader: an expression reads a task that its place does not wait for."""

from __future__ import annotations

from engine.lint.rule import Rule

RULE = Rule(
    id="not-awaited",
    summary="An expression reads a task that its place does not wait for.",
    severity="error",
    why=(
        "Without an edge there is no order: the other task may not have run yet. What a task needs it may read, and "
        "what that needs."
    ),
    before="""\
name: bad
tasks:
  build: {run: make, outputs: {image: {type: string}}}
  ship: {run: make ship, env: {IMAGE: "${{ tasks.build.outputs.image }}"}}
""",
    after="""\
name: good
tasks:
  build: {run: make, outputs: {image: {type: string}}}
  ship: {needs: build, run: make ship, env: {IMAGE: "${{ tasks.build.outputs.image }}"}}
""",
)
