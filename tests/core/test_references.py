from __future__ import annotations

from engine.core.references import reference, references, referred, resolved

KNOWN = {"d1": [1, {"$value": "d2", "size": 3}], "d2": "two"}.get
ONE, TWO = reference("d1", 9), reference("d2", 3)


def test_large_outputs_are_put_in_place():
    assert resolved({"a": ONE, "b": 1, "c": TWO}, KNOWN) == {"a": [1, TWO], "b": 1, "c": "two"}
    assert resolved([{"a": TWO}, None, {"b": 1}], KNOWN) == [{"a": "two"}, None, {"b": 1}]
    assert references([{"a": TWO}, None, {"b": 1, "c": ONE}]) == [("d2", 3), ("d1", 9)]


def test_what_has_none_is_given_back_as_it_is():
    looks = (
        {"$value": "d2"},
        {"$value": "d2", "size": 1, "x": 1},
        {"$value": 7, "size": 1},
        {"$value": "d2", "size": "1"},
    )
    for outputs in (None, {}, [], {"a": 1}, [None], "x", *({"a": each} for each in looks)):
        assert resolved(outputs, KNOWN) is outputs
        assert references(outputs) == []


def test_nothing_is_looked_for_within_an_output():
    outputs = {"a": [TWO], "b": {"deep": TWO}}
    assert resolved(outputs, KNOWN) is outputs
    assert references(outputs) == []


def test_what_names_nothing_is_the_map_it_is():
    outputs = {"a": reference("gone", 1)}
    assert resolved(outputs, KNOWN) is outputs
    assert referred(outputs["a"]) == "gone"
