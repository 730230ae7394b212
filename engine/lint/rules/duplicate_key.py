"""Found by the loader: a key stands twice in one map."""

from __future__ import annotations

from engine.lint.rule import Rule

RULE = Rule(
    id="duplicate-key",
    summary="A key stands twice in one map.",
    severity="error",
    why="YAML readers take one of the two silently, and not all the same one.",
    before="""\
name: bad
tasks:
  build: {run: make}
  build: {run: make all}
""",
    after="""\
name: good
tasks:
  build: {run: make}
""",
)
