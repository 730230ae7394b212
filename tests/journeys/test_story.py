"""The main job: commit, sync, signed webhook, tasks in order, a human approves through a mailed link, the end."""

from __future__ import annotations

import html
import re

from tests.journeys.conftest import go
from tests.journeys.repository import push, signed
from tests.servers import wait_until

PROJECT = """\
webhooks:
  github: {provider: github, secret: GITHUB_WEBHOOK_SECRET}
secrets: [GITHUB_WEBHOOK_SECRET]
people:
  ana: {email: ana@example.com}
  bo: {email: bo@example.com}
  rosa: {email: rosa@example.com}
groups:
  release-managers: [ana, bo, rosa]
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
      exclude: [author]
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


def personal_link(mailbox, address):
    wait_until(lambda: mailed(mailbox, address), seconds=20, what=f"a mail to {address}")
    return re.search(r"https?://\S+/approvals/[\w-]{20,}", mailbox.text(address)).group()


def mailed(mailbox, address):
    return any(envelope.rcpt_tos == [address] for envelope, _ in list(mailbox.mails))


def decide(stack, link, decision="approved", **fields):
    """What a browser does: open the page, fill in the form, press the button."""
    page = stack.client.get(link)
    assert page.status_code == 200, page.text
    hidden = dict(re.findall(r'<input[^>]*type="hidden"[^>]*name="([^"]+)"[^>]*value="([^"]*)"', page.text))
    form = {name: html.unescape(value) for name, value in hidden.items()} | {"decision": decision} | fields
    return stack.client.post(link, data=form)


def test_a_commit_becomes_a_run(stack, repository, mailbox):
    commit = repository.commit("Add the release workflow", project=PROJECT, release=RELEASE)
    go(stack, repository)
    wait_until(lambda: stack.get("/workflows/release"), seconds=20, what=stack.logs("sync-worker"))
    assert stack.get("/workflows/release")["active"]["commit"] == commit

    body = push(commit)
    accepted = stack.client.post(f"{stack.hooks}/hooks/github", content=body, headers=signed(body))
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

    first, second = personal_link(mailbox, "ana@example.com"), personal_link(mailbox, "bo@example.com")
    assert not mailed(mailbox, "rosa@example.com"), "the author of the commit must not approve their own change"

    assert decide(stack, first, **{"form.change_ticket": "nonsense"}).status_code == 422
    assert decide(stack, first, **{"form.change_ticket": "CHG-1"}).is_success
    assert stack.get(f"/instances/{instance}")["state"] == "waiting", "two people are required"
    assert decide(stack, second, **{"form.change_ticket": "CHG-2"}).is_success

    found = stack.wait_for_state(instance, "succeeded", "failed", "cancelled")
    assert found["state"] == "succeeded", found
    assert found["outputs"] == {"image": "r/billing:1"}
    assert found["commit"] == commit

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


def test_a_repeated_delivery_starts_nothing_again(stack, repository):
    commit = repository.commit("Add the release workflow", project=PROJECT, release=RELEASE)
    go(stack, repository)
    wait_until(lambda: stack.get("/workflows/release"), seconds=20)
    body = push(commit)
    headers = signed(body)
    answers = [stack.client.post(f"{stack.hooks}/hooks/github", content=body, headers=headers) for _ in range(5)]
    assert [answer.status_code for answer in answers] == [202] * 5
    assert len(stack.get("/instances")["items"]) == 1


def test_a_bad_commit_is_refused_as_a_whole_and_the_last_good_one_keeps_running(stack, repository):
    good = repository.commit("Add the release workflow", project=PROJECT, release=RELEASE)
    go(stack, repository)
    wait_until(lambda: stack.get("/workflows/release"), seconds=20)
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
    assert stack.get("/workflows/release")["active"]["commit"] == good

    mended = repository.commit("Mend it", release=RELEASE, other=None)
    wait_until(lambda: stack.get("/syncs")["items"][0]["commit"] == mended, seconds=20)
    repository.commit("Remove it", release=None)
    wait_until(lambda: stack.get("/workflows/release") is None, seconds=20, what="the removed workflow to go")


def test_what_webhooks_refuse_starts_nothing(stack, repository):
    commit = repository.commit("Add the release workflow", project=PROJECT, release=RELEASE)
    go(stack, repository)
    wait_until(lambda: stack.get("/workflows/release"), seconds=20)
    url = f"{stack.hooks}/hooks/github"
    body = push(commit)
    broken, huge = b'{"ref": ', b'"' + b"a" * (1024 * 1024 + 1) + b'"'
    answers = {
        401: stack.client.post(url, content=body, headers=signed(body, secret="wrong")),
        413: stack.client.post(url, content=huge, headers=signed(huge)),
        400: stack.client.post(url, content=broken, headers=signed(broken)),
        404: stack.client.post(f"{stack.hooks}/hooks/gitlab", content=body, headers=signed(body)),
    }
    for status, answer in answers.items():
        assert answer.status_code == status, answer.text
        assert answer.headers["content-type"] == "application/problem+json"
    other = push(commit, ref="refs/heads/topic")
    assert stack.client.post(url, content=other, headers=signed(other)).status_code == 202
    assert stack.get("/instances")["items"] == []
    ignored = stack.json("deliveries")["items"]
    assert {row["state"] for row in ignored} <= {"ignored", "failed"}
    assert any("condition" in verdict["reason"] for row in ignored for verdict in row["verdicts"])
