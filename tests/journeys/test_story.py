"""The main job: commit, sync, signed webhook, tasks in order, a human approves through a mailed link, the end."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from tests.fleet import Fleet, fleet
from tests.journeys.compose import Composed
from tests.mailbox import Mailbox, mailbox
from tests.repository import Repository, push, signed
from tests.servers import wait_until
from tests.stacks import settings, start_embedded

TOKEN = "a-token-of-the-tests"

PROJECT = """\
webhooks:
  github: {provider: github, secret: GITHUB_WEBHOOK_SECRET}
secrets: [GITHUB_WEBHOOK_SECRET]
people:
  ana: {email: ana@example.com}
  bo: {email: bo@example.com, logins: [bo-dev]}
  cy: {email: cy@example.com}
  rosa: {email: rosa@example.com}
groups:
  release-managers: [ana, bo, cy, rosa]
channels:
  releases: {kind: log}
approvals: {identity: link}
"""

RELEASE = """\
name: release
inputs:
  service: {type: string, pattern: "^[a-z-]+$"}
  sha: {type: string, pattern: "^[0-9a-f]{40}$"}
on:
  webhook:
    - source: github
      events: [push]
      if: trigger.body.ref == "refs/heads/main"
      inputs: {service: "${{ trigger.body.repository.name }}", sha: "${{ trigger.body.after }}"}
tasks:
  build:
    run: |
      echo "building $SERVICE"
      echo "image=r/$SERVICE:1" >> "$HEADRACE_OUTPUT"
    env: {SERVICE: "${{ inputs.service }}"}
    outputs: {image: {type: string}}
  test:
    needs: build
    run: echo "testing $IMAGE"
    env: {IMAGE: "${{ tasks.build.outputs.image }}"}
  approve:
    needs: test
    uses: approval
    with:
      message: "Release ${{ inputs.service }}?"
      approvers: ["group:release-managers"]
      require: 2
      exclude: [author, starter]
      form: {change_ticket: {type: string, pattern: "^CHG-[0-9]+$"}}
      expires: 24h
  refused:
    needs: [approve.rejected, approve.expired]
    join: any
    uses: values
    with: {text: refused}
  deploy:
    needs: approve
    run: echo "deploying $IMAGE"
    env: {IMAGE: "${{ tasks.build.outputs.image }}"}
outputs: {image: "${{ tasks.build.outputs.image }}"}
finally:
  report: {uses: message, with: {channel: releases, text: "Release ${{ instance.state }}"}}
"""


@dataclass
class Story:
    """A running system with the release workflow loaded at `commit`, for all tests of a stack: none of them kills."""

    fleet: Fleet
    repository: Repository
    box: Mailbox
    commit: str
    composed: Composed | None = None

    def deliver(self, service: str, **changes: object):
        """A push of a service. Tests tell their instances from others' by it."""
        body = push(self.commit, repository={"name": service}, **changes)
        return self.post(body, signed(body))

    def post(self, body: bytes, headers: dict[str, str], source: str = "github"):
        return self.fleet.client.post(f"{self.fleet.hooks}/hooks/{source}", content=body, headers=headers)

    def instances(self, service: str) -> list[str]:
        found = self.fleet.get("/instances?limit=500")["items"]
        return [row["id"] for row in found if row["inputs"]["service"] == service]

    def mails(self, address: str, service: str) -> list[str]:
        return [
            mail.get_content()
            for envelope, mail in list(self.box.mails)
            if envelope.rcpt_tos == [address] and f"Release {service}?" in mail["Subject"]
        ]


PRODUCTION = pytest.param("production", marks=[pytest.mark.postgres, pytest.mark.redis])


@pytest.fixture(scope="module", params=["embedded", PRODUCTION])
def story(request, tmp_path_factory) -> Iterator[Story]:
    """`headrace dev`, and what compose.yaml starts: separate processes on PostgreSQL and Redis."""
    folder = tmp_path_factory.mktemp(request.param)
    repository = Repository(folder / "repo")
    commit = repository.commit("Add the release workflow", project=PROJECT, release=RELEASE)
    with mailbox() as box, fleet(folder, settings(repository, box)) as made:
        told = Story(made, repository, box, commit)
        if request.param == "embedded":
            start_embedded(made, repository)
        else:
            told.composed = compose(request, made, repository, box)
        made.wait_ready()
        wait_until(lambda: made.get("/workflows/release"), seconds=20, what=made.logs("sync-worker"))
        yield told


def compose(request, made, repository, box):
    server = request.getfixturevalue("postgres_server")
    database = server.url(server.create_database())
    local = {
        "HEADRACE_INSTANCES_URL": database,
        "HEADRACE_DEFINITIONS_URL": database,
        "HEADRACE_BROKER_URL": request.getfixturevalue("redis_server").fresh_url(),
    }
    env_file = {
        "POSTGRES_PASSWORD": "x",
        "HEADRACE_API_TOKEN": TOKEN,
        "HEADRACE_REPO": str(repository.at),
        "HEADRACE_SMTP_URL": box.url,
    }
    composed = Composed(made, given=env_file, local=local)
    composed.up()
    made.client.headers["Authorization"] = f"Bearer {TOKEN}"
    return composed


def personal_link(story, address, service):
    wait_until(lambda: story.mails(address, service), seconds=20, what=f"a mail to {address}")
    [mail] = story.mails(address, service)
    return re.search(r"https?://\S+/approvals/[\w-]{20,}", mail).group()


