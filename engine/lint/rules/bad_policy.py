"""Found by the linter: a severity set for a rule that is not there changes nothing, and nobody would notice."""

from __future__ import annotations

from engine.lint.rule import Rule

RULE = Rule(
    id="bad-policy",
    summary="`policies.severity` names a rule that there is not, or softens an error of the loader.",
    severity="error",
    why=(
        "A slip in a rule's id would leave the rule as it is. What keeps a file from being loaded cannot be softened: there "
        "would be nothing to run."
    ),
    before="""\
policies: {severity: {unused-inputs: error, unknown-need: warning}}
""",
    after="""\
policies: {severity: {unused-input: error}}
""",
)
