"""Found by the loader: a merge key (`<<`) is used."""

from __future__ import annotations

from engine.lint.rule import Rule

RULE = Rule(
    id="merge-key",
    summary="A merge key (`<<`) is used.",
    severity="error",
    why=(
        "`<<` belongs to YAML 1.1, hides what a task has, and can make a small file enormous. `defaults` says what "
        "tasks share."
    ),
    before="""\
name: bad
tasks:
  build: &leaf {run: make, timeout: 5m}
  test:
    <<: *leaf
    needs: build
""",
    after="""\
name: good
defaults: {timeout: 5m}
tasks:
  build: {run: make}
  test: {run: make test, needs: build}
""",
)
