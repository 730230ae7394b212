"""The command line in this process, against the API of a world that has something to show."""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass
from typing import Any

import pytest

from engine.cli.main import main
from tests.web.fixtures import stage
from tests.web.world import World, api, populate

__all__ = ["stage"]


@dataclass(frozen=True)
class Done:
    """What a command printed, and how it ended."""

    status: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)

    @property
    def said(self) -> str:
        """What a person reads, whatever the width of the terminal."""
        return " ".join((self.out + self.err).replace("│", " ").split())


@pytest.fixture
def headrace(monkeypatch, capfd, tmp_path):
    """Runs a command as a shell would, with the settings given by name and no others."""
    monkeypatch.chdir(tmp_path)

    def run(*arguments: str, **settings: str) -> Done:
        with monkeypatch.context() as patch:
            patch.setattr("sys.argv", ["headrace", *arguments])
            for name, value in {"API_URL": headrace_url[0], **settings}.items():
                patch.setenv(f"HEADRACE_{name}", value)
            try:
                main()
                status = 0
            except SystemExit as end:
                status = int(end.code or 0)
        out, err = capfd.readouterr()
        return Done(status, out, err)

    headrace_url = ["http://127.0.0.1:9"]
    run.at = lambda url: headrace_url.__setitem__(0, url)
    return run


@pytest.fixture(scope="module")
def populated(tmp_path_factory, _sqlite_template):
    """A world with something to show, the ids of its instances by what they show, and its API's address."""
    path = tmp_path_factory.mktemp("cli") / "headrace.db"
    shutil.copy(_sqlite_template, path)
    world = World(f"sqlite:///{path}")
    ids = populate(world)
    with api(world) as client:
        yield world, ids, str(client.base_url)
    world.close()


@pytest.fixture
def world(populated):
    return populated[0]


@pytest.fixture
def shown(headrace, populated):
    """The ids; the command line talks to the API. Tests change only what they look at alone."""
    headrace.at(populated[2])
    return populated[1]
