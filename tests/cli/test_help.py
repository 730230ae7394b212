"""The help answers at once, because it imports next to nothing; and a shell is offered what the API knows."""

from __future__ import annotations

import subprocess
import sys

import pytest

HEAVY = {
    "alembic",
    "cel_expr_python",
    "dramatiq",
    "git",
    "httpx",
    "jinja2",
    "jsonschema",
    "jsonschema_rs",
    "psycopg",
    "pydantic",
    "redis",
    "rich",
    "sqlalchemy",
    "starlette",
    "structlog",
    "uvicorn",
    "yaml",
}
HELP = """
import sys
sys.argv = ["headrace", *sys.argv[1:]]
from engine.cli.main import main
try:
    main()
finally:
    loaded = {name.partition(".")[0] for name in sys.modules}
    ours = [name for name in sys.modules if name.startswith(("engine.", "webhooks")) and not name.startswith("engine.cli")]
    print(*sorted(loaded), *ours, file=sys.stderr)
"""


def imported(*words):
    done = subprocess.run([sys.executable, "-c", HELP, *words], capture_output=True, text=True, check=True)
    return done.stdout, set(done.stderr.split())


@pytest.mark.parametrize("words", [("--help",), ("-h",)])
def test_the_help_imports_nothing_heavy(words):
    out, loaded = imported(*words)
    assert "Usage: headrace [OPTIONS] COMMAND [ARGS]..." in out
    assert loaded & HEAVY == set()
    assert {name for name in loaded if name.startswith(("engine.", "webhooks"))} == {"engine.errors"}


def test_the_version_imports_nothing_heavy():
    out, loaded = imported("--version")
    assert out.startswith("headrace ")
    assert loaded & HEAVY == set()


def test_every_command_is_in_its_group(headrace):
    from engine.cli.main import app

    text = headrace("--help").out
    for title in ("Write workflows", "Run workflows", "Operate", "Processes"):
        assert f"\n{title}:\n" in text
    names = {command.name for command in app.registered_commands} | {group.name for group in app.registered_groups}
    assert names <= {line.split()[0] for line in text.splitlines() if line.startswith("  ")}


@pytest.fixture
def offered(headrace, monkeypatch):
    def ask(*words, **settings):
        monkeypatch.setenv("_HEADRACE_COMPLETE", "complete_bash")
        monkeypatch.setenv("COMP_WORDS", " ".join(["headrace", *words]))
        monkeypatch.setenv("COMP_CWORD", str(len(words)))
        return headrace(**settings).out.split()

    return ask


def test_names_are_offered(offered, shown):
    assert set(offered("start", "")) >= {"release", "gate", "nightly-cleanup"}
    assert offered("start", "ga") == ["gate"]
    waiting = shown["waiting"]
    assert waiting in offered("explain", "")
    assert offered("get", waiting[:-1]) == [waiting]
    assert offered("explain", waiting, "app") == ["approve"]
    assert offered("complete", waiting, "finally/r") == ["finally/report"]


def test_rules_are_offered(offered):
    assert offered("rules", "self-") == ["self-need"]


def test_where_nobody_answers_nothing_is_offered(offered):
    assert offered("start", "") == []
    assert offered("explain", "x", "") == []
