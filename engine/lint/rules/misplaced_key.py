"""Found by the loader: a key belongs to another kind of task."""

from __future__ import annotations

from engine.lint.rule import Rule

RULE = Rule(
    id="misplaced-key",
    summary="A key belongs to another kind of task.",
    severity="error",
    why=(
        "`with` goes with `uses`; `env`, `shell` and `working_directory` go with `run`. Elsewhere they would do "
        "nothing."
    ),
    before="""\
name: bad
tasks:
  build: {run: make, with: {target: all}}
  call: {uses: http, with: {url: "https://example.com"}, env: {A: b}, shell: bash}
""",
    after="""\
name: good
tasks:
  build: {run: make "$TARGET", env: {TARGET: all}, shell: bash}
""",
)
