import html
import html.parser
import re
from dataclasses import replace

import pytest

from engine.app.cancel import Canceller
from engine.core.events import TaskSucceeded
from engine.core.model import Definition
from engine.core.project import Person, Project
from engine.web.times import relative
from tests.web.definitions import GATE, RELEASE, approval, listing, task
from tests.web.world import World, api, populate, release_until_approval

HOSTILE = [
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "'\"`<svg/onload=alert(1)>",
    "{{ 7*7 }}${7*7}{% raw %}",
    "</textarea></pre></title><iframe>",
    "javascript:alert(1)//\u202e\u2028",
]


class Elements(html.parser.HTMLParser):
    """What a browser would make of a page."""

    def __init__(self, text):
        super().__init__()
        self.tags = []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))


def text(answer):
    """What a person reads of a page."""
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", answer.text)).split())


@pytest.fixture(scope="module")
def populated(tmp_path_factory):
    from engine.adapters.databases.connect import open_definitions, open_instances

    url = f"sqlite:///{tmp_path_factory.mktemp('pages') / 'h.db'}"
    for database in (open_instances(url), open_definitions(url)):
        database.upgrade()
        database.close()
    world = World(url)
    ids = populate(world)
    with api(world) as client:
        yield world, ids, client
    world.close()


@pytest.mark.parametrize("which", ["succeeded", "failed", "cancelled", "running", "waiting"])
def test_each_task_is_drawn_exactly_once(populated, which):
    world, ids, client = populated
    text = client.get(f"/instances/{ids[which]}").text
    drawn = {attrs["data-task"]: attrs["data-state"] for _, attrs in Elements(text).tags if "data-task" in attrs}
    tasks = client.get(f"/api/v1/instances/{ids[which]}/tasks").json()["items"]
    assert drawn == {row["path"]: row["state"] for row in tasks}
    assert text.count("data-task=") == len(tasks)
    world.instances.reader.get(ids[which])


def test_states_are_said_in_words(populated):
    _, ids, client = populated
    text = client.get("/").text
    for state in ("succeeded", "failed", "cancelled", "running", "waiting"):
        assert f"</svg>{state}</span>" in text
    assert all(f"/instances/{name}" in text for name in ids.values())


def test_files_are_listed_and_can_be_fetched(populated):
    _, ids, client = populated
    page = client.get(f"/instances/{ids['succeeded']}")
    assert "txt report deploy 1 14 B" in text(page)
    [link] = [attrs["href"] for tag, attrs in Elements(page.text).tags if tag == "a" and "download" in attrs][-1:]
    assert client.get(link).content in (b"all went well\n", b"")
    assert 'id="h-files"' not in client.get(f"/instances/{ids['running']}").text


def test_the_list_filters(populated):
    _, ids, client = populated
    text = client.get("/", params={"workflow": "release", "state": "waiting"}).text
    assert ids["waiting"] in text
    assert not any(ids[other] in text for other in ("succeeded", "failed", "running"))


def test_why_is_told(populated):
    _, ids, client = populated
    text = re.sub(r"<wbr>", "", client.get(f"/instances/{ids['failed']}").text)
    assert "the script ended with exit code 2" in text
    assert "Connection timed out" in text
    assert "it waits for list_images.succeeded, but the outcome was failed" in text


def test_who_cancelled_and_why_is_told(populated):
    _, ids, client = populated
    text = client.get(f"/instances/{ids['cancelled']}").text
    assert "Cancelled by ben" in text
    assert "started by mistake" in text


def test_an_open_approval_leads_to_its_page(populated):
    world, ids, client = populated
    [opened] = world.instances.approvals.list(instance=ids["waiting"])
    link = f'href="http://127.0.0.1:8081/approvals/at/{opened.id}"'
    for path in (f"/instances/{ids['waiting']}", "/approvals"):
        assert link in client.get(path).text
    assert (
        f'<a href="/instances/{ids["waiting"]}">release</a> <span class="step">approve' in client.get("/approvals").text
    )


def test_approvals_of_what_is_being_pruned_keep_nobody_from_the_others(small_client, small_world):
    """An instance goes in one transaction, what belongs to it in others."""
    gone, kept = (small_world.start("gate", {"note": note}, by="dora") for note in ("gone", "kept"))
    small_world.instances.reader.get(gone)
    Canceller(reader=small_world.instances.reader, advancer=small_world.advancer).cancel(gone, by="dora", reason="")
    assert small_world.instances.retention.let_go(ended_before=2**60, limit=10).gone == 1
    answer = small_client.get("/approvals?state=any")
    assert answer.status_code == 200
    assert kept in answer.text
    assert gone not in answer.text


