"""Found by the loader: there is no such kind of task."""

from __future__ import annotations

from engine.lint.rule import Rule

RULE = Rule(
    id="unknown-kind",
    summary="There is no such kind of task.",
    severity="error",
    why=(
        "The kinds are `approval`, `container`, `emit`, `event`, `exit`, `fail`, `http`, `message`, `python`, `values` "
        "and `wait`; a script is written with `run`."
    ),
    before="""\
name: bad
tasks:
  call: {uses: htttp, with: {url: "https://example.com"}}
""",
    after="""\
name: good
tasks:
  call: {uses: http, with: {url: "https://example.com"}}
""",
)
