"""The public YAML test suite (https://github.com/yaml/yaml-test-suite) through our reader: what it reads, it reads as YAML 1.2 says."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from engine.lint.linter import lint
from engine.spec.document import read
from engine.spec.nodes import Document

CASES = json.loads((Path(__file__).parent / "yaml_suite" / "cases.json").read_text())
"""By the suite's ids: the text, and either what its documents hold or that it is no YAML."""
OURS = {"yaml-tag", "yaml-key", "yaml-documents", "merge-key", "duplicate-key", "yaml-number", "yaml-characters"}
"""Rules by which we refuse what is YAML."""
LENIENT = {"9C9N", "9JBA", "CVW2", "DK95-1", "G5U8", "MUS6-0", "QB6E", "S98Z", "SU5Z", "X4QW", "Y79Y-3", "YJV2"}
"""No YAML, and libyaml takes it: comments without a space, indentation of flow and block scalars."""
OTHERWISE = {"652Z", "HM87-1", "L24T-1", "Y2GN"}
"""Read otherwise by libyaml: a `?` or an anchor's `:` before text, and the last break of a block."""
STRICT = [
    "2JQS",
    "2LFX",
    "2SXE",
    "4ABK",
    "4MUZ-0",
    "4MUZ-1",
    "4MUZ-2",
    "58MP",
    "5MUD",
    "5T43",
    "6BCT",
    "6CA3",
    "6LVF",
    "6M2F",
    "7Z25",
    "8XYN",
    "96NN-0",
    "96NN-1",
    "9SA2",
    "A2M4",
    "BEC7",
    "CFD4",
    "DBG4",
    "DK3J",
    "DK95-0",
    "DK95-3",
    "DK95-4",
    "FP8R",
    "FRK4",
    "HM87-0",
    "HWV9",
    "K3WX",
    "M2N8-0",
    "M7A3",
    "MUS6-5",
    "MUS6-6",
    "NHX8",
    "NJ66",
    "NKF9",
    "Q5MG",
    "QT73",
    "R4YG",
    "S3PD",
    "SM9W-1",
    "UKK6-0",
    "UT92",
    "VJP3-1",
    "W4TN",
    "W5VH",
    "Y79Y-1",
    "Y79Y-10",
    "ZYU8-0",
    "ZYU8-1",
    "ZYU8-2",
    "ZYU8-3",
]
"""YAML 1.2 that libyaml refuses: mostly tabs, empty keys, and directives."""


@pytest.mark.parametrize("id_", CASES)
def test_case(id_):
    case = CASES[id_]
    data = case["yaml"].encode()
    lint({"w.yaml": data, "project.yaml": data})  # never raises
    found = read("w.yaml", data)
    if isinstance(found, Document):
        assert not case.get("fail") or id_ in LENIENT
        if len(case.get("json", ())) == 1:
            assert (found.root.value == case["json"][0]) == (id_ not in OTHERWISE)
    elif not case.get("fail"):
        assert found[0].rule in OURS or (found[0].rule == "yaml-syntax" and id_ in STRICT)
        assert found[0].line >= 1


def test_most_of_it_is_read():
    same = [id_ for id_, case in CASES.items() if id_ not in OTHERWISE and len(case.get("json", ())) == 1]
    documents = [id_ for id_ in same if isinstance(read("w.yaml", CASES[id_]["yaml"].encode()), Document)]
    assert len(CASES) == 406
    assert len(documents) >= 180
