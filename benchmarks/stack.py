"""What is measured: the engine as it runs in earnest, on real servers or as one process of its own."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
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

AROUND = ("api", "webhooks", "relay", "scheduler", "sync-worker")
"""The processes beside those that serve the queues."""
SEPARATE = ("task-worker", "notification-worker", *AROUND)
COMBINED = ("worker", *AROUND)
WORKERS = ("worker", *COMBINED)
"""As many as there are processors, as Dramatiq, Celery and DBOS have them."""
HEALTH = {"api": "/api/v1/health/ready", "webhooks": "/health/ready"}
"""Where each door says that it is open."""
BATCH = 50
"""Instances started in one transaction."""


@dataclass(kw_only=True)
class Running:
    """An engine as its neighbours know it: processes by name, and the addresses of its two doors (empty: it has none)."""

    name: str
    pids: Mapping[str, int]
    api: str = ""
    hooks: str = ""

    def rss_mib(self) -> dict[str, float]:
        """Resident memory, by process."""
        return {name: psutil.Process(pid).memory_info().rss / 2**20 for name, pid in self.pids.items()}

    def cpu_seconds(self) -> float:
        """Processor time that its processes have taken so far."""
        times = (psutil.Process(pid).cpu_times() for pid in self.pids.values())
        return sum(each.user + each.system for each in times)


@dataclass(kw_only=True)
class Stack(Running):
    """One whose databases can be reached too, so that instances are started and counted through the product's own code."""

    application: Application
    versions: Mapping[str, Version]
    fewer: int = 1
    """A slow one is given this fraction of the instances of a workload: what counts is the rate."""

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

    def wait(self, last: str, seconds: float = 300) -> None:
        """Until all instances have ended, and well; `last` is the one that was started last.

        To look takes work of the database that is measured: seldom until the last one's end is told, then often.
        """
        deadline = time.monotonic() + seconds
        reader, ended = self.application.instances.reader, False
        while reader.unfinished():
            if time.monotonic() > deadline:
                raise SystemExit(f"{reader.unfinished()} did not end within {seconds} s")
            ended |= self.application.broker.signals.wait(last, 0.01 if ended else 0.1)
        if set(counts := reader.counts(1_000)) != {"succeeded"}:
            raise SystemExit(f"not all instances ended well: {counts}")


@dataclass(frozen=True, kw_only=True)
class Servers:
    """PostgreSQL with its durable defaults, and Redis: everything that is compared shares them."""

    database: PostgresServer
    cache: RedisServer


@contextmanager
def servers() -> Iterator[Servers]:
    """Both, for as long as the block lasts."""
    with temporary() as folder, ExitStack() as stack:
        database = PostgresServer(_sub(folder, "postgres"), durable=True)
        cache = RedisServer(_sub(folder, "redis"))
        for server in (database, cache):
            server.start()
            stack.callback(server.stop)
        yield Servers(database=database, cache=cache)


@contextmanager
def sqlite(_servers: Servers) -> Iterator[Stack]:
    """One process: this one, with the workers as threads, on SQLite and memory."""
    from engine.cli.serve import embedded_workers

    with temporary() as folder, ExitStack() as stack:
        application, versions = _prepare(_config(folder), stack)
        stack.enter_context(embedded_workers(application))
        yield Stack(name="sqlite", application=application, versions=versions, pids={"this process": os.getpid()})


@contextmanager
def postgres(servers: Servers) -> Iterator[Stack]:
    """A process for each service."""
    with on_servers("postgres", servers, [(name,) for name in SEPARATE]) as stack:
        yield stack


@contextmanager
def combined(servers: Servers) -> Iterator[Stack]:
    """The same with `headrace worker`, one process that serves both queues."""
    with on_servers("combined", servers, [(name,) for name in COMBINED]) as stack:
        yield stack


@contextmanager
def workers(servers: Servers) -> Iterator[Stack]:
    """The same with two of `headrace worker`."""
    with on_servers("workers", servers, [(name,) for name in WORKERS]) as stack:
        yield stack


