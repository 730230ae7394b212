"""Found by the loader: tasks wait for each other."""

from __future__ import annotations

from engine.lint.rule import Rule

RULE = Rule(
    id="cycle",
    summary="Tasks wait for each other.",
    severity="error",
    why="Tasks that wait for each other never start. The finding draws the circle.",
    before="""\
name: bad
tasks:
  fetch: {run: make fetch}
  build: {needs: [fetch, ship], run: make}
  test: {needs: build, run: make test}
  ship: {needs: test, run: make ship}
  after: {needs: ship, run: make clean}
""",
    after="""\
name: good
tasks:
  build: {run: make}
  test: {needs: build, run: make test}
""",
)
