"""compose.yaml without Docker: its services as local processes, with their commands and variables as written there."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from tests.fleet import HEADRACE, Fleet

ROOT = Path(__file__).resolve().parents[2]
COMPOSE = yaml.safe_load((ROOT / "compose.yaml").read_text())
OURS: dict[str, Any] = {
    name: service for name, service in COMPOSE["services"].items() if service.get("image") == "headrace"
}
MIGRATE = "migrate"
PROCESSES = [name for name in OURS if name != MIGRATE]
_VARIABLE = re.compile(r"\$\{(?P<name>\w+)(?:(?::-(?P<default>[^}]*))|(?::\?[^}]*))?\}")


class Composed:
    """The services of compose.yaml over a fleet. `given` is what its .env file would hold; `local` stands for its network."""

    def __init__(self, made: Fleet, *, given: Mapping[str, str], local: Mapping[str, str]) -> None:
        self.fleet = made
        self.variables = {
            name: {
                **made.environment,
                **{key: self._here(_filled(str(value), given)) for key, value in service["environment"].items()},
                **local,
                "HEADRACE_STATE_DIR": str(made.folder / name),
            }
            for name, service in OURS.items()
        }

    def up(self) -> None:
        """`docker compose up`: bring the schemas up, then start every process."""
        self._as(MIGRATE).run(*OURS[MIGRATE]["command"])
        for name in PROCESSES:
            self._as(name).start(name, *OURS[name]["command"])
        self._as("api")

    def askers(self) -> list[str]:
        """One service for each question that the health checks ask: those of most services are the same to the letter."""
        asked = {
            (*OURS[name]["healthcheck"]["test"], *sorted(self.variables[name].items() - self._own(name))): name
            for name in PROCESSES
        }
        return list(asked.values())

    def _own(self, name: str) -> set[tuple[str, str]]:
        return {("HEADRACE_STATE_DIR", self.variables[name]["HEADRACE_STATE_DIR"])}

    def healthy(self, name: str) -> bool:
        """What the health check of a service says."""
        kind, program, *arguments = OURS[name]["healthcheck"]["test"]
        assert (kind, program) == ("CMD", "headrace")
        command = [*HEADRACE, *(self._here(word) for word in arguments)]
        done = subprocess.run(command, env=self.variables[name], capture_output=True, check=False, timeout=30)
        return done.returncode == 0

    def _as(self, name: str) -> Fleet:
        """The fleet with a service's environment; at last the API's, whose token the command line needs."""
        self.fleet.environment = self.variables[name]
        return self.fleet

    def _here(self, text: str) -> str:
        """The containers' ports are this test's."""
        for port, url in (("8080", self.fleet.api), ("8081", self.fleet.hooks)):
            text = re.sub(rf":{port}\b", f":{url.rpartition(':')[2]}", text)
        return text


def _filled(text: str, given: Mapping[str, str]) -> str:
    """With ${NAME}, ${NAME:-default} and ${NAME:?message} filled in as compose does."""

    def fill(match: re.Match[str]) -> str:
        name, default = match["name"], match["default"]
        assert name in given or default is not None, f"compose needs {name}"
        return given.get(name) or default or ""

    return _VARIABLE.sub(fill, text)
