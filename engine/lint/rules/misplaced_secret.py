"""Found by the loader: a secret is read where it would be stored or shown."""

from __future__ import annotations

from engine.lint.rule import Rule

RULE = Rule(
    id="misplaced-secret",
    summary="A secret is read where it would be stored or shown.",
    severity="error",
    why=(
        "Secrets are filled in by the worker just before a task runs, and are never stored. Conditions, outputs, "
        "approvals and `values` are evaluated elsewhere and kept."
    ),
    before="""\
name: bad
tasks:
  ship: {run: make ship, if: 'secrets.DEPLOY_TOKEN != ""'}
  keep: {uses: values, with: {token: "${{ secrets.DEPLOY_TOKEN }}"}}
outputs: {token: "${{ secrets.DEPLOY_TOKEN }}"}
""",
    after="""\
name: good
tasks:
  ship: {run: make ship, env: {TOKEN: "${{ secrets.DEPLOY_TOKEN }}"}}
""",
)
