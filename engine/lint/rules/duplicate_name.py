"""Found by the loader: two files have a workflow of the same name."""

from __future__ import annotations

from engine.lint.rule import Rule

RULE = Rule(
    id="duplicate-name",
    summary="Two files have a workflow of the same name.",
    severity="error",
    why="A workflow is started by its name; two files cannot share one.",
    before="""\
name: release # which is the name in another.yaml, too
tasks:
  build: {run: make}
""",
    after="""\
name: release-docs
tasks:
  build: {run: make}
""",
)