@contextmanager
def dev(_servers: Servers) -> Iterator[Running]:
    """`headrace dev` as a person starts it: everything in one process, on SQLite and memory."""
    with temporary() as folder, ExitStack() as stack:
        config = _config(folder)
        running = stack.enter_context(process(("dev",), config))
        api = f"http://127.0.0.1:{config.api_port}"
        _ready(api, HEALTH["api"])
        yield Running(name="dev", pids={"dev": running.pid}, api=api, hooks=f"http://127.0.0.1:{config.webhooks_port}")


STACKS = {"sqlite": sqlite, "postgres": postgres, "combined": combined, "workers": workers, "dev": dev}


@contextmanager
def on_servers(name: str, servers: Servers, commands: Sequence[Sequence[str]], *, fewer: int = 1) -> Iterator[Stack]:
    """These commands (or, with a leading `-m`, Python modules) as processes on a database of their own. `fewer`: see `Stack`."""
    with temporary() as folder, ExitStack() as stack:
        url = servers.database.url(servers.database.create_database())
        config = _config(folder, instances_url=url, definitions_url=url, broker_url=servers.cache.fresh_url())
        application, versions = _prepare(config, stack)
        processes = {name: stack.enter_context(process(command, config)) for name, command in _named(commands)}
        doors = {"api": config.api_port, "webhooks": config.webhooks_port}
        addresses = {door: f"http://127.0.0.1:{port}" for door, port in doors.items() if door in processes}
        for door, address in addresses.items():
            _ready(address, HEALTH[door])
        yield Stack(
            name=name,
            application=application,
            versions=versions,
            fewer=fewer,
            pids={name: running.pid for name, running in processes.items()},
            api=addresses.get("api", ""),
            hooks=addresses.get("webhooks", ""),
        )


def _named(commands: Sequence[Sequence[str]]) -> Iterator[tuple[str, Sequence[str]]]:
    """The first of its kind has its command's name, the others a number behind it."""
    seen: Counter[str] = Counter()
    for command in commands:
        seen[command[-1]] += 1
        yield command[-1] if seen[command[-1]] == 1 else f"{command[-1]} {seen[command[-1]]}", command


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
        "HEADRACE_WEBHOOKS_PORT": str(config.webhooks_port),
        "HEADRACE_REPO": config.repo,
        "HEADRACE_SECRETS_DIR": config.secrets_dir,
        "HEADRACE_LOG_LEVEL": "warning",
    }
    program = [] if command[0] == "-m" else ["-c", "from engine.cli.main import main; main()"]
    running = subprocess.Popen(
        [sys.executable, *program, *command], env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL
    )
    try:
        yield running
    finally:
        running.terminate()
        try:
            running.wait(15)
        except subprocess.TimeoutExpired:
            running.kill()


def _config(folder: Path, **settings: Any) -> Config:
    """Settings of a stack whose state and whose repository are in this folder."""
    secrets = _sub(folder, "secrets")
    (secrets / workflows.SECRET_NAME).write_text(workflows.SECRET)
    return Config(
        state_dir=_sub(folder, "state"),
        repo=str(workflows.repository(folder / "repository")),
        secrets_dir=str(secrets),
        api_port=free_port(),
        webhooks_port=free_port(),
        log_level="warning",
        **settings,
    )


def _prepare(config: Config, stack: ExitStack) -> tuple[Application, dict[str, Version]]:
    """A database of the newest schema, with the workflows loaded as a sync loads them."""
    configure(config)
    application = Application(config)
    stack.callback(application.close)
    application.upgrade()
    report = application.synchronizer.run_once()
    if report.state != "loaded":
        raise SystemExit(f"the workflows of the benchmarks are {report.state}: {report.findings}")
    return application, {each.workflow: each for each in application.definitions.definitions.active_all()}


@contextmanager
def temporary() -> Iterator[Path]:
    """One that PostgreSQL's own user can look into."""
    with tempfile.TemporaryDirectory(prefix="headrace-bench-", ignore_cleanup_errors=True) as name:
        Path(name).chmod(0o755)
        yield Path(name)


def _sub(folder: Path, name: str) -> Path:
    path = folder / name
    path.mkdir()
    return path


def _ready(address: str, path: str) -> None:
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        with suppress(httpx.HTTPError):
            if httpx.get(f"{address}{path}", trust_env=False).is_success:
                return
        time.sleep(0.05)
    raise SystemExit(f"{address} did not get ready")
