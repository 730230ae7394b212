"""`--fast` leaves out what tests/fast.py names and nothing else, says how much that is, and still meets real servers."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest

from tests.fast import LEFT_OUT, NAMED, REPEATED, TESTS

FILES = [str(path.relative_to(TESTS)) for path in sorted(TESTS.rglob("test_*.py"))]
LEFT = {path for path in FILES for place in LEFT_OUT if f"{path}/".startswith(f"{place}/")}
SOME = ["browser/test_pages.py", "simulation/test_memory.py", "simulation/test_runs.py", "webhooks/test_hooks.py"]
"""Files of which `--fast` leaves out all, nothing, all, and some tests."""


def run(*arguments):
    argv = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *arguments]
    return subprocess.run(argv, cwd=TESTS.parent, capture_output=True, text=True, check=False)


def collected(*arguments):
    """Tests by name, below tests/, and all that was said."""
    said = run("--collect-only", "-q", *arguments, *(f"tests/{path}" for path in SOME)).stdout
    return set(re.findall(r"^tests/(.+::.+)$", said, re.MULTILINE)), said


def test_what_is_named_is_left_out_and_all_else_is_kept():
    (every, _), (kept, said) = collected(), collected("--fast")
    left = {test for test in every if test.partition("::")[0] in LEFT}
    twins = {test for test in every if test.startswith("webhooks/") and test.endswith("[postgres]")}
    assert left
    assert twins
    assert kept == every - left - twins
    assert {test.replace("[postgres]", "[sqlite]") for test in twins} <= kept
    assert f"\n{len(left | twins)} left out by --fast: {NAMED}\n" in said


def test_each_place_has_tests():
    assert not [place for place in LEFT_OUT if not any(f"{path}/".startswith(f"{place}/") for path in LEFT)]
    assert not [folder for folder in REPEATED if not (TESTS / folder).is_dir()]


@pytest.mark.parametrize("folder", ["broker", "holds", "kinds", "sync"])
def test_real_servers_are_still_met(folder):
    """PostgreSQL, Redis, S3, git: the adapters' own suites are whole."""
    assert folder not in REPEATED
    assert not [path for path in LEFT if path.startswith(f"{folder}/")]


def test_several_processes_say_as_one_how_many_are_left_out():
    done = run("-n", "1", "--fast", "tests/browser", "tests/test_docs_reliability.py")
    number = len(re.findall(r"^def test_", (TESTS / "browser" / "test_pages.py").read_text(), re.MULTILINE))
    assert f"\n{number} left out by --fast: {NAMED}\n" in done.stdout
    assert done.returncode == 0


def test_fast_and_long_exclude_each_other():
    done = run("--fast", "--long", "tests/test_docs_reliability.py")
    assert done.returncode == pytest.ExitCode.USAGE_ERROR
    assert "--fast and --long exclude each other" in done.stderr
