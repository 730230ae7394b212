from __future__ import annotations

from engine.core.references import reference, referred, refers, resolved

KNOWN = {"d1": [1, {"$value": "d2", "size": 3}], "d2": "two"}.get


def test_references_are_put_in_place_at_any_depth():
    one, two = reference("d1", 9), reference("d2", 3)
    assert resolved(one, KNOWN) == [1, two], "what is in a value stands for itself"
    assert resolved({"a": two, "b": [two, 1], "c": {"d": two}}, KNOWN) == {
        "a": "two",
        "b": ["two", 1],
        "c": {"d": "two"},
    }


def test_what_has_none_is_given_back_as_it_is():
    for value in ({"a": [1, {"b": None}]}, [], {}, 1, None, "x", {"$value": "d2"}, {"$value": "d2", "size": 1, "x": 1}):
        assert resolved(value, KNOWN) is value
        assert not refers(value)


def test_what_looks_like_one_and_names_nothing_is_the_map_it_is():
    for value in (reference("gone", 1), {"$value": 7, "size": 1}, {"$value": ["d1"], "size": 1}):
        assert resolved(value, KNOWN) is value
    assert referred({"$value": 7, "size": 1}) is None


def test_what_refers_is_told():
    assert refers({"a": [{"b": reference("d1", 1)}]})
