"""Found by the loader: a task needs itself."""

from __future__ import annotations

from engine.lint.rule import Rule

RULE = Rule(
    id="self-need",
    summary="A task needs itself.",
    severity="error",
    why="A task cannot wait for its own end. To try again, use `retry`.",
    before="""\
name: bad
tasks:
  test: {needs: [test.failed], run: make test}
""",
    after="""\
name: good
tasks:
  test: {run: make test, retry: {max_attempts: 2}}
""",
)
