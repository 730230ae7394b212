"""Found by the loader: a number is neither a 64-bit integer nor a finite double."""

from __future__ import annotations

from engine.lint.rule import Rule

RULE = Rule(
    id="yaml-number",
    summary="A number is neither a 64-bit integer nor a finite double.",
    severity="error",
    why=(
        "Numbers are kept as 64-bit integers or doubles. What looks like a number beyond them is nearly always text, "
        "such as a commit."
    ),
    before="""\
name: bad
inputs:
  sha: {type: string, default: 12e4567}
tasks:
  build: {run: make, env: {SHA: "${{ inputs.sha }}"}}
""",
    after="""\
name: good
inputs:
  sha: {type: string, default: "12e4567"}
tasks:
  build: {run: make, env: {SHA: "${{ inputs.sha }}"}}
""",
)
