"""Found by the loader: the file is not valid YAML."""

from __future__ import annotations

from engine.lint.rule import Rule

RULE = Rule(
    id="yaml-syntax",
    summary="The file is not valid YAML.",
    severity="error",
    why="The parser names the place where it could not go on; the mistake is there or just before it.",
    before="""\
name: bad
tasks:
  build: {run: make
  test: {run: make test}
""",
    after="""\
name: good
tasks:
  build: {run: make}
  test: {run: make test}
""",
)
