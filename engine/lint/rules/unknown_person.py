"""Found by the loader: there is no such person in project.yaml."""

from __future__ import annotations

from engine.lint.rule import Rule

RULE = Rule(
    id="unknown-person",
    summary="There is no such person in project.yaml.",
    severity="error",
    why="People are declared in project.yaml, under `people`; a group is written `group:NAME`.",
    before="""\
name: bad
tasks:
  ask: {uses: approval, with: {message: "Go?", approvers: [bne, release-managers], expires: 1h}}
  no: {needs: [ask.rejected, ask.expired], join: any, run: "echo no"}
""",
    after="""\
name: good
tasks:
  ask: {uses: approval, with: {message: "Go?", approvers: [ben], expires: 1h}}
  no: {needs: [ask.rejected, ask.expired], join: any, run: "echo no"}
""",
)
