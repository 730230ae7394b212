"""Bringing a database's schema up to date, by Alembic, from the migrations inside the wheel."""

from __future__ import annotations

import threading
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import sqlalchemy as sa

from engine.adapters.databases.database import Database

if TYPE_CHECKING:
    from alembic.config import Config

Purpose = Literal["instances", "definitions"]
MIGRATIONS = Path(__file__).parent / "migrations"

_alembic = threading.Lock()
"""Alembic keeps its context in a module: one migration at a time in this process."""


class Schema:
    """The schema of one of the two databases. One URL may serve both: their tables and version tables differ."""

    def __init__(self, database: Database, purpose: Purpose) -> None:
        self._database = database
        self._version_table = f"{purpose}_schema"
        self._scripts = MIGRATIONS / purpose

    def upgrade(self) -> None:
        """To the newest. Safe to call by several processes at once: one does it, the others find it done."""
        if self.current():
            return
        from alembic import command  # a sixth of a second and 9 MiB that only this needs

        with _alembic, self._database.exclusive() as connection:
            self._config.attributes["connection"] = connection
            self._config.attributes["version_table"] = self._version_table
            command.upgrade(self._config, "head")

    def current(self) -> bool:
        """Whether the database has the newest schema this program knows."""
        with self._database.reading() as connection:
            if not sa.inspect(connection).has_table(self._version_table):
                return False
            stored = sa.select(sa.column("version_num", sa.Text)).select_from(sa.table(self._version_table))
            return connection.execute(stored).scalars().all() == [self._newest]

    @cached_property
    def _config(self) -> Config:
        from alembic.config import Config

        config = Config()
        config.set_main_option("script_location", str(self._scripts).replace("%", "%%"))
        config.set_main_option("path_separator", "os")
        return config

    @cached_property
    def _newest(self) -> str:
        """The revision of the last migration, which its file's name starts with."""
        names = (path.name for path in (self._scripts / "versions").glob("[0-9]*.py"))
        return max(names).partition("_")[0]
