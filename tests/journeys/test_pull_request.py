"""The life of a change: wrong on a branch, said so by reports, mended, planned, merged, loaded by the sync worker, run."""

import json

import pytest

from tests.servers import wait_until

RELEASE = """\
name: release
inputs:
  service: {type: string}
tasks:
  test:
    run: echo "testing $SERVICE"
    env: {SERVICE: "${{ inputs.service }}"}
"""
SHIP = """\
  ship:
    needs: test
    run: echo "shipping $SERVICE"
    env: {SERVICE: "${{ inputs.service }}"}
"""
NIGHTLY = """\
name: nightly
tasks:
  release: {workflow: release, with: {service: billing}}
"""


@pytest.fixture
def followed(production, repository):
    """The server follows what is pushed to `origin`, where there is a good workflow; only what a sync needs is running."""
    origin = repository.at.with_name("origin.git")
    repository.git("init", "--quiet", "--bare", "--initial-branch=main", str(origin))
    repository.git("remote", "add", "origin", str(origin))
    first = repository.commit("Add the release workflow", release=RELEASE)
    repository.git("push", "--quiet", "origin", "main")
    production.environment["HEADRACE_REPO"] = str(origin)
    production.run("db", "upgrade")
    for name in ("api", "sync-worker"):
        production.start(name)
    production.wait_ready()
    wait_until(lambda: active(production) == first, seconds=20, what=production.logs("sync-worker"))
    return production


def active(stack):
    return (stack.get("/workflows/release") or {"active": {"commit": None}})["active"]["commit"]


def linted(stack, repository, form):
    return stack.run("lint", "--format", form, at=repository.at, check=False)


def planned(stack, repository, *arguments):
    return stack.run("plan", *arguments, at=repository.at)


def places(results):
    for result in results:
        place = result["locations"][0]["physicalLocation"]
        yield result["ruleId"], place["artifactLocation"]["uri"], place["region"]


def cut(repository, uri, region):
    line = (repository.at / uri).read_text().splitlines()[region["startLine"] - 1]
    return line[region["startColumn"] - 1 : region["endColumn"] - 1]


@pytest.mark.postgres
@pytest.mark.redis
def test_a_change_is_found_wrong_mended_merged_and_loaded(followed, repository):
    before = repository.git("rev-parse", "HEAD")
    repository.git("checkout", "--quiet", "-b", "ship")
    bad = {"release": RELEASE + SHIP.replace("test", "tset"), "nightly": NIGHTLY.replace("service", "servce")}
    repository.commit("Ship, too, and each night", **bad)
    repository.git("push", "--quiet", "origin", "ship")

    scanned = linted(followed, repository, "sarif")
    assert scanned.returncode == 1
    [run] = json.loads(scanned.stdout)["runs"]
    found = {rule: cut(repository, uri, region) for rule, uri, region in places(run["results"])}
    assert found == {"unknown-need": "tset", "unknown-input": "servce", "missing-input": "with"}
    annotated = linted(followed, repository, "github")
    assert annotated.returncode == 1
    assert [line.split(",")[:2] for line in annotated.stdout.splitlines()] == [
        ["::error file=workflows/nightly.yaml", "line=3"],
        ["::error file=workflows/nightly.yaml", "line=3"],
        ["::error file=workflows/release.yaml", "line=9"],
    ]

    mended = repository.commit("Mend it", release=RELEASE + SHIP, nightly=NIGHTLY)
    repository.git("push", "--quiet", "origin", "ship")
    done = linted(followed, repository, "github")
    assert (done.returncode, done.stdout) == (0, "")
    assert json.loads(linted(followed, repository, "sarif").stdout)["runs"][0]["results"] == []

    commented = planned(followed, repository, "--base", "main", "--head", "ship", "--format", "markdown").stdout
    assert "### Headrace plan: `main` → `ship`" in commented
    assert "| `nightly` | `workflows/nightly.yaml` | added | +1 | — |" in commented
    assert "| `release` | `workflows/release.yaml` | changed | +1 | — |" in commented
    assert "+ task ship (script)" in commented
    assert "```mermaid\nflowchart TD" in commented
    assert "nightly: added" in planned(followed, repository, "--format", "markdown").stdout, "against the server, too"

    assert active(followed) == before, "a branch is nobody's business yet"
    repository.git("checkout", "--quiet", "main")
    repository.git("merge", "--quiet", "--no-ff", "--message=Merge ship", "ship")
    repository.git("push", "--quiet", "origin", "main")
    merged = repository.git("rev-parse", "HEAD")
    wait_until(lambda: active(followed) == merged, seconds=20, what=followed.logs("sync-worker"))
    synced = {row["commit"]: row["state"] for row in followed.json("sync")}
    assert synced == {before: "loaded", merged: "loaded"}, "of the branch nothing was loaded"
    assert mended not in synced
    assert planned(followed, repository).stdout.endswith("Nothing changes.\n")
    assert followed.get("/workflows/nightly")["active"]["commit"] == merged
    assert "ship" in followed.run("graph", "release").stdout
