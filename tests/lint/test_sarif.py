"""The log for code scanning holds against its published schema, and says what the findings say."""

import json
from urllib.parse import unquote

import jsonschema
import pytest

from engine.lint.catalog import RULES
from engine.lint.fixing import edited
from engine.lint.linter import lint
from engine.lint.reporters import sarif
from engine.spec.findings import Edit, Finding
from tests.lint.reported import FOLDERS, NASTY, golden, nasty
from tests.published import SARIF, schema

NEEDS = "name: w\ntasks:\n  test: {run: x}\n  s: {needs: tset, run: x}\n  t: {needs: [s, s], run: x}\n"


@pytest.fixture(scope="module")
def valid():
    return jsonschema.Draft7Validator(schema(SARIF))


def log(findings, files):
    return json.loads(sarif.report(findings, files))


def results(text):
    files = {"w.yaml": text.encode()}
    return log(lint(files), files)["runs"][0]["results"]


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_what_is_found_in_golden_files_is_valid(valid, folder):
    findings, files = golden(folder)
    made = log(findings, files)
    valid.validate(made)
    rules = made["runs"][0]["tool"]["driver"]["rules"]
    for finding, result in zip(findings, made["runs"][0]["results"], strict=True):
        assert rules[result["ruleIndex"]]["id"] == result["ruleId"] == finding.rule
        assert result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] == finding.path
    marks = [result["partialFingerprints"]["headrace/v1"] for result in made["runs"][0]["results"]]
    assert len(marks) == len(set(marks))


def test_a_log_that_is_wrong_is_told_from_one_that_is_right(valid):
    made = log(*golden(FOLDERS[0]))
    made["runs"][0]["results"][0]["level"] = "bad"
    assert not valid.is_valid(made)


def test_rules_are_told_with_their_reasons():
    rules = log([], {})["runs"][0]["tool"]["driver"]["rules"]
    assert [rule["id"] for rule in rules] == [rule.id for rule in RULES]
    for told, rule in zip(rules, RULES, strict=True):
        assert rule.why in told["help"]["text"]
        assert f"```yaml\n{rule.before}" in told["help"]["markdown"]
        assert told["defaultConfiguration"]["level"] == rule.severity.replace("info", "note")


def test_columns_count_characters_and_say_so():
    files = {"w.yaml": "name: w\ntasks: {a: {run: '\U0001f680\U0001f680', needs: b}}\n".encode()}
    made = log(lint(files), files)["runs"][0]
    assert made["columnKind"] == "unicodeCodePoints"
    region = made["results"][0]["locations"][0]["physicalLocation"]["region"]
    line = files["w.yaml"].decode().splitlines()[region["startLine"] - 1]
    assert line[region["startColumn"] - 1 : region["endColumn"] - 1] == "b"


def test_fixes_mend_the_file():
    one, two = results(NEEDS)
    assert one["fixes"][0]["description"]["text"] != two["fixes"][0]["description"]["text"]
    edits = [
        Edit(
            line=replaced["deletedRegion"]["startLine"],
            column=replaced["deletedRegion"]["startColumn"],
            end_line=replaced["deletedRegion"]["endLine"],
            end_column=replaced["deletedRegion"]["endColumn"],
            text=replaced["insertedContent"]["text"],
        )
        for result in (one, two)
        for replaced in result["fixes"][0]["artifactChanges"][0]["replacements"]
    ]
    text, _ = edited(NEEDS, [edits])
    assert text == NEEDS.replace("tset", "test").replace("s, s", "s")
    assert results(text) == []


def marks(text):
    return [(result["ruleId"], result["partialFingerprints"]["headrace/v1"]) for result in results(text)]


def test_fingerprints_stay_when_lines_move_and_differ_where_lines_are_alike():
    twice = NEEDS + "  u: {needs: [s, s], run: x}\n"
    assert marks("# new\n\n" + NEEDS) == marks(NEEDS)
    assert marks(NEEDS.replace("  s: {", "  s:   {")) == marks(NEEDS)
    assert set(marks(NEEDS)) < set(marks(twice))
    assert marks(NEEDS.replace("tset", "tess")) != marks(NEEDS)
    doubled = "name: w\ntasks:\n  a: {run: x}\n  b: {needs: [a, a, a], run: x}\n"
    assert len(set(marks(doubled))) == 2


def test_hostile_text_is_only_text(valid):
    findings, files = nasty()
    made = log(findings, files)
    valid.validate(made)
    [result] = made["runs"][0]["results"]
    said = result["message"]["text"]
    assert said.isprintable()
    assert "\\[a](http://x)" in said
    uri = result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"]
    assert unquote(uri, errors="surrogateescape") == f"w/{NASTY}.yaml".replace("//", "/")
    assert uri.isascii()
    assert not {":", " "} & set(uri)


def test_places_outside_the_folder_and_without_an_end():
    [result] = log([Finding(path="/tmp/a b.yaml", line=1, column=1, rule="r", message="a [z] {0}")], {})["runs"][0][
        "results"
    ]
    place = result["locations"][0]["physicalLocation"]
    assert place["artifactLocation"] == {"uri": "file:///tmp/a%20b.yaml"}
    assert place["region"] == {"startLine": 1, "startColumn": 1}
    assert result["message"]["text"] == "a [z] {0}", "only links are taken apart"
    assert "ruleIndex" not in result
