"""Found by the loader: there is no such channel in project.yaml."""

from __future__ import annotations

from engine.lint.rule import Rule

RULE = Rule(
    id="unknown-channel",
    summary="There is no such channel in project.yaml.",
    severity="error",
    why="Channels are declared in project.yaml, under `channels`.",
    before="""\
name: bad
tasks:
  tell: {uses: message, with: {channel: release, text: Done.}}
""",
    after="""\
name: good
tasks:
  tell: {uses: message, with: {channel: releases, text: Done.}}
""",
)
