"""Found by the loader: a task takes files that none it waits for leaves."""

from __future__ import annotations

from engine.lint.rule import Rule

RULE = Rule(
    id="unknown-artifact",
    summary="A task takes files that none it waits for leaves.",
    severity="error",
    why="`in` names a task that this one, or a group around it, waits for, and a name in that task's `artifacts.out`.",
    before="""\
name: bad
tasks:
  build: {run: make, artifacts: {out: {app: dist/app}}}
  check: {run: make check}
  ship: {needs: [build, check], run: ./ship, artifacts: {in: [build.apk, check, biuld.app]}}
""",
    after="""\
name: good
tasks:
  build: {run: make, artifacts: {out: {app: dist/app}}}
  ship: {needs: build, run: ./ship, artifacts: {in: [build.app]}}
""",
)
