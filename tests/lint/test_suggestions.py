"""A suggestion is also an edit, and whatever edit comes with a finding: made, it takes away what was found."""

from pathlib import Path

import pytest

from engine.lint.fixing import edited
from engine.lint.linter import lint
from engine.spec.suggested import wrong_word

GOLDEN = Path(__file__).with_name("golden")
WITHOUT = {"never-equal", "unknown-outcome/list.yaml", "unknown-outcome/implied.yaml"}
"""What is meant is plain, but not where it would stand."""


def files(folder):
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*.yaml")}


SUGGESTED = [
    (folder.name, finding)
    for folder in sorted(GOLDEN.iterdir())
    for finding in lint(files(folder))
    if finding.suggestion
]


OFFERED = [
    (project, finding)
    for folder in sorted(GOLDEN.iterdir())
    for project in ([folder / "bad", folder / "good"] if (folder / "bad").is_dir() else [folder])
    for finding in lint(files(project))
    if finding.fixes and not finding.suggestion
]


@pytest.mark.parametrize(("project", "finding"), OFFERED, ids=str)
def test_what_is_offered_mends(project, finding):
    texts = files(project)
    texts[finding.path] = edited(texts[finding.path].decode(), [finding.fixes])[0].encode()
    after = lint(texts)
    assert (finding.rule, finding.message) not in [
        (other.rule, other.message) for other in after if other.path == finding.path and other.line == finding.line
    ]
    assert len([other for other in after if other.severity == "error"]) <= len(
        [other for other in lint(files(project)) if other.severity == "error"]
    )


@pytest.mark.parametrize(("folder", "finding"), SUGGESTED, ids=str)
def test_what_was_meant_can_be_put_in(folder, finding):
    if {folder, f"{folder}/{finding.path}"} & WITHOUT:
        assert finding.fixes == ()
        return
    (edit,) = finding.fixes
    texts = files(GOLDEN / folder)
    texts[finding.path] = edited(texts[finding.path].decode(), [(edit,)])[0].encode()
    after = lint(texts)
    assert (finding.place, finding.rule) not in [(other.place, other.rule) for other in after]
    assert not finding.safe


@pytest.mark.parametrize(
    ("written", "message", "word"),
    [
        ("tset", 'task "ship" needs "tset"', "tset"),
        ('"tset.failed"', 'task "ship" needs "tset"', "tset"),
        ("build.sucess", 'task "build" never ends as "sucess"', "sucess"),
        ("'emial'", '"kind" must be one of email, slack', "emial"),
        ("a-b.failed", 'there is no "b"', "a-b.failed"),
        ("x == x", 'there is no "x"', None),
    ],
)
def test_the_wrong_word(written, message, word):
    place = wrong_word(written, message)
    assert (place and written[slice(*place)]) == word
