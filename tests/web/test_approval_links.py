import re
from concurrent.futures import ThreadPoolExecutor

import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware

from engine.core.model import Definition
from engine.core.outputs import LIMIT
from engine.core.project import Person, Project
from engine.web.headers import SecurityHeaders
from tests.web.definitions import GATE, PROJECT, approval, listing, task
from tests.web.world import release_until_approval
from webhooks.approvals import csrf, routes

SCANNERS = [
    ("GET", "Mozilla/5.0 (Windows NT 10.0; Win64; x64) Safe Links"),
    ("HEAD", "Proofpoint"),
    ("GET", "Slackbot-LinkExpanding 1.0 (+https://api.slack.com/robots)"),
    ("GET", "Mozilla/5.0 (compatible; Barracuda Sentinel)"),
    ("OPTIONS", "curl/8"),
    ("POST", "a scanner that posts"),
]


@pytest.fixture
def hooks(small_world, stage):
    """The approval pages as the webhooks process serves them, and a client."""
    services = small_world.services
    app = Starlette(
        routes=routes(
            approver=services.approver, approvals=services.approvals, reader=services.reader, links=services.links
        ),
        middleware=[Middleware(SecurityHeaders)],
    )
    with stage.client(app) as client:
        yield client


@pytest.fixture
def opened(small_world):
    return small_world.instances.approvals.at(small_world.start("gate", {"note": "ship <it>"}, by="dora"), "ask")


def press(client, token, decision="approved", **fields):
    """What a browser does: open the page, fill in, press the button."""
    page = client.get(f"/approvals/{token}")
    hidden = re.search(r'name="csrf" value="([^"]+)"', page.text)
    form = {"csrf": hidden.group(1) if hidden else "", "decision": decision, **fields}
    return client.post(f"/approvals/{token}", data=form)


def decisions(world, opened):
    return [(made.person, made.decision, made.via) for made in world.instances.approvals.get(opened.id).decisions]


def test_a_person_approves_through_their_link(small_world, hooks, opened):
    token = small_world.link(opened.id, "ana")
    page = hooks.get(f"/approvals/{token}")
    assert page.status_code == 200
    assert "Release billing?" in page.text
    assert "ship &lt;it&gt;" in page.text
    assert all(f"<strong>{name}</strong>" in page.text for name in ("ana", "ben", "cleo"))
    answer = press(hooks, token, comment="go\r\non")
    assert (answer.status_code, answer.headers["location"]) == (303, f"/approvals/{token}")
    assert decisions(small_world, opened) == [("ana", "approved", "link")]
    assert small_world.instances.reader.get(opened.instance).state == "running"
    used = hooks.get(f"/approvals/{token}")
    assert used.status_code == 200
    assert "You approved this" in used.text
    assert "<form" not in used.text
    assert press(hooks, token, "rejected").status_code == 403, "its form is gone, and so is the token in it"
    again = hooks.post(f"/approvals/{token}", data={"csrf": csrf(token), "decision": "rejected"})
    assert again.status_code == 409
    assert decisions(small_world, opened) == [("ana", "approved", "link")]


@pytest.mark.parametrize(("method", "agent"), SCANNERS)
def test_who_fetches_links_decides_nothing_and_the_person_still_can(small_world, hooks, opened, method, agent):
    token = small_world.link(opened.id, "ana")
    for _ in range(3):
        hooks.request(method, f"/approvals/{token}", headers={"User-Agent": agent})
        hooks.get(f"/approvals/{token}?decision=approved&csrf=x", headers={"User-Agent": agent})
    assert decisions(small_world, opened) == []
    assert press(hooks, token).status_code == 303
    assert decisions(small_world, opened) == [("ana", "approved", "link")]


@pytest.mark.parametrize("token", ["nope", "x" * 5000, "%00", "..", "token%2Fof", "\u00fc"])
def test_an_unknown_link_is_not_found(hooks, token):
    assert hooks.get(f"/approvals/{token}").status_code == 404
    assert hooks.post(f"/approvals/{token}", data={"decision": "approved"}).status_code in (404, 405)


def test_an_unknown_link_is_told_without_the_engines_pages(hooks):
    text = hooks.get("/approvals/nope").text
    assert "may have been cut short" in text
    assert "/workflows" not in text


@pytest.mark.parametrize("forged", ["", "0" * 64, csrf("another token")])
def test_a_form_from_elsewhere_is_refused(small_world, hooks, opened, forged):
    token = small_world.link(opened.id, "ana")
    answer = hooks.post(f"/approvals/{token}", data={"csrf": forged, "decision": "approved"})
    assert answer.status_code == 403
    assert "try again" in answer.text
    assert decisions(small_world, opened) == []


def test_nothing_but_the_two_decisions(small_world, hooks, opened):
    token = small_world.link(opened.id, "ana")
    for wrong in ("", "APPROVED", "expired"):
        assert press(hooks, token, wrong).status_code == 422
    assert hooks.put(f"/approvals/{token}").status_code == 405
    assert hooks.post(f"/approvals/{token}", content=b"\xff\xfe=\xff").status_code == 400
    assert hooks.post(f"/approvals/{token}", content=b"a=" + b"x" * 300_000).status_code == 413
    assert decisions(small_world, opened) == []


