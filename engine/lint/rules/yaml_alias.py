"""Found by the loader: an alias has no anchor, or stands inside its own."""

from __future__ import annotations

from engine.lint.rule import Rule

RULE = Rule(
    id="yaml-alias",
    summary="An alias has no anchor, or stands inside its own.",
    severity="error",
    why="`*name` repeats the value marked `&name` before it. One without a mark, or within its own, has no value.",
    before="""\
name: bad
tasks:
  build: &build {run: make, needs: [*build]}
  test: {run: make test, env: *test_env}
""",
    after="""\
name: good
tasks:
  build: {run: make, env: &env {CI: "1"}}
  test: {run: make test, env: *env}
""",
)
