"""The project.yaml of the examples, cut down to what some of them name."""

from __future__ import annotations

import re

SECTION = re.compile(r"^(\w+):.*\n(?:(?:[ \t].*)?\n)*", re.MULTILINE)
ENTRY = re.compile(r"^  ([\w-]+): .*\n", re.MULTILINE)
LIST = re.compile(r"^secrets: \[(.*)\](.*)\n", re.MULTILINE)
NAMED = ("channels", "webhooks", "groups")


def cut_down(project: str, texts: str) -> str:
    """The text of project.yaml with those entries alone that these workflows and tests need, sections without any left out."""
    sections = {found[1]: found[0] for found in SECTION.finditer(project)}
    head = project[: project.index(next(iter(sections.values())))]
    for name in NAMED:
        sections[name] = _only(sections[name], texts)
    sections["vars"] = _only(sections["vars"], texts, before="vars.")
    sections["people"] = _only(sections["people"], texts + sections["groups"])
    needed = texts + sections["webhooks"]
    sections["secrets"] = LIST.sub(lambda found: _secrets(found, needed), sections["secrets"])
    return (head + "".join(sections.values())).rstrip() + "\n"


def _only(section: str, texts: str, before: str = "") -> str:
    kept = ENTRY.sub(lambda found: found[0] if _names(texts, before + found[1]) else "", section)
    return kept if ENTRY.search(kept) else ""


def _secrets(found: re.Match[str], texts: str) -> str:
    names = [name for name in found[1].split(", ") if _names(texts, name)]
    return f"secrets: [{', '.join(names)}]{found[2]}\n" if names else ""


def _names(texts: str, name: str) -> bool:
    return re.search(rf"(?<![\w-]){re.escape(name)}(?![\w-])", texts) is not None
