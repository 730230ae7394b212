"""Found by the loader: there is no such webhook source in project.yaml."""

from __future__ import annotations

from engine.lint.rule import Rule

RULE = Rule(
    id="unknown-webhook-source",
    summary="There is no such webhook source in project.yaml.",
    severity="error",
    why="Webhook sources are declared in project.yaml, under `webhooks`, with the secret that signs their calls.",
    before="""\
name: bad
on: {webhook: [{source: githb, events: push}]}
tasks:
  build: {run: make}
""",
    after="""\
name: good
on: {webhook: [{source: github, events: push}]}
tasks:
  build: {run: make}
""",
)
