"""A finding points at the very characters it is about: with others in their place (where some are missing: there), it is another one or gone."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.lint.linter import lint

GOLDEN = Path(__file__).with_name("golden")
OTHERS = ("z9", "1", "1h", "[z9]", "{z9: 1}", "string", "http", "z9: {run: x}", "name: z9\n", "# z9", "id")
"""What is put in the place of what a finding covers: other words, and values of other kinds."""


def read(folder):
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*.yaml"))}


def covered(text, finding):
    """Where a finding begins and ends, counted in characters of the file."""
    starts = [0]
    for line in text.splitlines(keepends=True):
        starts.append(starts[-1] + len(line))
    return starts[finding.line - 1] + finding.column - 1, starts[finding.end_line - 1] + finding.end_column - 1


def told(findings, about):
    return {(each.path, each.line, each.column, each.rule, each.message) for each in findings} & {
        (about.path, about.line, about.column, about.rule, about.message)
    }


def depends(files, finding):
    """Whether some other text in its place makes it another finding, in a file that can still be read."""
    text = files[finding.path].decode()
    start, end = covered(text, finding)
    for other in OTHERS:
        found = lint({**files, finding.path: (text[:start] + other + text[end:]).encode()})
        if not told(found, finding) and not any(each.rule.startswith("yaml-") for each in found):
            return True
    return False


@pytest.mark.parametrize("folder", sorted(GOLDEN.iterdir()), ids=lambda folder: folder.name)
def test_every_finding_depends_on_what_it_covers(folder):
    files = read(folder)
    for finding in lint(files):
        if finding.rule.startswith("yaml-") or finding.rule == "second-project":
            continue  # what cannot be read has no words, and a file that is one too many has no place
        assert depends(files, finding), finding


SEEDS = [(folder.name, read(folder)) for folder in sorted(GOLDEN.iterdir()) if not folder.name.startswith("yaml-")]


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_moving_a_file_down_and_right_moves_its_findings(data):
    _, files = data.draw(st.sampled_from(SEEDS))
    down = data.draw(st.integers(1, 3))
    before = lint(files)
    moved = lint({path: b"# \xf0\x9f\x98\x80\n" * down + text for path, text in files.items()})
    assert [(each.path, each.line + down, each.column, each.rule) for each in before] == [
        (each.path, each.line, each.column, each.rule) for each in moved
    ]