def decide(stack, link, decision="approved", **fields):
    """What a browser does: open the page, fill in the form, press the button."""
    page = stack.client.get(link)
    assert page.status_code == 200, page.text
    hidden = dict(re.findall(r'<input[^>]*type="hidden"[^>]*name="([^"]+)"[^>]*value="([^"]*)"', page.text))
    form = {name: html.unescape(value) for name, value in hidden.items()} | {"decision": decision} | fields
    return stack.client.post(link, data=form)


def test_a_commit_becomes_a_run(story):
    stack = story.fleet
    assert stack.get("/workflows/release")["active"]["commit"] == story.commit
    accepted = story.deliver("billing", sender={"login": "bo-dev"})
    assert accepted.status_code == 202, accepted.text
    instance = accepted.json()["instances"][0]["instance"]

    stack.wait_for_state(instance, "waiting")
    states = {task["path"]: task["state"] for task in stack.get(f"/instances/{instance}/tasks")["items"]}
    assert states == {
        "build": "succeeded",
        "test": "succeeded",
        "approve": "waiting",
        "refused": "pending",
        "deploy": "pending",
        "finally/report": "pending",
    }

    first, second = (
        personal_link(story, "ana@example.com", "billing"),
        personal_link(story, "cy@example.com", "billing"),
    )
    assert not story.mails("rosa@example.com", "billing"), "the author of the commit must not approve their own change"
    assert not story.mails("bo@example.com", "billing"), "nor who pushed it"

    assert decide(stack, first, **{"form.change_ticket": "nonsense"}).status_code == 422
    assert decide(stack, first, **{"form.change_ticket": "CHG-1"}).is_success
    assert stack.get(f"/instances/{instance}")["state"] == "waiting", "two people are required"
    assert decide(stack, second, **{"form.change_ticket": "CHG-2"}).is_success

    found = stack.wait_for_state(instance, "succeeded", "failed", "cancelled")
    assert found["state"] == "succeeded", found
    assert found["outputs"] == {"image": "r/billing:1"}
    assert found["commit"] == story.commit

    page = stack.client.get(f"{stack.api}/instances/{instance}").text
    assert all(f'data-task="{task}"' in page for task in ("build", "test", "approve", "refused", "deploy"))
    assert "building billing" in stack.run("logs", instance, "build").stdout
    shown = stack.json("get", instance)
    assert {task["path"]: task["state"] for task in shown["tasks"]}["refused"] == "skipped"
    order = [row["event"]["task"] for row in stack.json("history", instance) if row["event"]["type"] == "TaskSucceeded"]
    assert order == ["build", "test", "deploy", "report"]
    used = stack.client.get(first).text
    assert "approved" in used.lower(), "a used link shows the result"
    assert 'method="post"' not in used.lower(), "and offers nothing to press"


@pytest.mark.parametrize("story", [PRODUCTION], indirect=True)
def test_every_service_of_compose_is_healthy(story):
    for name in story.composed.askers():
        wait_until(lambda n=name: story.composed.healthy(n), seconds=40, what=f"{name}: {story.fleet.logs(name)}")


def test_a_repeated_delivery_starts_nothing_again(story):
    body = push(story.commit, repository={"name": "repeated"})
    headers = signed(body)
    answers = [story.post(body, headers) for _ in range(5)]
    assert [answer.status_code for answer in answers] == [202] * 5
    assert len(story.instances("repeated")) == 1


def test_what_webhooks_refuse_starts_nothing(story):
    body = push(story.commit, repository={"name": "refused"})
    broken, huge = b'{"ref": ', b'"' + b"a" * (1024 * 1024 + 1) + b'"'
    answers = {
        401: story.post(body, signed(body, secret="wrong")),
        413: story.post(huge, signed(huge)),
        400: story.post(broken, signed(broken)),
        404: story.post(body, signed(body), source="gitlab"),
    }
    for status, answer in answers.items():
        assert answer.status_code == status, answer.text
        assert answer.headers["content-type"] == "application/problem+json"
    elsewhere = story.deliver("refused", ref="refs/heads/topic")
    assert elsewhere.status_code == 202
    assert story.instances("refused") == []
    rows = {row["id"]: row for row in story.fleet.json("deliveries")["items"]}
    ignored = rows[elsewhere.json()["delivery"]]
    assert ignored["state"] == "ignored"
    assert "condition is false" in ignored["verdicts"][0]["reason"]
    assert sum(row["state"] == "failed" for row in rows.values()) == 1, "what was signed and no JSON is on record"


def test_a_bad_commit_is_refused_as_a_whole_and_the_last_good_one_keeps_running(story):
    """Comes last: it ends with the workflow removed."""
    stack, repository = story.fleet, story.repository
    bad = repository.commit(
        "Break it",
        release=RELEASE.replace("needs: build", "needs: biuld"),
        other="name: other\ntasks: {a: {run: 'true'}}\n",
    )
    wait_until(lambda: stack.get("/syncs")["items"][0]["commit"] == bad, seconds=20)
    refused = stack.get("/syncs")["items"][0]
    assert refused["state"] == "refused"
    finding = refused["findings"][0]
    assert (finding["path"], finding["rule"]) == ("workflows/release.yaml", "unknown-need")
    assert "build" in finding["message"] + str(finding.get("suggestion"))
    assert stack.get("/workflows/other") is None
    assert stack.get("/workflows/release")["active"]["commit"] == story.commit

    mended = repository.commit("Mend it", release=RELEASE, other=None)
    wait_until(lambda: stack.get("/syncs")["items"][0]["commit"] == mended, seconds=20)
    repository.commit("Remove it", release=None)
    wait_until(lambda: stack.get("/workflows/release") is None, seconds=20, what="the removed workflow to go")