def test_closed_without_this_person(small_world, hooks, opened):
    token = small_world.link(opened.id, "ben")
    small_world.decide(opened.instance, "ana", "approved")
    page = hooks.get(f"/approvals/{token}")
    assert page.status_code == 410
    assert "closed without you" in page.text
    assert hooks.post(f"/approvals/{token}", data={"csrf": csrf(token), "decision": "approved"}).status_code == 410
    assert hooks.get(f"/approvals/at/{opened.id}").status_code == 410


def test_who_is_not_asked_any_more_is_told(small_world, hooks, opened):
    token = small_world.link(opened.id, "ana")
    project = Project(
        people={"ben": Person(name="ben")}, groups={"release-managers": ("ben",)}, approval_identity="link"
    )
    small_world.load(GATE, project=project, commit="ab" * 20)
    assert "not among those" in hooks.get(f"/approvals/{token}").text
    answer = hooks.post(f"/approvals/{token}", data={"csrf": csrf(token), "decision": "approved"})
    assert answer.status_code == 403
    assert decisions(small_world, opened) == []


def test_a_link_alone_decides_only_where_the_project_says_so(small_world, hooks, opened):
    token = small_world.link(opened.id, "ana")
    small_world.load(GATE, project=Project(people=PROJECT.people, groups=PROJECT.groups), commit="ab" * 20)
    page = hooks.get(f"/approvals/{token}").text
    assert f"headrace approve {opened.id} --as ana" in page
    assert hooks.post(f"/approvals/{token}", data={"csrf": csrf(token), "decision": "approved"}).status_code == 403
    assert decisions(small_world, opened) == []


def test_a_form_that_does_not_fit_is_shown_again(small_world, hooks):
    opened = small_world.instances.approvals.at(release_until_approval(small_world), "approve")
    token = small_world.link(opened.id, "ana")
    wrong = press(hooks, token, **{"form.change_ticket": "ticket?", "comment": "my words"})
    assert wrong.status_code == 422
    assert 'value="ticket?"' in wrong.text
    assert "my words" in wrong.text
    assert "does not match" in wrong.text
    large = press(hooks, token, **{"form.change_ticket": f"CHG-{'7' * LIMIT}"})
    assert large.status_code == 422
    assert f"larger than the {LIMIT} bytes" in large.text
    assert press(hooks, token, **{"form.change_ticket": "CHG-7"}).status_code == 303
    assert small_world.instances.approvals.get(opened.id).decisions[0].form == {"change_ticket": "CHG-7"}
    other = small_world.link(opened.id, "ben")
    assert press(hooks, other, "rejected").status_code == 303, "a rejection needs no form"


def test_an_expired_approval_is_gone(small_world, hooks, monkeypatch):
    short = Definition(
        name="short", tasks=listing(task("ask", kind="approval", params=approval(expires="1h"))), finally_=listing()
    )
    small_world.load(short)
    opened = small_world.instances.approvals.at(small_world.start("short"), "ask")
    token = small_world.link(opened.id, "ana")
    assert hooks.get(f"/approvals/{token}").status_code == 200
    later = opened.expires_at + 1
    monkeypatch.setattr("webhooks.approvals.now", lambda: later)
    monkeypatch.setattr("engine.adapters.clock.SystemClock.now", lambda _: later)
    assert hooks.get(f"/approvals/{token}").status_code == 410
    answer = hooks.post(f"/approvals/{token}", data={"csrf": csrf(token), "decision": "approved"})
    assert answer.status_code == 410
    assert decisions(small_world, opened) == []


def test_pressing_often_counts_once(small_world, hooks, opened):
    token = small_world.link(opened.id, "ana")
    data = {"csrf": csrf(token), "decision": "approved"}
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: hooks.post(f"/approvals/{token}", data=data).status_code, range(100)))
    assert decisions(small_world, opened) == [("ana", "approved", "link")]
    assert set(answers) <= {303, 409}
    assert 303 in answers


def test_the_shared_page_stands_for_nobody(small_world, hooks, opened):
    page = hooks.get(f"/approvals/at/{opened.id}")
    assert page.status_code == 200
    assert "Release billing?" in page.text
    assert "ship" not in page.text, "inputs are for those who may decide"
    assert 'value="approved"' not in page.text
    sent = hooks.post(f"/approvals/at/{opened.id}", data={"person": "ben"})
    assert "on its way" in sent.text
    hooks.post(f"/approvals/at/{opened.id}", data={"person": "ben"})
    assert small_world.links.sent == [(opened.id, "ben")], "asked twice within a minute, sent once"
    assert hooks.post(f"/approvals/at/{opened.id}", data={"person": "dora"}).status_code == 403
    assert hooks.get("/approvals/at/nope").status_code == 404
    assert decisions(small_world, opened) == []


def test_other_sites_cannot_have_links_sent(small_world, hooks, opened):
    answer = hooks.post(f"/approvals/at/{opened.id}", data={"person": "ben"}, headers={"Sec-Fetch-Site": "cross-site"})
    assert answer.status_code == 403
    assert small_world.links.sent == []


def test_the_pages_are_hardened(small_world, hooks, opened):
    token = small_world.link(opened.id, "ana")
    for path in (f"/approvals/{token}", f"/approvals/at/{opened.id}", "/approvals/nope"):
        headers = hooks.get(path).headers
        assert "frame-ancestors 'none'" in headers["content-security-policy"]
        assert headers["referrer-policy"] == "no-referrer"
        assert headers["cache-control"] == "no-store"
        assert headers["x-content-type-options"] == "nosniff"
    assert token not in hooks.get(f"/approvals/{token}").text.replace(csrf(token), ""), (
        "the page does not repeat its address"
    )
