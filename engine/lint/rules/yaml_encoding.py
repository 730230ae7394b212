"""Found by the loader: the file is not UTF-8."""

from __future__ import annotations

from engine.lint.rule import Rule

RULE = Rule(
    id="yaml-encoding",
    summary="The file is not UTF-8.",
    severity="error",
    why="Files are UTF-8. Other encodings would be read differently by different people.",
    before="""\
name: bad
# caf�
tasks:
  build: {run: make}
""",
    after="""\
name: good
# café
tasks:
  build: {run: make}
""",
)
