"""Writes the rules into docs/rules.md, between its two marks: `python -m scripts.rules`."""

from __future__ import annotations

from pathlib import Path

from engine.lint.catalog import RULES
from engine.lint.rule import Rule

PAGE = Path(__file__).resolve().parent.parent / "docs" / "rules.md"
START, END = "<!-- rules: made by python -m scripts.rules -->\n", "<!-- end of rules -->\n"


def section(rule: Rule) -> str:
    """What the page says of one rule."""
    return (
        f"## {rule.id}\n\n{rule.summary} *({rule.severity})*\n\n{rule.why}\n\n"
        f"Before:\n\n```yaml\n{rule.before}```\n\nAfter:\n\n```yaml\n{rule.after}```\n\n"
    )


def contents() -> str:
    """All rules in short."""
    rows = (f"| [`{rule.id}`](#{rule.id}) | {rule.severity} | {rule.summary} |\n" for rule in RULES)
    return f"| rule | severity | what it finds |\n|---|---|---|\n{''.join(rows)}\n"


def page(now: str) -> str:
    """The page with its rules anew; what stands outside the marks stays."""
    head, _, rest = now.partition(START)
    return f"{head}{START}\n{contents()}{''.join(map(section, RULES))}{END}{rest.partition(END)[2]}"


if __name__ == "__main__":
    PAGE.write_text(page(PAGE.read_text()))
