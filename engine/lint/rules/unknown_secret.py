"""Found by the loader: a secret is not among the names in project.yaml."""

from __future__ import annotations

from engine.lint.rule import Rule

RULE = Rule(
    id="unknown-secret",
    summary="A secret is not among the names in project.yaml.",
    severity="error",
    why=(
        "Workflows read the secrets that project.yaml lists under `secrets`; their values come from the workers' "
        "environment."
    ),
    before="""\
name: bad
tasks:
  ship: {run: make ship, env: {TOKEN: "${{ secrets.DEPLOY_TOKN }}"}}
""",
    after="""\
name: good
tasks:
  ship: {run: make ship, env: {TOKEN: "${{ secrets.DEPLOY_TOKEN }}"}}
""",
)
