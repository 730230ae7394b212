"""Fixtures for everybody: databases, Redis, the options --fast and --long. Servers start when the first test asks for them."""

from __future__ import annotations

import functools
import logging
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import hypothesis
import pytest
import structlog

from engine.adapters.databases.connect import InstancesDatabase, open_definitions, open_instances
from tests.fast import NAMED, is_left_out
from tests.servers import CannotRun, PostgresServer, RedisServer, S3Server, Server

# Where CI=true the same examples are drawn every time, so that a change is judged by what it changed.
hypothesis.settings.register_profile("default", max_examples=25, deadline=None, derandomize="CI" in os.environ)
hypothesis.settings.register_profile("long", max_examples=2_000, deadline=None)
hypothesis.settings.load_profile("default")

NUMBER_LEFT_OUT = pytest.StashKey[int]()
AnyServer = TypeVar("AnyServer", bound=Server)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--long", action="store_true", help="also run the long forms of the promises, and more examples")
    parser.addoption("--fast", action="store_true", help="leave out what tests/fast.py names")


def pytest_configure(config: pytest.Config) -> None:
    if config.getoption("--long") and config.getoption("--fast"):
        raise pytest.UsageError("--fast and --long exclude each other")
    if config.getoption("--long"):
        hypothesis.settings.load_profile("long")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if config.getoption("--fast"):
        _leave_out(config, items)
    if config.getoption("--long"):
        return
    for item in items:
        if item.get_closest_marker("long"):
            item.add_marker(pytest.mark.skip(reason="the long form: run with --long"))


def _leave_out(config: pytest.Config, items: list[pytest.Item]) -> None:
    left_out = [item for item in items if is_left_out(item)]
    items[:] = [item for item in items if not is_left_out(item)]
    config.hook.pytest_deselected(items=left_out)
    config.stash[NUMBER_LEFT_OUT] = len(left_out)
    if hasattr(config, "workeroutput"):  # one of several processes: the first one, which tells of all, collects nothing
        config.workeroutput["left_out"] = len(left_out)


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """Each of several processes has collected, and left out, the same."""
    if number := getattr(node, "workeroutput", {}).get("left_out"):
        node.config.stash[NUMBER_LEFT_OUT] = number


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    if config.getoption("--fast"):
        number = config.stash.get(NUMBER_LEFT_OUT, 0)
        terminalreporter.write_line(f"{number} left out by --fast: {NAMED}")


@pytest.fixture(autouse=True)
def logging_as_it_was(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A command that runs in this process sets logging up as in its own: that is over with the test.

    Loggers are not kept: one that was would go on as it was set up first, and to a stream that is closed by then.
    """
    configure, before, level = structlog.configure, structlog.get_config(), logging.getLogger().level
    with monkeypatch.context() as patch:
        patch.setattr(
            structlog, "configure", lambda **given: configure(**{**given, "cache_logger_on_first_use": False})
        )
        yield
    root = logging.getLogger()
    root.setLevel(level)
    root.handlers = [
        each for each in root.handlers if not isinstance(each.formatter, structlog.stdlib.ProcessorFormatter)
    ]
    configure(**before)


@contextmanager
def _serving(kind: type[AnyServer]) -> Iterator[AnyServer]:
    with _folder() as folder:
        server = None
        try:
            server = kind(folder)
            server.start()
            yield server
        except CannotRun as missing:
            pytest.skip(str(missing))
        finally:
            if server is not None:
                server.stop()


@contextmanager
def _folder() -> Iterator[Path]:
    """For a database. Not below pytest's own folder: that one is closed to the user PostgreSQL steps down to."""
    folder = Path(tempfile.mkdtemp(prefix=f"headrace-test-{os.getpid()}-", dir=_memory()))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@functools.cache
def _memory() -> Path | None:
    """Memory where there is enough of it: copying and writing databases takes a tenth of the time. Else the usual place."""
    memory = Path("/dev/shm")
    if not memory.is_dir() or shutil.disk_usage(memory).free < 2**30:
        return None
    for left in memory.glob("headrace-test-*"):  # by a session that was killed
        if not Path("/proc", left.name.split("-")[2]).exists():
            shutil.rmtree(left, ignore_errors=True)
    return memory


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[PostgresServer]:
    """One cluster for the session. A test that stops it must start it again."""
    with _serving(PostgresServer) as server:
        yield server


@pytest.fixture(scope="session")
def s3_server() -> Iterator[S3Server]:
    """One for the session."""
    with _serving(S3Server) as server:
        yield server


@pytest.fixture
def s3_url(s3_server: S3Server, monkeypatch: pytest.MonkeyPatch) -> str:
    """A bucket, with credentials for it in the environment."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "tests")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "tests-secret")
    return s3_server.url


@pytest.fixture(scope="session")
def redis_server() -> Iterator[RedisServer]:
    """One Redis for the session. A test that stops it must start it again."""
    with _serving(RedisServer) as server:
        yield server


@pytest.fixture(scope="session")
def _postgres_template(postgres_server: PostgresServer) -> str:
    name = postgres_server.create_database()
    _migrate(postgres_server.url(name))
    return name


@pytest.fixture(scope="session")
def _sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("sqlite") / "template.db"
    _migrate(f"sqlite:///{path}")
    return path


def _migrate(url: str) -> None:
    for database in (open_instances(url), open_definitions(url)):
        database.upgrade()
        database.close()


@pytest.fixture
def postgres_url(postgres_server: PostgresServer, _postgres_template: str) -> Iterator[str]:
    """A fresh PostgreSQL database, migrated for instances and definitions."""
    name = postgres_server.create_database(_postgres_template)
    yield postgres_server.url(name)
    postgres_server.drop_database(name)


@pytest.fixture
def sqlite_url(_sqlite_template: Path) -> Iterator[str]:
    """A fresh SQLite file, migrated for instances and definitions."""
    with _folder() as folder:
        shutil.copy(_sqlite_template, folder / "headrace.db")
        yield f"sqlite:///{folder}/headrace.db"


@pytest.fixture
def redis_url(redis_server: RedisServer) -> str:
    """An empty Redis database."""
    return redis_server.fresh_url()


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def database_url(request: pytest.FixtureRequest) -> str:
    """Each test that asks for it runs on both databases."""
    url: str = request.getfixturevalue(f"{request.param}_url")
    return url


@pytest.fixture
def stores(database_url: str) -> Iterator[InstancesDatabase]:
    """The stores of a fresh instances database, on SQLite and on PostgreSQL."""
    database = open_instances(database_url)
    yield database
    database.close()
