"""The port for rows of files: whose they are, how much they are, and which contents may go."""

from __future__ import annotations

from dataclasses import replace
from threading import Thread

import pytest

from engine.adapters.databases.connect import open_instances
from engine.app.artifact_ports import YOUNG, Artifact
from engine.errors import Conflict, NotFound, TooLarge, Unavailable
from tests.app.world import movable
from tests.holds.given import finish, prune, record, started

IDS = iter(range(1, 1_000))


def file(path="build", attempt=1, *, name="app", file="dist/app", digest="aa", size=3, instance="i1", **changes):
    known = f"a{next(IDS):04}"
    row = Artifact(
        id=known, instance=instance, path=path, attempt=attempt, name=name, file=file, digest=digest, size=size
    )
    return replace(row, **changes)


def put(stores, *files, most=None):
    stores.artifacts.reserve({each.digest: each.size for each in files})
    first = files[0]
    stores.artifacts.put(first.instance, first.path, first.attempt, files, most=most)


@pytest.fixture
def moved(database_url):
    """The stores on a clock that the test moves."""
    clock, move = movable(database_url)
    stores = open_instances(database_url, clock=clock)
    yield stores, move
    stores.close()


def collected(stores, **keys):
    gone = []
    stores.artifacts.collect(gone.extend, **keys)
    return gone


def test_what_an_attempt_left_is_found(stores):
    one = file(file="dist/app", root="dist", executable=True)
    two = file(name="logs", file="a.txt", digest="bb", size=0)
    put(stores, one, two)
    found = stores.artifacts.left("i1", "build")
    assert [replace(each, at=0) for each in found] == [one, two]
    assert found[0].at > 1_600_000_000_000
    assert stores.artifacts.size("i1") == 3
    assert stores.artifacts.size("i2") == 0
    assert stores.artifacts.left("i2", "build") == []


def test_a_path_stands_for_what_is_below_it_only_when_asked(stores):
    for path in ("x", "x[eu]", "x[us]/build", "x#2", "x/y", "xy", "x_1"):
        put(stores, file(path))
    assert [each.path for each in stores.artifacts.left("i1", "x")] == ["x"]
    below = {each.path for each in stores.artifacts.left("i1", "x", below=True)}
    assert below == {"x", "x[eu]", "x[us]/build", "x#2", "x/y"}
    assert [each.path for each in stores.artifacts.left("i1", "x_", below=True)] == []


def test_doing_an_attempt_again_replaces_what_it_left(stores):
    put(stores, file(file="a"), file(file="b"))
    put(stores, file(attempt=2, file="a"))
    put(stores, file(file="c"))
    assert [(each.attempt, each.file) for each in stores.artifacts.left("i1", "build")] == [(1, "c"), (2, "a")]


def test_an_instance_has_only_so_much(stores):
    put(stores, file(size=60), most=100)
    put(stores, file(size=70), most=100)  # instead of the 60
    with pytest.raises(TooLarge):
        put(stores, file("test", size=31), most=100)
    put(stores, file("test", size=30), most=100)
    put(stores, file(instance="i2", size=100), most=100)
    assert stores.artifacts.size("i1") == 100
    assert stores.artifacts.size("i1", without=("build", 1)) == 30
    assert stores.artifacts.size("i1", without=("build", 2)) == 100


def test_the_newest_come_first_page_by_page(stores):
    files = [file(path) for path in ("a", "b", "c")]
    for each in files:
        put(stores, each)
    ids = [each.id for each in files]
    assert [each.id for each in stores.artifacts.list("i1", limit=2)] == ids[:0:-1]
    assert [each.id for each in stores.artifacts.list("i1", before=ids[1])] == ids[:1]
    assert [each.id for each in stores.artifacts.list("i1", path="b")] == [ids[1]]


def test_one_is_found_by_its_id_or_its_digest_in_its_own_instance(stores):
    one = file(digest="dd")
    put(stores, one)
    assert stores.artifacts.get("i1", one.id).id == one.id
    assert stores.artifacts.get("i1", "dd").id == one.id
    for instance, name in (("i2", one.id), ("i2", "dd"), ("i1", "ee")):
        with pytest.raises(NotFound):
            stores.artifacts.get(instance, name)


def test_a_content_that_nothing_refers_to_goes_after_an_hour(moved):
    stores, move = moved
    stores.artifacts.reserve({"lost": 1})
    put(stores, file(digest="kept"))
    assert collected(stores) == []
    move(YOUNG - 5_000)
    assert collected(stores) == []
    stores.artifacts.reserve({"again": 1})
    move(10_000)
    assert collected(stores) == ["lost"]
    assert collected(stores) == []
    stores.artifacts.reserve({"again": 1})
    move(YOUNG - 5_000)
    assert collected(stores) == []
    move(10_000)
    assert collected(stores) == ["again"]


def test_files_go_with_their_instance_and_contents_an_hour_later(moved):
    stores, move = moved
    for name in ("i1", "i2"):
        record(stores, started(name))
    put(stores, file(digest="both"), file(file="b", digest="only"))
    put(stores, file(digest="both", instance="i2"))
    move(YOUNG + 1_000)
    assert collected(stores) == []  # all are referred to
    finish(stores, "i1", at=100)
    assert prune(stores, before=500) == 1
    assert stores.artifacts.left("i1", "build") == []
    assert collected(stores) == []
    move(YOUNG + 1_000)
    assert collected(stores) == ["only"]
    assert [each.digest for each in stores.artifacts.left("i2", "build")] == ["both"]


def test_contents_go_in_small_batches_and_stay_when_that_fails(moved):
    stores, move = moved
    stores.artifacts.reserve({f"d{number}": 1 for number in range(5)})
    move(YOUNG + 1_000)

    def fails(_):
        raise Unavailable("the bucket")

    with pytest.raises(Unavailable):
        stores.artifacts.collect(fails)
    assert len(collected(stores, limit=2)) == 2
    assert len(collected(stores)) == 3


def test_who_wants_a_content_that_is_going_waits_until_it_is_gone(moved):
    stores, move = moved
    stores.artifacts.reserve({"d1": 1})
    move(YOUNG + 1_000)
    told = []
    reserving = Thread(target=lambda: (stores.artifacts.reserve({"d1": 1}), told.append("reserved")))

    def delete(digests):
        reserving.start()
        reserving.join(0.3)  # it must not come through
        told.extend(digests)

    stores.artifacts.collect(delete)
    reserving.join(20)
    assert told == ["d1", "reserved"]
    stores.artifacts.put("i1", "build", 1, [file(digest="d1")])
    move(YOUNG + 1_000)
    assert collected(stores) == []


def test_a_row_never_refers_to_a_content_that_is_gone(moved):
    stores, move = moved
    slow = file(digest="slow")
    stores.artifacts.reserve({"slow": 3})
    move(YOUNG + 1_000)
    assert collected(stores) == ["slow"]
    with pytest.raises(Conflict):
        stores.artifacts.put("i1", "build", 1, [slow])
    assert stores.artifacts.left("i1", "build") == []