def test_a_task_shorter_than_a_second_says_how_long_it_took(small_client, small_world):
    """Its worker tells of its end alone."""
    small_world.load(Definition(name="short", tasks=listing(task("blink")), finally_=listing()))
    instance = small_world.start("short")
    small_world.tell(instance, TaskSucceeded(task="blink", attempt=1, outputs={}))
    row = re.search(r'<tr id="task-blink".*?</tr>', small_client.get(f"/instances/{instance}").text, re.DOTALL)[0]
    assert len(re.findall(r"\d+ ms", row)) == 2


@pytest.mark.parametrize("headers", [{}, {"Host": "rebound.example"}])
def test_an_error_is_a_page_where_a_person_looks(small_client, headers):
    answer = small_client.get("/instances/nope", headers=headers)
    assert answer.status_code == (403 if headers else 404)
    assert "<h1>" in answer.text
    assert ("/workflows" in answer.text) == (not headers), "who may not come in is not shown around"


def test_a_sync_shows_its_findings(populated):
    text = re.sub(r"<wbr>", "", populated[2].get("/syncs").text)
    assert "workflows/release.yaml:14:12" in text
    assert "unknown-need" in text
    assert "did you mean <q>test</q>" in text


def test_pages_need_no_script_and_no_style_of_their_own(populated):
    _, ids, client = populated
    for path in (
        "/",
        f"/instances/{ids['waiting']}",
        "/workflows/release",
        "/approvals",
        "/deliveries/d-started",
        "/syncs",
        "/login",
    ):
        for tag, attrs in Elements(client.get(path).text).tags:
            assert not any(name.startswith("on") or name == "style" for name in attrs), (path, tag, attrs)
            assert tag != "style"
            for name in ("src", "href", "action"):
                assert (
                    not (attrs.get(name) or "").startswith(("http://", "https://", "//"))
                    or "/approvals/at/" in attrs[name]
                )
            if tag == "script":
                assert attrs["src"].startswith("/static/")


def test_static_files_are_kept_for_ever_under_their_digest(populated):
    client = populated[2]
    address = re.search(r'href="(/static/style.css\?v=[0-9a-f]+)"', client.get("/").text).group(1)
    assert "immutable" in client.get(address).headers["cache-control"]
    assert client.get("/static/style.css").headers["cache-control"] == "no-store"
    assert client.get("/static/..%2f..%2frender.py").status_code == 404


def test_the_start_form_starts_and_says_what_does_not_fit(small_client, small_world):
    page = small_client.get("/workflows/release").text
    assert 'name="form.service"' in page
    wrong = small_client.post(
        "/workflows/release/start", data={"form.service": "NO", "form.sha": "3f9c2a7", "form.percent": "x"}
    )
    assert wrong.status_code == 422
    assert 'value="NO"' in wrong.text
    wrong = small_client.post("/workflows/release/start", data={"form.service": "NO", "form.sha": "3f9c2a7"})
    assert "does not match" in wrong.text
    right = small_client.post(
        "/workflows/release/start",
        data={"form.service": "web", "form.sha": "3f9c2a7", "form.percent": "5", "form.regions": '["eu"]', "by": "ben"},
    )
    assert right.status_code == 303
    instance = small_world.instances.reader.get(right.headers["location"].rpartition("/")[2])
    assert instance.started_by == "ben"
    assert instance.inputs == {
        "service": "web", "sha": "3f9c2a7", "percent": 5, "regions": ["eu"], "channel": "stable", "dry_run": False,
    }  # fmt: skip


@pytest.mark.parametrize("by", ["", "webhook:github:cleo-hub", "nobody"])
def test_only_people_of_the_project_are_starters_by_name(small_client, small_world, by):
    started = small_client.post("/workflows/gate/start", data={"by": by})
    assert small_world.instances.reader.get(started.headers["location"].rpartition("/")[2]).started_by == "page"


def test_a_workflow_shows_when_it_runs_next(small_client, small_world):
    shown = text(small_client.get("/workflows/nightly-cleanup"))
    assert "Next runs 30 2 * * * Europe/Paris 2" in shown
    assert "Next runs" not in text(small_client.get("/workflows/gate"))
    (planned,) = small_world.timetable.planned()
    missed = replace(planned.row, last_at=1_700_000_000_000, error="missed: no scheduler ran")
    small_world.instances.schedules.put(missed)
    shown = text(small_client.get("/workflows/nightly-cleanup"))
    assert "last time, 2023-11-14 22:13:20 UTC: missed: no scheduler ran" in shown


def test_parent_and_child_lead_to_each_other(small_client, small_world):
    parent = small_world.start("gate")
    child = small_world.start_child("nightly-cleanup", parent, "ask")
    page = small_client.get(f"/instances/{parent}")
    assert f'href="/instances/{child}"' in page.text
    assert "nightly-cleanup for ask" in text(page)
    page = small_client.get(f"/instances/{child}")
    assert f'href="/instances/{parent}"' in page.text
    assert "Started for ask" in text(page)


