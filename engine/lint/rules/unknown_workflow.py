"""Found by the loader: there is no such workflow in the repository."""

from __future__ import annotations

from engine.lint.rule import Rule

RULE = Rule(
    id="unknown-workflow",
    summary="There is no such workflow in the repository.",
    severity="error",
    why="`workflow` and `on.workflow` name workflows of the same repository, by their `name` and not by their file.",
    before="""\
name: bad
on: {workflow: [{name: god}]}
tasks:
  child: {workflow: goood}
""",
    after="""\
name: good
inputs: {more: {type: boolean, default: false}}
tasks:
  again: {if: inputs.more, workflow: good}
""",
)
