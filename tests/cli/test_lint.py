"""`headrace lint` as it is called."""

import json

import pytest
from typer.testing import CliRunner

from engine.cli.lint import Format
from engine.cli.main import app
from engine.lint.reporters.formats import REPORTS

WARNED = "name: warned\ninputs: {a: {type: string}}\ntasks: {a: {run: x}}\n"
CALLS = "name: calls\ntasks: {a: {workflow: warned, with: {a: x}}}\n"
LEFT = "name: left # headrace: ignore[unused-input] of old\ntasks: {a: {run: x}}\n"


@pytest.fixture
def lint(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    def run(*arguments, **files):
        for name, text in files.items():
            path = tmp_path / f"{name}.yaml".replace("__", "/")
            path.parent.mkdir(exist_ok=True)
            path.write_text(text)
        return CliRunner().invoke(app, ["lint", *arguments])

    return run


def test_warnings_are_refused_where_that_is_asked_for(lint):
    plain = lint("a.yaml", a=WARNED)
    assert (plain.exit_code, plain.stdout.splitlines()[-1]) == (0, "0 errors, 1 warning in 1 file")
    assert lint("--strict", "a.yaml").exit_code == 1
    assert lint("--strict", "b.yaml", b=WARNED.replace("a: {type: string}", "").replace("warned", "b")).exit_code == 0


def test_one_file_is_seen_with_its_project_and_told_of_alone(lint):
    done = lint("flows/calls.yaml", project="vars: {}\n", flows__calls=CALLS, other__warned=WARNED)
    assert (done.exit_code, done.stdout) == (0, "0 errors, 0 warnings in 1 file\n")
    assert '"warned" has no input' in lint("flows/calls.yaml", flows__calls=CALLS.replace("{a: x}", "{b: x}")).stdout
    done = lint("flows/calls.yaml", project="wars: {}\n", flows__calls=CALLS)
    assert (done.exit_code, done.stdout.split(": ")[0]) == (1, "project.yaml:1:1")


def test_fixes_are_written_and_told_of(lint, tmp_path):
    done = lint("--fix", "--json", "left.yaml", left=LEFT, right=LEFT.replace("name: left", "name: right"))
    assert (done.exit_code, json.loads(done.stdout), done.stderr) == (0, [], "headrace: fixes made: 1\n")
    assert (tmp_path / "left.yaml").read_text() == "name: left\ntasks: {a: {run: x}}\n"
    assert "ignore" in (tmp_path / "right.yaml").read_text()
    assert lint("--fix", "left.yaml").stderr == "headrace: fixes made: 0\n"


@pytest.mark.parametrize("form", Format)
def test_every_format_is_printed_or_written_beside_text(lint, tmp_path, form):
    printed = lint("--format", form, a=WARNED)
    assert printed.exit_code == 2, "no path and no folder of workflows"
    printed = lint("--format", form, "a.yaml")
    assert printed.exit_code == 0
    assert "unused-input" in printed.stdout
    written = lint("--format", form, "-o", "report", "a.yaml")
    assert (tmp_path / "report").read_text("utf-8") == printed.stdout
    assert (written.exit_code, written.stdout) == (0, lint("a.yaml").stdout)


def test_one_format_at_a_time(lint):
    assert set(Format) == set(REPORTS)
    assert lint("--json", "a.yaml", a=WARNED).stdout == lint("--format", "json", "a.yaml").stdout
    assert lint("--json", "--format", "json", "a.yaml").exit_code == 0
    done = lint("--json", "--format", "sarif", "a.yaml")
    assert (done.exit_code, done.stdout) == (2, "")
    assert lint("--format", "xml", "a.yaml").exit_code == 2
    done = lint("-o", "no/report", "a.yaml")
    assert (done.exit_code, done.stderr) == (2, "headrace: no/report cannot be written: No such file or directory\n")


@pytest.mark.parametrize("form", Format)
def test_names_that_are_no_text(lint, tmp_path, form):
    (tmp_path / "\udcff.yaml").write_text("x: \x1b")
    done = lint("--format", form, ".")
    assert done.exit_code == 1, done.exception
    done.stdout_bytes.decode()


def test_nothing_to_look_at(lint):
    assert lint("nowhere").exit_code == 2
    assert lint(".").exit_code == 2
