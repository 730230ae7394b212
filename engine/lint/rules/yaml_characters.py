"""Found by the loader: a text holds a character that no database can keep."""

from __future__ import annotations

from engine.lint.rule import Rule

RULE = Rule(
    id="yaml-characters",
    summary="A text holds a character that no database can keep.",
    severity="error",
    why="PostgreSQL keeps no NUL and no lone surrogate, so a workflow with one could never be stored.",
    before="""\
name: bad
tasks:
  build: {run: "printf '\\0'"}
""",
    after="""\
name: good
tasks:
  build: {run: "printf '\\\\0'"}
""",
)