def test_what_started_after_another_leads_to_it(small_client, small_world):
    first = small_world.start("gate")
    trigger = {"source": "workflow", "event": "failed", "id": first, "body": {"workflow": "gate"}}
    starter = small_world.services.starter
    starting = starter.prepare(small_world.definitions.active("nightly-cleanup"), inputs={}, trigger=trigger, by="ana")
    starter.commit([starting])
    page = small_client.get(f"/instances/{starting.id}")
    assert "Started after an instance of gate" in text(page)
    assert f'href="/instances/{first}"' in page.text


def test_the_cancel_button(small_client, small_world):
    instance = small_world.start("gate")
    assert small_client.post(f"/instances/{instance}/cancel", data={"reason": "no"}).status_code == 303
    assert small_world.instances.reader.get(instance).state == "cancelled"
    assert small_client.post(f"/instances/{instance}/cancel").status_code == 409


def test_older_pages(small_client, small_world):
    for _ in range(41):
        small_world.start("gate")
    first = small_client.get("/").text
    older = re.search(r'href="(\?before=[^"]+)" rel="next"', first).group(1)
    assert small_client.get("/" + older).text.count('class="cover"') == 1


@pytest.mark.parametrize("hostile", HOSTILE)
def test_what_others_wrote_is_shown_as_text(small_world, small_client, hostile):
    """Every displayed field that an outsider or an author fills: none becomes markup (S19)."""
    world = small_world
    evil = Definition(
        name="evil",
        description=hostile,
        labels={"a": hostile},
        tasks=listing(
            task("work", description=hostile),
            task("ask", kind="approval", params=approval(message=hostile, form={"field": {"type": "string", "title": hostile, "description": hostile, "default": hostile, "enum": [hostile]}})),
            task("after", "ask"),
        ),
        finally_=listing(),
        inputs={"type": "object", "properties": {"text": {"type": "string", "default": hostile, "title": hostile}}},
    )  # fmt: skip
    project = Project(
        people={hostile: Person(name=hostile), "ana": Person(name="ana")}, groups={"release-managers": (hostile, "ana")}
    )
    world.load(evil, project=project, author=hostile, text=f"name: evil\n# {hostile}\n")
    instance = world.start("evil", {"text": hostile}, by=hostile)
    world.log(instance, "work", hostile, stream="stderr")
    world.fail(instance, "work", {"kind": hostile, "message": hostile, "details": {hostile: hostile}})
    world.decide(instance, "ana", "approved", comment=hostile, form={"field": hostile})
    world.succeed(instance, "after", {"out": hostile})
    second = world.start("evil", {"text": hostile}, by=hostile)
    world.delivery("d1", "failed", reason=hostile, event=hostile, body=hostile.encode())
    finding = {
        "path": hostile,
        "line": 1,
        "column": 1,
        "severity": "error",
        "rule": hostile,
        "message": hostile,
        "suggestion": hostile,
    }
    world.definitions.record_sync(
        world.report("refused", message=hostile, findings=(finding,), error=hostile, author_name=hostile)
    )
    seen = 0
    for path in ("/", f"/instances/{instance}", f"/instances/{second}", "/workflows", "/workflows/evil", "/approvals?state=any", "/deliveries", "/deliveries/d1", "/syncs"):  # fmt: skip
        text = small_client.get(path).text
        if "<" in hostile:
            assert hostile not in text, path
        for tag, attrs in Elements(text).tags:
            assert tag not in {"img", "iframe"} or attrs.get("src", "").startswith("/static/"), path
            assert not any(name.startswith("on") for name in attrs), path
            assert tag != "script" or attrs.get("src", "").startswith("/static/live.js"), path
            assert not (attrs.get("href") or "").lower().startswith("javascript:")
        seen += "alert" in text or "7*7" in text or "iframe" in text
    assert seen >= 8


def test_two_pages_of_the_same_state_are_the_same(small_world, small_client):
    """So that the script which keeps pages fresh has nothing to put in: the drawing is stable."""
    small_world.load(RELEASE, GATE)
    instance = release_until_approval(small_world)

    def picture():
        return re.search(
            r'<svg class="dag".*?</svg>', small_client.get(f"/instances/{instance}").text, re.DOTALL
        ).group()

    assert picture() == picture()


@pytest.mark.parametrize(
    ("distance", "said"),
    [
        (3_000, "just now"),
        (59_900, "59 s ago"),
        (3_599_000, "59 min ago"),
        (-86_390_000, "in 24 h"),
        (-90_000_000, "in 1 d"),
        (-61_000, "in 1 min"),
    ],
)
def test_times_are_told_as_people_do(distance, said):
    assert relative(1_000_000_000, 1_000_000_000 + distance) == said
