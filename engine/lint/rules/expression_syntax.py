"""Found by the loader: an expression is not valid CEL, or `${{` is not closed."""

from __future__ import annotations

from engine.lint.rule import Rule

RULE = Rule(
    id="expression-syntax",
    summary="An expression is not valid CEL, or `${{` is not closed.",
    severity="error",
    why="Expressions are CEL: bare in `if` and the like, in `${{ }}` elsewhere. `$${{` is a literal `${{`.",
    before="""\
name: bad
inputs: {n: {type: integer}}
tasks:
  build: {run: make, if: inputs.n > , env: {N: "${{ inputs.n", M: "${{ }}"}}
""",
    after="""\
name: good
inputs: {n: {type: integer}}
tasks:
  build: {run: make, if: inputs.n > 1}
""",
)
