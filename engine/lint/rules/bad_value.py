"""Found by the loader: a value has the wrong type or form."""

from __future__ import annotations

from engine.lint.rule import Rule

RULE = Rule(
    id="bad-value",
    summary="A value has the wrong type or form.",
    severity="error",
    why="The value is not what the key takes. A value with `${{ }}` is checked when it is known.",
    before="""\
name: bad
timeout: 5 parsecs
tasks:
  build: {run: 5, needs: {a: b}, join: most, retry: {max_attempts: "3"}}
  tell: {uses: message, with: {text: hi}}
""",
    after="""\
name: good
timeout: 5m
tasks:
  build: {run: make, retry: {max_attempts: 3}}
  call: {uses: http, with: {url: "https://example.com", method: GET, allow_status: ["${{ 404 }}"]}}
""",
)
