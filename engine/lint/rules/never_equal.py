"""Found by the loader: an expression compares values that are never equal."""

from __future__ import annotations

from engine.lint.rule import Rule

RULE = Rule(
    id="never-equal",
    summary="An expression compares values that are never equal.",
    severity="warning",
    why=(
        "Text and numbers are never equal, nor are times and the text they were read from. Such a comparison does not "
        "fail; it always gives the same. A whole number and a decimal number compare by value, and comparing with "
        "null is never reported."
    ),
    before="""\
name: bad
inputs: {replicas: {type: integer}}
tasks:
  single: {run: make single, if: inputs.replicas == '1'}
""",
    after="""\
name: good
inputs: {replicas: {type: integer}}
tasks:
  single: {run: make single, if: inputs.replicas == 1}
""",
)
