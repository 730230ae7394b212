"""Found by the loader: a required key is missing."""

from __future__ import annotations

from engine.lint.rule import Rule

RULE = Rule(
    id="missing-key",
    summary="A required key is missing.",
    severity="error",
    why="Without the key there is nothing to run. The finding stands at the map that lacks it.",
    before="""\
tasks:
  call: {uses: http}
  ask: {uses: approval, with: {message: "Go?"}}
""",
    after="""\
name: good
tasks:
  call: {uses: http, with: {url: "https://example.com"}}
""",
)
