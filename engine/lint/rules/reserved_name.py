"""Found by the loader: a name of a task, case or item means something else already."""

from __future__ import annotations

from engine.lint.rule import Rule

RULE = Rule(
    id="reserved-name",
    summary="A name of a task, case or item means something else already.",
    severity="error",
    why=(
        "`compensate` is what undoes a task, and `finally` what runs at the end of the workflow; a case cannot be "
        "called like an outcome, nor an item like a name that expressions have."
    ),
    before="""\
name: bad
tasks:
  compensate: {run: make}
  finally: {run: make}
  choose: {switch: {succeeded: "true", done: "false"}}
  each: {for_each: [1, 2], as: inputs, run: make}
""",
    after="""\
name: good
inputs: {large: {type: boolean}}
tasks:
  undo: {run: make}
  choose: {switch: {fine: inputs.large, other: otherwise}}
  each: {for_each: [1, 2], as: number, run: make}
""",
)
