"""Schemas: one way up, by any number of processes at once, to exactly what the tables say."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext

from engine.adapters.databases import definition_tables, tables
from engine.adapters.databases.connect import open_definitions, open_instances
from engine.errors import Misconfigured, Unavailable
from tests.servers import PostgresServer

BOTH = [(open_instances, tables.metadata), (open_definitions, definition_tables.metadata)]


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def empty_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'new' / 'empty.db'}"
        return
    server: PostgresServer = request.getfixturevalue("postgres_server")
    name = server.create_database()
    yield server.url(name)
    server.drop_database(name)


@pytest.mark.parametrize(("open_database", "metadata"), BOTH, ids=["instances", "definitions"])
def test_migrations_give_what_the_tables_say(database_url: str, open_database: object, metadata: sa.MetaData):
    engine = sa.create_engine(database_url)
    ours = {*metadata.tables}

    def include(_object: object, name: str, type_: str, *_: object) -> bool:
        return type_ != "table" or name in ours

    with engine.connect() as connection:
        options = {"include_object": include, "compare_type": True, "compare_server_default": True}
        differences = compare_metadata(MigrationContext.configure(connection, opts=options), metadata)
    engine.dispose()
    assert differences == []


def test_a_database_is_current_once_it_was_upgraded(empty_url: str):
    instances, definitions = open_instances(empty_url), open_definitions(empty_url)
    assert not instances.current()
    with pytest.raises(Unavailable, match="headrace db upgrade"):
        instances.reader.list()
    instances.upgrade()
    assert instances.current()
    assert not definitions.current()
    with pytest.raises(Unavailable, match="headrace db upgrade"):
        definitions.definitions.active_all()
    definitions.upgrade()
    definitions.upgrade()
    assert definitions.current()
    with definitions._database.writing() as connection:
        connection.execute(sa.text("UPDATE definitions_schema SET version_num = '0001'"))
    assert not definitions.current()
    assert instances.current()
    for database in (instances, definitions):
        database.ping()
        database.close()


def test_several_processes_may_upgrade_at_once(empty_url: str):
    program = (
        "import sys; from engine.adapters.databases.connect import open_definitions, open_instances\n"
        "for database in open_instances(sys.argv[1]), open_definitions(sys.argv[1]):\n"
        "    database.upgrade(); assert database.current(); database.close()"
    )
    running = [
        subprocess.Popen([sys.executable, "-W", "error", "-c", program, empty_url], stderr=subprocess.PIPE)
        for _ in range(2)
    ]
    for process in running:
        _, errors = process.communicate(timeout=60)
        assert (process.returncode, errors.decode()) == (0, "")


@pytest.mark.parametrize(
    "url", ["", "no url", "sqlite://", "sqlite:///:memory:", "postgresql://localhost/x", "mysql://localhost/x"]
)
def test_urls_that_cannot_work_are_told_at_once(url: str):
    with pytest.raises(Misconfigured):
        open_instances(url)
