"""Concurrency groups by API and on pages."""

from __future__ import annotations

from engine.core.expressions.model import Literal
from engine.core.model import Concurrency, Definition
from tests.web.definitions import listing, task


def crowd(world, *, whole: bool) -> list[str]:
    """Three that want the one slot of their group, in their order."""
    group = Concurrency(group=Literal(value="database <1>"))
    entry = task("migrate") if whole else task("migrate", concurrency=group)
    world.load(
        Definition(name="migrate", tasks=listing(entry), finally_=listing(), concurrency=group if whole else None)
    )
    return [world.start("migrate") for _ in range(3)]


def test_groups_say_who_holds_and_who_waits(small_client, small_world):
    first, *others = crowd(small_world, whole=True)
    (group,) = small_client.get("/api/v1/concurrency").json()["items"]
    assert (group["name"], group["limit"], group["held"], group["waiting"]) == ("database <1>", 1, 1, 2)
    assert [(one["instance"], one["path"], one["place"]) for one in group["holders"]] == [(first, "", 1)]
    assert [(one["instance"], one["place"], one["leaving"]) for one in group["waiters"]] == [
        (others[0], 1, False),
        (others[1], 2, False),
    ]
    assert small_client.get("/api/v1/concurrency?group=another").json()["items"] == []
    assert small_client.get("/api/v1/concurrency?after=database%20%3C1%3E").json()["items"] == []
    assert small_client.get(f"/api/v1/instances/{others[0]}").json()["state"] == "queued"


def test_a_page_says_what_is_waited_for(small_client, small_world):
    first, _, third = crowd(small_world, whole=True)
    page = small_client.get(f"/instances/{third}").text
    assert "The instance waits" in page
    assert "number 2 in the queue" in page
    assert "database &lt;1&gt;" in page
    assert "in the queue" not in small_client.get(f"/instances/{first}").text


def test_a_page_says_which_task_waits(small_client, small_world):
    _, second, _ = crowd(small_world, whole=False)
    page = small_client.get(f"/instances/{second}").text
    assert "Task migrate waits" in page
    assert "waits for a slot of its concurrency group" in page
    (one,) = small_client.get(f"/api/v1/instances/{second}/tasks").json()["items"]
    assert (one["state"], one["gate"], one["cached"]) == ("queued", "slot", False)
    assert "number 1 in the queue" in page
