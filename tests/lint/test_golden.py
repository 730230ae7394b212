"""Every rule has a folder with what it finds. After a wanted change: `python tests/lint/test_golden.py` writes them anew."""

import re
from pathlib import Path

import pytest

from engine.lint.catalog import RULES
from engine.lint.linter import lint

GOLDEN = Path(__file__).with_name("golden")
IDS = {rule.id: rule for rule in RULES}


def files(folder):
    return {
        str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.suffix == ".yaml"
    }


def projects(folder):
    """What is linted at once: all of the folder, or, for rules about project.yaml, each of its two projects."""
    inner = [folder / name for name in ("bad", "good") if (folder / name).is_dir()]
    return inner or [folder]


def found(folder):
    return "".join(
        f"{each.relative_to(folder) / finding.path}{str(finding).removeprefix(finding.path)}\n"
        for each in projects(folder)
        for finding in lint(files(each))
    )


def test_rule_ids_are_unique():
    assert len(IDS) == len(RULES)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.id)
def test_rule_finds_what_is_written_down(rule):
    expected = (GOLDEN / rule.id / "expected.txt").read_text()
    assert found(GOLDEN / rule.id) == expected
    assert f"{rule.severity}: " in expected
    assert f"[{rule.id}]" in expected
    assert "good.yaml:" not in expected
    assert "good/" not in expected


def test_every_folder_belongs_to_a_rule():
    assert {folder.name for folder in GOLDEN.iterdir()} == set(IDS)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.id)
def test_the_example_of_a_rule_is_golden(rule):
    expected = (GOLDEN / rule.id / "expected.txt").read_text()
    blamed = set(re.findall(rf"^(.*?):\d+:\d+: .*\[{rule.id}\]$", expected, re.MULTILINE))
    texts = {path: text.decode(errors="replace") for path, text in files(GOLDEN / rule.id).items()}
    assert rule.before in [text for path, text in texts.items() if path in blamed]
    assert rule.after in [text for path, text in texts.items() if path not in blamed]
    assert rule.why.endswith(".")


def test_the_example_of_ignoring_ignores():
    page = (Path(__file__).parents[2] / "docs" / "rules.md").read_text()
    text = re.search(r"```yaml\n(.*?)```", page, re.DOTALL)[1]
    project = {"project.yaml": b"people: {ana: {email: ana@example.com}}\n"}
    assert lint({"w.yaml": text.encode(), **project}) == []
    assert len(lint({"w.yaml": re.sub("#.*", "", text).encode(), **project})) == 2


if __name__ == "__main__":
    for folder in sorted(GOLDEN.iterdir()):
        (folder / "expected.txt").write_text(found(folder))
