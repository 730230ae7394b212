"""The port for large outputs: once for each instance, bounded, gone with it."""

from __future__ import annotations

import pytest

from engine.errors import Invalid, TooLarge
from tests.holds.given import finish, prune, record, started


def test_values_are_read_under_the_lock_and_without(stores):
    record(stores, started("i1"))
    stores.values.put("i1", {"d1": {"a": [1, "\u00e9"]}, "d2": "x" * 100_000}, most=1_000_000)
    stores.values.put("i1", {"d1": {"a": "another"}}, most=1_000_000)
    for read in (stores.values.get, stores.store.values):
        assert read("i1", ["d1", "gone"]) == {"d1": {"a": [1, "\u00e9"]}}
        assert read("i2", ["d1"]) == {}
        assert read("i1", []) == {}
    with stores.store.lock([("i1", "")]) as locked:
        assert locked.values("i1", ["d2"]) == {"d2": "x" * 100_000}
        assert locked.values("i2", ["d2"]) == {}


def test_an_instance_has_only_so_much(stores):
    stores.values.put("i1", {"d1": "x" * 60}, most=100)
    stores.values.put("i1", {"d1": "x" * 60}, most=100)
    with pytest.raises(TooLarge):
        stores.values.put("i1", {"d2": "y" * 60}, most=100)
    assert stores.values.get("i1", ["d1", "d2"]) == {"d1": "x" * 60}
    stores.values.put("i2", {"d2": "y" * 60}, most=100)


def test_a_value_that_cannot_be_kept_is_refused(stores):
    with pytest.raises(Invalid):
        stores.values.put("i1", {"d1": "a\0b"}, most=100)
    assert stores.values.get("i1", ["d1"]) == {}


def test_values_go_with_their_instance(stores):
    for name in ("i1", "i2"):
        record(stores, started(name))
        stores.values.put(name, {"d1": "x"}, most=100)
    finish(stores, "i1", at=100)
    prune(stores, before=500)
    assert stores.values.get("i1", ["d1"]) == {}
    assert stores.values.get("i2", ["d1"]) == {"d1": "x"}
