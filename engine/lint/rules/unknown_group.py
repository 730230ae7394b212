"""Found by the loader: there is no such group in project.yaml."""

from __future__ import annotations

from engine.lint.rule import Rule

RULE = Rule(
    id="unknown-group",
    summary="There is no such group in project.yaml.",
    severity="error",
    why="Groups are declared in project.yaml, under `groups`.",
    before="""\
name: bad
tasks:
  ask: {uses: approval, with: {message: "Go?", approvers: [group:release-manager], expires: 1h}}
  no: {needs: [ask.rejected, ask.expired], join: any, run: "echo no"}
""",
    after="""\
name: good
tasks:
  ask: {uses: approval, with: {message: "Go?", approvers: [group:release-managers], expires: 1h}}
  no: {needs: [ask.rejected, ask.expired], join: any, run: "echo no"}
""",
)
