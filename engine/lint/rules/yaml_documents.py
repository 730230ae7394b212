"""Found by the loader: a file holds more than one YAML document."""

from __future__ import annotations

from engine.lint.rule import Rule

RULE = Rule(
    id="yaml-documents",
    summary="A file holds more than one YAML document.",
    severity="error",
    why="Each workflow has a file of its own; what follows `---` would be lost.",
    before="""\
name: bad
tasks:
  build: {run: make}
---
name: second
tasks:
  test: {run: make test}
""",
    after="""\
name: good
tasks:
  build: {run: make}
""",
)
