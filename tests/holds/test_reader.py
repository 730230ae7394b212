"""What people read: instances, scopes, history, logs."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from engine.adapters.databases.connect import InstancesDatabase
from engine.app.records import Instance, LogLine, Record
from engine.errors import NotFound
from tests.holds.given import event, facts, finish, prune, record, scope, started


def test_an_instance_is_read_as_it_is(stores: InstancesDatabase):
    record(stores, started("i1", start_key="k"))
    start = facts()
    expected = Instance(
        id="i1",
        workflow=start.workflow,
        version="v1",
        digest=start.digest,
        commit=start.commit,
        state="running",
        inputs=start.inputs,
        trigger=start.trigger,
        outputs=None,
        error=None,
        started_by=start.started_by,
        started_at=start.started_at,
        finished_at=None,
        delivery=None,
    )
    assert stores.reader.get("i1") == expected
    assert stores.reader.by_start_key("k") == expected
    assert stores.reader.by_start_key("other") is None
    with pytest.raises(NotFound):
        stores.reader.get("'; --")


def test_instances_are_listed_newest_first_and_paged(stores: InstancesDatabase):
    for number in range(9):
        record(stores, started(f"i{number}", started_at=1_000 + number // 3, workflow="ab"[number % 2]))
    finish(stores, "i4", at=5)
    everything = [one.id for one in stores.reader.list()]
    assert everything == [f"i{number}" for number in (8, 7, 6, 5, 4, 3, 2, 1, 0)]
    paged, before = [], None
    while page := stores.reader.list(before=before, limit=2):
        paged += [one.id for one in page]
        before = paged[-1]
    assert paged == everything
    assert [one.id for one in stores.reader.list(workflow="b")] == ["i7", "i5", "i3", "i1"]
    assert [one.id for one in stores.reader.list(state="succeeded")] == ["i4"]
    assert [one.id for one in stores.reader.list(state="running", workflow="a", limit=2)] == ["i8", "i6"]
    assert stores.reader.list(before="gone") == []
    assert stores.reader.counts(1_000) == {"running": 8, "succeeded": 1}
    assert stores.reader.counts(5) == {"running": 5, "succeeded": 1}


def test_scopes_and_history_come_in_order(stores: InstancesDatabase):
    record(stores, started("i1"))
    more = [
        event("i1", seq, scope="finally", accepted=seq % 2 == 0, event={"type": "T", "n": seq}) for seq in (2, 3, 4)
    ]
    record(stores, Record(scopes=[scope("i1", 1, path="finally", status="settled")], history=more))
    assert {path: one["status"] for path, one in stores.reader.scopes("i1").items()} == {
        "": "running",
        "finally": "settled",
    }
    assert next(iter(stores.reader.scopes("i1"))) == ""
    assert stores.reader.scope("i1", "") == stores.reader.scopes("i1")[""]
    assert stores.reader.scope("i1", "nowhere") is None
    assert stores.reader.history("i1", after=1) == more
    assert stores.reader.history("i1", after=1, limit=2) == more[:2]
    assert stores.reader.history("i1", scope="finally", limit=2) == more[:2]
    assert stores.reader.history("i1", scope="elsewhere") == []


def line(number: int, text: str = "x", **changes: object) -> LogLine:
    values = {"instance": "i1", "path": "build", "attempt": 1, "stream": "stdout", "at": number}
    return LogLine(**values | changes, number=number, text=text)  # type: ignore[arg-type]


def test_log_lines_are_kept_once_and_read_on(stores: InstancesDatabase):
    stores.logs.append([line(1, "one"), line(2, "two")])
    stores.logs.append([line(2, "doubled"), line(3, "three"), line(1, "other", path="test", stream="stderr")])
    stores.logs.append([])
    assert [one.text for one in stores.logs.read("i1")] == ["one", "two", "three", "other"]
    assert stores.logs.read("i1", "build", after=2) == [line(3, "three")]
    assert stores.logs.read("i1", after=1, limit=2) == [line(2, "two"), line(3, "three")]
    assert stores.logs.read("i2") == []


def test_whatever_a_task_prints_is_kept(stores: InstancesDatabase):
    stores.logs.append([line(1, "a\0b"), line(2, "\ud800"), line(3, "\U0001f680")])
    assert [one.text for one in stores.logs.read("i1")] == ["a\ufffdb", "?", "\U0001f680"]


def test_lines_of_many_writers_all_arrive(stores: InstancesDatabase):
    def write(path: int) -> None:
        for number in range(10):
            stores.logs.append([line(number, path=f"t{path}")])

    with ThreadPoolExecutor(4) as threads:
        list(threads.map(write, range(4)))
    assert len(stores.logs.read("i1")) == 40
    assert [one.number for one in stores.logs.read("i1", "t2")] == list(range(10))


def test_scopes_are_read_in_parts(stores: InstancesDatabase):
    record(stores, started("i1"))
    paths = ["a", "a-b", "a-b[1]", "a/c", "a[1]", "a[1]/d", "a[10]", "a[2]", "a#1", "ab", "finally", "z"]
    settled = {"a[1]", "a-b", "finally"}
    made = [scope("i1", 1, path=path, status="settled" if path in settled else "running") for path in paths]
    record(stores, Record(scopes=made))
    read = stores.reader.scopes
    everything = sorted(["", *paths])
    assert list(read("i1")) == everything
    assert list(read("i1", limit=3)) == [*everything[:3], "finally"]
    assert list(read("i1", limit=3, after="a[1]")) == ["a[1]/d", "a[2]", "ab"]
    assert list(read("i1", below="a")) == ["a", "a#1", "a/c", "a[10]", "a[1]", "a[1]/d", "a[2]"]
    assert list(read("i1", below="a[1]")) == ["a[1]", "a[1]/d"]
    assert list(read("i1", below="a", after="a#1", limit=2)) == ["a/c", "a[10]"]
    assert list(read("i1", live=True)) == [path for path in everything if path not in settled]
    assert list(stores.reader.scopes_at("i1", ["a[2]", "nowhere", ""])) == ["", "a[2]"]


def test_a_list_goes_on_behind_a_row_that_was_thrown_away(stores: InstancesDatabase):
    """What started before it may still run."""
    ids = [f"0193{n:04x}-0000-7000-8000-000000000000" for n in range(5)]
    record(stores, *(started(name, started_at=int(name[:8] + name[9:13], 16)) for name in ids))
    finish(stores, ids[2], at=1)
    assert prune(stores, before=2) == 1
    assert [row.id for row in stores.reader.list(before=ids[2])] == [ids[1], ids[0]]
