"""Every rule has a folder with what it finds. After a wanted change: `python tests/lint/test_golden.py` writes them anew."""

import re
from pathlib import Path

import pytest

from engine.lint.linter import RULES, lint

GOLDEN = Path(__file__).with_name("golden")
IDS = {rule.id: rule for rule in RULES}


def files(folder):
    return {
        str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.suffix == ".yaml"
    }


def found(folder):
    return "".join(f"{finding}\n" for finding in lint(files(folder)))


def test_rule_ids_are_unique():
    assert len(IDS) == len(RULES)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.id)
def test_rule_finds_what_is_written_down(rule):
    expected = (GOLDEN / rule.id / "expected.txt").read_text()
    assert found(GOLDEN / rule.id) == expected
    assert f"{rule.severity}: " in expected
    assert f"[{rule.id}]" in expected
    assert "good.yaml" not in expected


def test_every_folder_belongs_to_a_rule():
    assert {folder.name for folder in GOLDEN.iterdir()} == set(IDS)


def sections():
    text = (Path(__file__).parents[2] / "docs" / "rules.md").read_text()
    for section in text.split("\n## ")[1:]:
        rule, _, body = section.partition("\n")
        yield rule, re.findall(r"^(Before|After):\n\n```yaml\n(.*?)```$", body, re.MULTILINE | re.DOTALL)


def test_every_rule_has_its_section():
    assert [rule for rule, _ in sections()] == [rule.id for rule in RULES]


@pytest.mark.parametrize(("rule", "examples"), list(sections()))
def test_examples_of_the_docs_are_golden(rule, examples):
    for word, text in examples:
        name = {"Before": "bad.yaml", "After": "good.yaml"}[word]
        assert (GOLDEN / rule / name).read_text() == text


if __name__ == "__main__":
    for folder in sorted(GOLDEN.iterdir()):
        (folder / "expected.txt").write_text(found(folder))
