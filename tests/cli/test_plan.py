"""`headrace plan`: between two commits, against a server, and in words that no author can bend."""

from __future__ import annotations

import json
import re
import subprocess

import pytest

from engine.app.plan.model import Break, KeyChange, Plan, TaskChange, WorkflowChange
from engine.cli import plan_markdown, plan_text

CHILD = "name: child\ninputs: {n: {type: integer, default: 1}}\ntasks: {a: {run: x}}\n"
PARENT = "name: parent\ntasks: {call: {workflow: child}}\n"
MORE = CHILD.replace("{n:", "{m: {type: string}, n:")
EVIL = "`` | <b>x</b> @ana #1 ![i](//e) \x1b[31m\n# head\n```\n~~~\n</details>"


@pytest.fixture
def git(tmp_path, headrace):
    def run(*arguments):
        fixed = ["git", "-c", "user.name=a", "-c", "user.email=a@example.com", "-c", "init.defaultBranch=main"]
        done = subprocess.run([*fixed, *arguments], cwd=tmp_path, check=True, capture_output=True, text=True)
        return done.stdout.strip()

    run("init", "-q")
    return run


@pytest.fixture
def repository(git, tmp_path):
    """Writes workflows into the repository; with a message they are committed."""

    def write(message="", **texts):
        for name, text in texts.items():
            path = tmp_path / "workflows" / f"{name}.yaml"
            path.parent.mkdir(exist_ok=True)
            path.write_text(text) if text else path.unlink()
        if message:
            git("add", "-A")
            git("commit", "-qm", message)

    return write


def test_nothing_changes(headrace, repository):
    repository("one", child=CHILD)
    done = headrace("plan", "--base", "main")
    assert (done.status, done.out.splitlines()[-1]) == (0, "Nothing changes.")


def test_how_it_is_written_is_no_change(headrace, repository):
    repository("one", child=CHILD)
    repository(child="# a comment\n" + CHILD.replace("{a: {run: x}}", "\n  a:\n    run: x\n"))
    assert headrace("plan", "--base", "main").out.endswith("Nothing changes.\n")


def test_files_as_they_are_now_against_a_commit(headrace, repository):
    repository("one", child=CHILD, parent=PARENT)
    repository(child=MORE)
    done = headrace("plan", "--base", "main")
    assert done.status == 1, "parent.yaml does not give m"
    assert "workflows/parent.yaml:2:16: error: " in done.out
    assert "    + inputs.m: " in done.out
    assert "! child: input m is new and required" in done.out
    assert "workflows/parent.yaml: the task call of parent does not give it" in done.out


def test_two_commits_and_what_came_to_the_base_since(headrace, repository, git):
    repository("one", child=CHILD)
    git("checkout", "-qb", "change")
    repository("two", parent=PARENT)
    git("checkout", "-q", "main")
    repository("three", child=CHILD.replace("run: x", "run: y"))
    done = headrace("plan", "--base", "main", "--head", "change", "--json")
    assert done.status == 0
    assert [(one["name"], one["change"]) for one in done.json["workflows"]] == [("parent", "added")]


def test_what_breaks_can_fail(headrace, repository):
    repository("one", child=CHILD, parent=PARENT)
    repository(parent="")
    assert headrace("plan", "--base", "main").status == 0
    done = headrace("plan", "--base", "main", "--fail-on-breaking")
    assert done.status == 1
    assert "! parent cannot be started any more" in done.out


def test_markdown_goes_to_a_file_and_text_to_people(headrace, repository, tmp_path):
    repository("one", child=CHILD)
    repository(child=CHILD.replace("run: x", "run: y"), parent=PARENT)
    done = headrace("plan", "--base", "main", "--format", "markdown", "-o", "plan.md")
    text = (tmp_path / "plan.md").read_text()
    assert "~ child  workflows/child.yaml" in done.out
    assert text.startswith("<!-- headrace plan -->\n### Headrace plan: `main` → `workflows`\n")
    assert "| `child` | `workflows/child.yaml` | changed | ~1 | — |" in text
    assert "```mermaid\nflowchart TD" in text


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--base", "nowhere"], "there is no commit 'nowhere' in this repository"),
        (["--base=--output=x"], "there is no commit '--output=x' in this repository"),
        (["--base", "main", "nothing"], "there is no folder 'nothing' in this commit"),
    ],
)
def test_used_wrongly(headrace, repository, arguments, said):
    repository("one", child=CHILD)
    done = headrace("plan", *arguments)
    assert done.status == 2
    assert said in done.said


def test_outside_of_a_repository(headrace, tmp_path):
    (tmp_path / "workflows").mkdir()
    done = headrace("plan", "--base", "main")
    assert done.status == 2
    assert "is in no git repository" in done.said


def test_against_a_server(headrace, shown, repository):
    repository(gate="name: gate\ntasks: {a: {run: x}}\n")
    done = headrace("plan", "--json")
    found = {one["name"]: one for one in done.json["workflows"]}
    assert found["gate"]["change"] == "changed"
    assert found["release"]["change"] == "removed"
    assert sum(found["release"]["running"].values()) >= 2
    text = headrace("plan").out
    assert "- release  workflows/release.yaml" in text
    assert "on the version they began with" in text


HOSTILE = Plan(
    before=EVIL,
    after=EVIL,
    workflows=(
        WorkflowChange(
            name=EVIL,
            change="changed",
            path=EVIL,
            keys=(KeyChange(key=EVIL, change="changed", before=EVIL, after={"x": EVIL}),),
            tasks=(TaskChange(path=EVIL, change="added", kind=EVIL),),
            running={EVIL: 1},
        ),
    ),
    breaking=(Break(kind="input-removed", workflow=EVIL, subject=EVIL, message=EVIL),),
    notes=(EVIL,),
)


def test_a_terminal_obeys_no_author():
    lines = [line for _, line in plan_text.report(HOSTILE)]
    assert all(character.isprintable() for line in lines for character in line)


def outside_of_code(markdown):
    """What is read as Markdown: without fenced blocks and code spans, as CommonMark finds them."""
    text = re.sub(r"^(`{3,})\w+\n.*?^\1$", "", markdown, flags=re.MULTILINE | re.DOTALL)
    return re.sub(r"(?<!`)(`+)(?!`)(.+?)(?<!`)\1(?!`)", "", text)


def test_a_comment_holds_no_markdown_of_an_author():
    text = outside_of_code(plan_markdown.report(HOSTILE, {EVIL: "flowchart TD\n" + EVIL}))
    assert not {"@", "#1", "<b>", "![", "\x1b", "# head", "~~~"} & {
        mark
        for mark in ("@", "#1", "<b>", "![", "\x1b", "# head", "~~~")
        if mark in re.sub(r"<summary>.*</summary>", "", text)
    }
    assert text.count("</details>") == text.count("<details>") == 1


def test_a_comment_is_never_too_long():
    many = tuple(
        WorkflowChange(
            name=f"w-{number}",
            change="changed",
            path="p",
            tasks=(TaskChange(path="t" * 400, change="added", kind="run"),),
        )
        for number in range(200)
    )
    text = plan_markdown.report(Plan(before="a", after="b", workflows=many), {f"w-{n}": "g" * 900 for n in range(200)})
    assert len(text) <= 65_536
    assert "too long for a comment" in text


def test_json_fits_its_schema(headrace, repository):
    from jsonschema import Draft202012Validator

    repository("one", child=CHILD)
    repository(parent=PARENT)
    schema = json.loads(headrace("schema", "plan").out)
    Draft202012Validator(schema).validate(headrace("plan", "--base", "main", "--json").json)
