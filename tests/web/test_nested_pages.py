"""Pages of instances with tasks in tasks: what is drawn and listed, and that it stays bounded."""

import html
import re
import time

import pytest

from engine.app.read import tasks_of
from engine.core.model import Definition
from engine.web.nesting import FAILED, QUEUED, REST, RUNS, interesting, plan, tree
from engine.web.picture import MOST_CHIPS, picture
from tests.web.definitions import listing, task
from tests.web.nested import FLEET, each, leaf, under_way, wide
from tests.web.test_pages import Elements, text


def drawn(page):
    found = [(attrs["data-task"], attrs["data-state"]) for _, attrs in Elements(page).tags if "data-task" in attrs]
    assert len(found) == len(dict(found)), "each task is there once"
    return dict(found)


def test_every_task_is_on_the_page_once(client, world):
    world.load(FLEET)
    instance = under_way(world)
    page = client.get(f"/instances/{instance}")
    tasks = client.get(f"/api/v1/instances/{instance}/tasks").json()["items"]
    assert drawn(page.text) == {row["path"]: row["state"] for row in tasks}
    ids = [attrs["id"] for _, attrs in Elements(page.text).tags if "id" in attrs]
    assert len(ids) == len(set(ids))
    said = text(page).replace("\u200b", "")
    assert "running · 24 of 30 items, 1 not well" in said
    assert "running · iteration 3" in said
    assert "case large" in said
    assert "3 of 7 ended" in said
    plain = re.sub("<wbr>", "", page.text)
    assert '<a href="#task-ping-host-13-">ping[host-13]</a> failed: the answer was 503' in plain


def test_the_plan_shows_what_groups_and_loops_consist_of(small_client, small_world):
    small_world.load(FLEET)
    page = small_client.get("/workflows/fleet")
    assert set(drawn(page.text)) == {
        "prepare", "prepare/compile", "prepare/check", "size", "at_once", "deploy", "deploy[]/roll", "deploy[]/probe",
        "deploy[]/open", "ping", "tell", "finally/report",
    }  # fmt: skip
    for said in ("deploy · for each item", "http, for each item", "script, repeated", "script, can be undone"):
        assert said in html.unescape(page.text)


def test_a_wide_fan_out_is_told_in_numbers(client, world):
    """And read in a few bounded queries."""
    world.load(wide(2_500))
    instance = world.start("wide")
    world.settle()
    world.succeed(instance, "ping[0]")
    world.fail(instance, "ping[2100]", {"kind": "http_status", "message": "the answer was 503"})
    client.get(f"/instances/{instance}")
    began = time.monotonic()
    page = client.get(f"/instances/{instance}")
    assert time.monotonic() - began < 1
    found = drawn(page.text)
    assert found["ping[2100]"] == "failed"
    assert found["ping[0]"] == "succeeded"
    assert len(found) < 300
    assert f"{2_500 - MOST_CHIPS:,} more are not drawn" in page.text
    assert "2 of 2,500 items ended, 1 not well" in page.text
    link = re.search(r'href="([^"]+)">Show all in pages', page.text).group(1)
    seen, pages = {}, 0
    address = html.unescape(link)
    while address:
        page = client.get(address).text
        seen |= drawn(page)
        more = re.search(r'href="([^"]+)" rel="next"', page)
        address = more and f"{link.partition('?')[0]}{html.unescape(more.group(1))}"
        pages += 1
    assert len(seen) == 2_500
    assert pages == 26
    for wrong in ("?scope=pong", ""):
        assert client.get(f"/instances/{instance}/part{wrong}").status_code == 404


def test_the_newest_iterations_are_shown(small_client, small_world):
    small_world.load(FLEET)
    instance = under_way(small_world)
    page = small_client.get(f"/instances/{instance}").text
    assert "deploy[eu]/probe#3" in drawn(page)


@pytest.mark.parametrize("count", [3, 40])
def test_at_most_a_dozen_boxes_are_drawn(small_world, count):
    body = listing(task("roll"), task("open", "roll"))
    many = Definition(
        name="many",
        tasks=listing(task("deploy", kind="for_each", for_each=each(list(range(count))), body=body)),
        finally_=listing(task("clean", kind="for_each", for_each=each([1]), body=leaf())),
    )
    small_world.load(many)
    instance = small_world.start("many")
    small_world.settle()
    small_world.fail(instance, "deploy[2]/roll", {"kind": "exit", "message": "no"})
    scopes = small_world.instances.reader.scopes(instance)
    made = picture(tree(tasks_of(many, scopes), scopes))
    assert made.drawing.count('class="frame"') == min(count, 12)
    assert "deploy[2]/roll" in made.tasks
    assert (f"{count - 12} more are not drawn" in made.drawing) == (count > 12)
    assert picture(plan(many), ran=False).drawing.count('class="frame"') == 1


def test_what_runs_and_what_failed_take_turns():
    ranked = [(REST, 9, "old"), (RUNS, 1, "r1"), (RUNS, 5, "r5"), (FAILED, 2, "f2"), (QUEUED, 8, "q"), (RUNS, 3, "r3")]
    assert interesting(ranked) == ["r5", "f2", "r3", "r1", "q", "old"]
