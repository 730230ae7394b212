"""`headrace test`: which files it takes, what it prints and writes, and how it ends."""

from __future__ import annotations

from xml.etree.ElementTree import parse

import pytest

from engine.cli.test import watch_files

WORKFLOW = "name: w\ntasks: {a: {run: x}, b: {needs: a.failed, run: y}}\n"
GOOD = "workflow: w\ncases:\n  - {name: goes well, mocks: {a: {}}, expect: {state: succeeded}}\n"
BAD = GOOD + "  - {name: goes badly, mocks: {a: {}}, expect: {state: failed}}\n"


@pytest.fixture
def folder(tmp_path):
    """`workflows` with one workflow, and a helper that writes files into it."""

    def write(**files: str) -> None:
        for name, text in files.items():
            path = tmp_path / "workflows" / f"{name.replace('_test', '.test')}.yaml"
            path.parent.mkdir(exist_ok=True)
            path.write_text(text)

    write(w=WORKFLOW)
    return write


def test_it_passes(headrace, folder):
    folder(w_test=GOOD)
    done = headrace("test")
    assert done.status == 0
    assert done.out.startswith("1 passed, 0 failed in ")


def test_in_several_processes(headrace, folder):
    folder(w_test=BAD, x_test=GOOD)
    done = headrace("test", "--jobs", "2")
    assert done.status == 1
    assert "2 passed, 1 failed" in done.out


def test_it_fails(headrace, folder):
    folder(w_test=BAD)
    done = headrace("test")
    assert done.status == 1
    assert done.out.startswith(
        "workflows/w.test.yaml:4: w: goes badly\n  expected the instance to end failed, and it ended succeeded\n"
    )
    assert "1 passed, 1 failed" in done.out


def test_errors_in_files_fail_too(headrace, folder):
    folder(w_test=GOOD.replace("mocks", "moks"))
    done = headrace("test")
    assert done.status == 1
    assert 'unknown key "moks"; did you mean "mocks"?' in done.said


def test_without_tests_or_files_it_is_used_wrongly(headrace, folder):
    assert headrace("test").status == 2
    done = headrace("test", "nowhere")
    assert done.status == 2
    assert "nowhere does not exist" in done.said


def test_a_file_that_is_named_alone_brings_what_it_needs(headrace, folder):
    folder(w_test=GOOD, broken="name: broken\ntasks: {}\n", v="name: v\ntasks: {a: {run: x}}\n")
    folder(v_test="workflow: v\ncases: [{name: other, mocks: {a: {}}, expect: {state: failed}}]\n")
    for name in ("workflows/w.test.yaml", "workflows/w.yaml"):
        done = headrace("test", name, "--coverage", "--json")
        assert done.status == 0, done.out
        assert [case["case"] for case in done.json["cases"]] == ["goes well"]
        assert list(done.json["coverage"]) == ["w"]
    assert headrace("test", "workflows/v.yaml").status == 1
    done = headrace("test")
    assert "broken.yaml" in done.said
    assert headrace("test", "workflows/broken.yaml").status == 1


def test_errors_of_the_tested_workflow_are_told(headrace, folder):
    folder(w=WORKFLOW.replace("run: y", "rum: y"), w_test=GOOD)
    done = headrace("test", "workflows/w.test.yaml")
    assert done.status == 1
    assert 'unknown key "rum"' in done.said


def test_some_cases_only(headrace, folder):
    folder(w_test=BAD)
    assert headrace("test", "-k", "WELL").status == 0
    assert headrace("test", "-k", "badly").status == 1
    assert headrace("test", "-k", "nothing").status == 2


def test_coverage_may_be_asked_for(headrace, folder):
    folder(w_test=GOOD)
    done = headrace("test", "--coverage")
    assert done.status == 0
    assert "not seen: edge a.failed -> b" in done.said
    done = headrace("test", "--coverage-min", "100")
    assert done.status == 1
    assert "50 % of the tasks were seen; at least 100 % are asked for" in done.said
    folder(w_test=GOOD + "  - {name: no, mocks: {a: {error: no}, b: {}}, expect: {state: succeeded}}\n")
    assert headrace("test", "--coverage-min", "100").status == 0


def test_junit_is_written_beside_the_rest(headrace, folder, tmp_path):
    folder(w_test=BAD)
    done = headrace("test", "--junit", "report.xml")
    assert done.status == 1
    assert "1 passed" in done.out
    assert len(parse(tmp_path / "report.xml").findall(".//failure")) == 1


def test_a_report_that_cannot_be_written_is_told(headrace, folder):
    folder(w_test=GOOD)
    done = headrace("test", "--junit", "no/such/folder/report.xml")
    assert done.status == 2
    assert "no/such/folder/report.xml cannot be written" in done.said


class Enough(Exception):
    pass


def test_watching_runs_again_when_a_file_has_changed(folder, tmp_path, capsys):
    folder(w_test=GOOD)
    runs: list[int] = []
    steps = iter(["nothing", "change", "nothing", "remove"])

    def wait():
        step = next(steps, None)
        if step is None:
            raise Enough
        if step == "change":
            folder(w_test=BAD + "# longer\n")
            (tmp_path / "workflows" / "w.test.yaml").touch()
        elif step == "remove":
            (tmp_path / "workflows" / "w.test.yaml").unlink()

    with pytest.raises(Enough):
        watch_files([tmp_path / "workflows"], lambda: runs.append(len(runs)) or 0, wait)
    assert runs == [0, 1, 2]
    assert capsys.readouterr().out.count("changed: w.test.yaml") == 2
