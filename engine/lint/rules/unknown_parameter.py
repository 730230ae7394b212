"""Found by the loader: the kind of task has no such parameter."""

from __future__ import annotations

from engine.lint.rule import Rule

RULE = Rule(
    id="unknown-parameter",
    summary="The kind of task has no such parameter.",
    severity="error",
    why="Each kind knows its parameters; another one would be ignored.",
    before="""\
name: bad
tasks:
  call: {uses: http, with: {url: "https://example.com", header: {Accept: text/plain}}}
""",
    after="""\
name: good
tasks:
  call: {uses: http, with: {url: "https://example.com", headers: {Accept: text/plain}}}
""",
)
