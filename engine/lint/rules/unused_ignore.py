"""Found by the linter: a comment that outlived what it ignored would hide the next finding of its rule."""

from __future__ import annotations

from engine.lint.rule import Rule

RULE = Rule(
    id="unused-ignore",
    summary="A comment ignores a rule that nothing breaks there.",
    severity="warning",
    why=(
        "What it ignored has been mended, or it stands in the wrong place. It would hide the next finding of this rule. "
        "`--fix` removes it."
    ),
    before="""\
name: bad
inputs:
  region: {type: string} # headrace: ignore[unused-input] callers still send it, until March
tasks:
  build: {run: make, env: {REGION: "${{ inputs.region }}"}}
""",
    after="""\
name: good
inputs:
  region: {type: string}
tasks:
  build: {run: make, env: {REGION: "${{ inputs.region }}"}}
""",
)
