"""Several of each process: a fleet made larger and smaller, and what is asked of all of them."""

from __future__ import annotations

import itertools
import json
from pathlib import Path

from tests.fleet import DISTRIBUTED, Fleet
from tests.ports import free_port
from tests.servers import wait_until


class Crowd:
    """A fleet with more of its processes. `api` and `hook` give the addresses of those that serve in turn, as a load
    balancer does."""

    def __init__(self, fleet: Fleet) -> None:
        self.fleet = fleet
        self.state = Path(fleet.environment["HEADRACE_STATE_DIR"])
        self.state.mkdir(exist_ok=True)
        self._addresses = {"api": [fleet.api], "webhooks": [fleet.hooks]}
        self._started = dict.fromkeys(DISTRIBUTED, 1)
        self._turn = itertools.count()

    def join(self, *commands: str) -> None:
        """One more of each of these; returns when all are at work."""
        started = [self._start(command) for command in commands]
        for name, address in started:
            wait_until(lambda one=name: '"ready"' in self._log(one), seconds=60, what=f"{name}: {self._log(name)}")
            if address:
                self._addresses[self.fleet.commands[name][0]].append(address)

    def leave(self, name: str) -> int:
        """SIGTERM for one, of which the load balancer was told; returns its exit status."""
        (command,) = self.fleet.commands[name]
        if command in self._addresses:
            del self._addresses[command][self.names(command).index(name)]
        return self.fleet.stop(name)

    def names(self, command: str) -> list[str]:
        """The processes of a kind that run now, oldest first."""
        return [name for name in self.fleet.processes if self.fleet.commands[name] == (command,)]

    def pids(self, command: str) -> list[int]:
        """Theirs."""
        return [self.fleet.processes[name].pid for name in self.names(command)]

    def api(self) -> str:
        """The next address of an API."""
        return self._next("api")

    def hook(self) -> str:
        """The next address of a webhooks process."""
        return self._next("webhooks")

    def complaints(self) -> list[str]:
        """What any process had to warn of."""
        lines = (
            (log.stem, line) for log in sorted(self.fleet.folder.glob("*.log")) for line in log.read_text().splitlines()
        )
        return [f"{name}: {line}" for name, line in lines if not _calm(line)]

    def _start(self, command: str) -> tuple[str, str]:
        """Its name, and where it serves, if it does."""
        self._started[command] += 1
        name, settings, address = f"{command} {self._started[command]}", {}, ""
        if command in self._addresses:
            port = free_port()
            settings[f"HEADRACE_{command.upper()}_PORT"] = str(port)
            address = f"http://127.0.0.1:{port}"
        if command == "sync-worker":
            settings["HEADRACE_STATE_DIR"] = str(self.fleet.folder / f"state of {name}")
        self.fleet.start(name, command, **settings)
        return name, address

    def _next(self, command: str) -> str:
        addresses = self._addresses[command]
        return addresses[next(self._turn) % len(addresses)]

    def _log(self, name: str) -> str:
        return (self.fleet.folder / f"{name}.log").read_text()


def _calm(line: str) -> bool:
    return line.startswith("{") and json.loads(line)["level"] in ("debug", "info")
