"""Found by the loader: a name of a task, input or the like is not well formed."""

from __future__ import annotations

from engine.lint.rule import Rule

RULE = Rule(
    id="bad-id",
    summary="A name of a task, input or the like is not well formed.",
    severity="error",
    why=(
        "Ids are read in expressions (`tasks.build`), so they match `[a-z][a-z0-9_]*` and are no words of CEL. Names "
        "in `env` are names of environment variables."
    ),
    before="""\
name: bad
inputs: {In-Put: {type: string}}
tasks:
  Build: {run: make}
  in: {run: make, env: {A-B: x}}
""",
    after="""\
name: good
inputs: {in_put: {type: string, default: x}}
tasks:
  build: {run: make, env: {A_B: "${{ inputs.in_put }}"}}
""",
)
