"""Found by the linter: a comment that ignores nothing, though its author believes it does."""

from __future__ import annotations

from engine.lint.rule import Rule

RULE = Rule(
    id="bad-ignore",
    summary="A comment that should ignore a finding does not.",
    severity="warning",
    why=(
        "Who reads `ignore` wants to know what is ignored and why: the comment names rules that exist, and gives a reason "
        "after them. Errors cannot be ignored, for the file would not be loaded."
    ),
    before="""\
name: bad
inputs:
  region: {type: string} # headrace: ignore[unused-input]
tasks:
  build: {run: make}
""",
    after="""\
name: good
inputs:
  region: {type: string} # headrace: ignore[unused-input] callers still send it, until March
tasks:
  build: {run: make}
""",
)
