"""Makes docs/patterns.md from the workflows in tests/patterns: `python -m scripts.patterns`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / "tests" / "patterns"
REFUSED = {
    8: (
        "Multi-merge",
        "Advanced branching",
        "A task would run once for each branch that reaches it; a task of a scope runs once. Call one `workflow:` from each branch.",
    ),
    15: (
        "Multiple instances not known before",
        "Multiple instances",
        "Items would be added while others run. A `repeat` around a `for_each` over what is new does such work.",
    ),
    33: (
        "Generalised AND-join",
        "Advanced branching",
        "Tokens of several rounds would be matched up; a task of a scope runs once. Call one `workflow:` from each branch.",
    ),
}
"""Number to name, group and reason of the patterns that the language does not have."""


@dataclass(frozen=True)
class Pattern:
    """One pattern as its file tells it."""

    number: int
    name: str
    group: str
    text: str
    file: str


def patterns() -> list[Pattern]:
    """Those with a workflow, by number."""
    found = []
    for path in sorted(FOLDER.glob("p??.yaml")):
        keys = yaml.safe_load(path.read_text())
        labels = keys["labels"]
        found.append(Pattern(int(labels["pattern"]), keys["name"], labels["group"], keys["description"], path.name))
    return found


def page() -> str:
    """The page."""
    rows: dict[int, str] = {}
    for pattern in patterns():
        title = pattern.name[4:].replace("-", " ").capitalize()
        link = f"[{pattern.file}](../tests/patterns/{pattern.file})"
        rows[pattern.number] = f"| {pattern.number} | {title} | {pattern.group} | {pattern.text} | {link} |"
    for number, (title, group, reason) in REFUSED.items():
        rows[number] = f"| {number} | {title} | {group} | {reason} | not applicable |"
    return (
        "# Workflow patterns\n\n"
        "The 43 control-flow patterns of the [Workflow Patterns initiative](http://www.workflowpatterns.com/patterns/control/) "
        "(van der Aalst, ter Hofstede,\nRussell, Mulyar) and how they are written here. "
        "Each has a workflow and a test that it behaves so,\n"
        "run with every change (`headrace test tests/patterns`). "
        f"{len(patterns())} of 43 work; the others are refused for the reason given. This page is made by `python -m scripts.patterns`.\n\n"
        "| # | pattern | group | what it is | workflow |\n|---|---|---|---|---|\n"
        + "".join(f"{rows[number]}\n" for number in sorted(rows))
    )


if __name__ == "__main__":
    (ROOT / "docs" / "patterns.md").write_text(page())
