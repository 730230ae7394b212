"""Found by the loader: a key is not part of the language."""

from __future__ import annotations

from engine.lint.rule import Rule

RULE = Rule(
    id="unknown-key",
    summary="A key is not part of the language.",
    severity="error",
    why="A misspelt key does nothing, and nothing would tell you.",
    before="""\
name: bad
descripton: Misspelt.
tasks:
  build: {run: make, retry: {max_atempts: 3, max_attempts: 2}}
""",
    after="""\
name: good
description: Spelt well.
tasks:
  build: {run: make, retry: {max_attempts: 3}}
""",
)
