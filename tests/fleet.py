"""Headrace's processes, started the way an operator starts them: commands and environment variables."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx

from tests.ports import free_port
from tests.servers import wait_until

RUN = "from engine.cli.main import main; main()"
HEADRACE = [sys.executable, "-c", RUN]
DISTRIBUTED = ("api", "webhooks", "task-worker", "notification-worker", "relay", "scheduler", "sync-worker")
FINAL = {"succeeded", "failed", "cancelled"}


class Fleet:
    """Processes that share one environment. `api` and `hooks` are base URLs of the first that serve."""

    def __init__(self, folder: Path, environment: Mapping[str, str]) -> None:
        self.folder = folder
        self.processes: dict[str, subprocess.Popen[bytes]] = {}
        self.commands: dict[str, tuple[str, ...]] = {}
        self._own: dict[str, dict[str, str]] = {}
        """Settings of single processes."""
        self.program = HEADRACE
        api_port, hooks_port = free_port(), free_port()
        self.api = f"http://127.0.0.1:{api_port}"
        self.hooks = f"http://127.0.0.1:{hooks_port}"
        self.environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(folder),
            "PYTHONPATH": os.pathsep.join(sys.path),
            "HEADRACE_STATE_DIR": str(folder / "state"),
            "HEADRACE_API_PORT": str(api_port),
            "HEADRACE_API_URL": self.api,
            "HEADRACE_WEBHOOKS_PORT": str(hooks_port),
            "HEADRACE_LOG_FORMAT": "json",
            **environment,
        }
        self.client = httpx.Client(trust_env=False, timeout=60, follow_redirects=True)

    def arm(self, module: str, *arguments: str) -> None:
        """Processes that are started from now on call `arm` of a module first, which changes something inside them."""
        call = f"arm({', '.join(map(repr, arguments))})"
        self.program = [sys.executable, "-c", f"from tests.faults.{module} import arm; {call}; {RUN}"]

    def start(self, name: str, *command: str, **settings: str) -> None:
        """Start a process under a name; its output goes to NAME.log. `settings` are its own, beside those of all."""
        self.commands[name], self._own[name] = command or (name,), settings
        with (self.folder / f"{name}.log").open("ab") as log:
            self.processes[name] = subprocess.Popen(
                [*self.program, *self.commands[name]],
                env=self.environment | settings,
                cwd=self.folder,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def kill(self, name: str) -> None:
        """SIGKILL, as an out-of-memory killer would."""
        self.processes[name].kill()
        self.processes[name].wait()

    def restart(self, name: str) -> None:
        self.start(name, *self.commands[name], **self._own[name])

    def stop(self, name: str, seconds: float = 35) -> int:
        """SIGTERM, as a deploy would; returns the exit status."""
        process = self.processes.pop(name)
        process.send_signal(signal.SIGTERM)
        return process.wait(seconds)

    def close(self) -> None:
        """Whatever still runs is terminated, then killed."""
        self.client.close()
        for process in list(self.processes.values()):
            process.terminate()
        deadline = time.monotonic() + 10
        for process in list(self.processes.values()):
            try:
                process.wait(max(0.1, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()

    def run(self, *command: str, at: Path | None = None, check: bool = True) -> subprocess.CompletedProcess[str]:
        """A `headrace` command, run to its end: in the fleet's folder, or in the one named."""
        done = subprocess.run(
            [*HEADRACE, *command],
            env=self.environment,
            cwd=at or self.folder,
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
        assert not check or done.returncode == 0, done.stdout + done.stderr
        return done

    def json(self, *command: str) -> Any:
        return json.loads(self.run(*command, "--json").stdout)

    def get(self, path: str) -> Any:
        response = self.client.get(f"{self.api}/api/v1{path}")
        return response.json() if response.is_success else None

    def wait_ready(self, seconds: float = 40) -> None:
        """Until every process that serves HTTP says it is ready."""
        if {"api", "dev"} & set(self.processes):
            wait_until(lambda: self.answers(f"{self.api}/api/v1/health/ready"), seconds=seconds, what=self.logs("api"))
        if {"webhooks", "dev"} & set(self.processes):
            wait_until(lambda: self.answers(f"{self.hooks}/health/ready"), seconds=seconds, what=self.logs("webhooks"))

    def wait_for_state(self, instance: str, *states: str, seconds: float = 30) -> Any:
        wait_until(
            lambda: (self.get(f"/instances/{instance}") or {}).get("state") in states,
            seconds=seconds,
            what=f"{instance} to be {' or '.join(states)}",
        )
        return self.get(f"/instances/{instance}")

    def logs(self, name: str) -> str:
        path = self.folder / f"{name}.log"
        return path.read_text(errors="replace")[-3000:] if path.exists() else name

    def said(self, name: str, event: str) -> list[Any]:
        """What a process has logged about an event so far."""
        lines = (self.folder / f"{name}.log").read_text(errors="replace").splitlines()
        return [found for line in lines if event in line and (found := json.loads(line))["event"] == event]

    def answers(self, url: str) -> bool:
        """Whether somebody is there, and well."""
        try:
            return self.client.get(url, timeout=5).is_success
        except httpx.HTTPError:
            return False


@contextmanager
def fleet(folder: Path, environment: Mapping[str, str]) -> Iterator[Fleet]:
    """A fleet that is always brought down."""
    made = Fleet(folder, environment)
    try:
        yield made
    finally:
        made.close()
