"""Found by the loader: a key is a list or a map."""

from __future__ import annotations

from engine.lint.rule import Rule

RULE = Rule(
    id="yaml-key",
    summary="A key is a list or a map.",
    severity="error",
    why="Keys are names. JSON, in which all values are kept, has no others.",
    before="""\
name: bad
tasks:
  [build, test]: {run: make}
""",
    after="""\
name: good
tasks:
  build: {run: make}
  test: {run: make test}
""",
)
