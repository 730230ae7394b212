"""Found by the loader: a task is none or several of the things a task can be."""

from __future__ import annotations

from engine.lint.rule import Rule

RULE = Rule(
    id="task-form",
    summary="A task is none or several of the things a task can be.",
    severity="error",
    why="A task is exactly one thing: `uses` a kind, or `run` a script.",
    before="""\
name: bad
tasks:
  build: {description: Nothing to do.}
  both: {run: make, uses: http, with: {url: "https://example.com"}}
""",
    after="""\
name: good
tasks:
  build: {run: make}
""",
)
