"""The two stacks that are measured: separate processes on PostgreSQL and Redis, and one process on SQLite and memory."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import psutil

from benchmarks import workflows
from engine.app.versions import Version
from engine.bootstrap import Application
from engine.config import Config
from engine.log import configure
from tests.ports import free_port
from tests.servers import PostgresServer, RedisServer

WORKERS = ("task-worker", "notification-worker", "relay", "scheduler", "api")
BATCH = 50
"""Instances started in one transaction."""


@dataclass(kw_only=True)
class Stack:
    """What a workload needs of a running engine."""

    name: str
    application: Application
    versions: dict[str, Version]
    pids: Callable[[], Sequence[int]]
    api: str = ""
    redis_url: str = ""
    database_url: str = ""
    started: list[str] = field(default_factory=list)

    def start(self, workflow: str, count: int, inputs: dict[str, Any] | None = None) -> list[str]:
        """Start instances through the product's own use case; returns their ids."""
        ids: list[str] = []
        starter = self.application.starter
        while len(ids) < count:
            prepared = [
                starter.prepare(self.versions[workflow], inputs=inputs or {}, trigger={}, by="benchmark")
                for _ in range(min(BATCH, count - len(ids)))
            ]
            ids += starter.commit(prepared)
        return ids

    def wait(self, ids: Sequence[str], seconds: float = 300) -> None:
        """Until all have ended well."""
        deadline = time.monotonic() + seconds
        reader = self.application.instances.reader
        missing = len(ids)
        while missing:
            if time.monotonic() > deadline:
                raise SystemExit(f"{missing} instances did not end within {seconds} s")
            self.application.broker.signals.wait(ids[-1], 0.02)
            counts = reader.counts()
            missing = self.total() - counts.get("succeeded", 0)
        self.total_succeeded = self.total()

    def total(self) -> int:
        """Instances there ever were in this stack."""
        return sum(self.application.instances.reader.counts().values())

    def rss_mib(self) -> float:
        """Resident memory of the engine's processes together."""
        return sum(psutil.Process(pid).memory_info().rss for pid in self.pids()) / 2**20


@contextmanager
def sqlite() -> Iterator[Stack]:
    """One process: this one, with the workers as threads, like `headrace dev`."""
    from engine.cli.serve import embedded_workers

    with tempfile.TemporaryDirectory(prefix="headrace-bench-") as folder, ExitStack() as stack:
        config = Config(state_dir=Path(folder), log_level="warning")
        configure(config)
        application = Application(config)
        stack.callback(application.close)
        application.upgrade()
        made = workflows.versions()
        workflows.store(application.definitions.definitions, made)
        stack.enter_context(embedded_workers(application))
        yield Stack(name="sqlite", application=application, versions=made, pids=lambda: [os.getpid()])


@contextmanager
def postgres(*, commands: Sequence[Sequence[str]] = tuple((name,) for name in WORKERS)) -> Iterator[Stack]:
    """Real servers with their durable defaults, one process per service."""
    with (
        tempfile.TemporaryDirectory(prefix="headrace-bench-", ignore_cleanup_errors=True) as folder,
        ExitStack() as stack,
    ):
        Path(folder).chmod(0o755)
        database = PostgresServer(_sub(folder, "postgres"), durable=True)
        cache = RedisServer(_sub(folder, "redis"))
        for server in (database, cache):
            server.start()
            stack.callback(server.stop)
        url, port = database.url(database.create_database()), free_port()
        config = Config(
            state_dir=Path(folder) / "state",
            instances_url=url,
            definitions_url=url,
            broker_url=cache.fresh_url(),
            api_port=port,
            log_level="warning",
        )
        configure(config)
        application = Application(config)
        stack.callback(application.close)
        application.upgrade()
        made = workflows.versions()
        workflows.store(application.definitions.definitions, made)
        processes = [stack.enter_context(process(command, config)) for command in commands]
        api = f"http://127.0.0.1:{port}"
        if ("api",) in commands:
            _ready(f"{api}/api/v1/health/ready")
        yield Stack(
            name="postgres",
            application=application,
            versions=made,
            pids=lambda: [entry.pid for entry in processes],
            api=api,
            redis_url=config.broker_url,
            database_url=url,
        )


@contextmanager
def process(command: Sequence[str], config: Config) -> Iterator[subprocess.Popen[bytes]]:
    """A `headrace` process (or, with a leading `-m`, a Python module) on these settings."""
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(config.state_dir),
        "PYTHONPATH": os.pathsep.join(sys.path),
        "HEADRACE_STATE_DIR": str(config.state_dir),
        "HEADRACE_INSTANCES_URL": config.instances,
        "HEADRACE_DEFINITIONS_URL": config.definitions,
        "HEADRACE_BROKER_URL": config.broker_url,
        "HEADRACE_API_PORT": str(config.api_port),
        "HEADRACE_LOG_LEVEL": "warning",
    }
    program = [] if command[0] == "-m" else ["-c", "from engine.cli.main import main; main()"]
    running = subprocess.Popen([sys.executable, *program, *command], env=environment, stdin=subprocess.DEVNULL)
    try:
        yield running
    finally:
        running.terminate()
        try:
            running.wait(15)
        except subprocess.TimeoutExpired:
            running.kill()


def _sub(folder: str, name: str) -> Path:
    path = Path(folder) / name
    path.mkdir()
    return path


def _ready(url: str) -> None:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        try:
            if httpx.get(url, trust_env=False).is_success:
                return
        except httpx.HTTPError:
            time.sleep(0.05)
    raise SystemExit(f"{url} did not get ready")
