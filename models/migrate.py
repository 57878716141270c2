"""Bring a ledger's tables to the newest version, once, whoever starts first."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, create_engine, text
from sqlmodel import SQLModel

import models.delivery_tables
import models.tables  # noqa: F401  (both fill the metadata)
from models.db import sqlalchemy_url

# Any number: two processes that migrate at once wait for each other on it.
_LOCK = 0x746F6E67


@dataclass(frozen=True, slots=True)
class Status:
    """Where a ledger stands: its revision (None: empty), the newest one, and columns that differ from the code."""

    current: str | None
    newest: str
    drift: tuple[str, ...]

    @property
    def ready(self) -> bool:
        return self.current == self.newest and not self.drift


def _config() -> Config:
    config = Config()
    # Alembic interpolates '%' in options; a folder may hold one.
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations").replace("%", "%%"))
    return config


def upgrade(url: str, revision: str = "head") -> None:
    """Migrate the database at `url` (postgresql://…). Safe to call from several processes at once; does nothing when it is up to date."""
    engine = create_engine(sqlalchemy_url(url))
    try:
        with engine.begin() as connection:
            connection.execute(text("select pg_advisory_xact_lock(:key)"), {"key": _LOCK})
            config = _config()
            config.attributes["connection"] = connection
            command.upgrade(config, revision)
    finally:
        engine.dispose()


def status(url: str) -> Status:
    """Compare the database at `url` with the code."""
    engine = create_engine(sqlalchemy_url(url))
    try:
        with engine.connect() as connection:
            return _status(connection)
    finally:
        engine.dispose()


def _status(connection: Connection) -> Status:
    context = MigrationContext.configure(connection, opts={"compare_type": True})
    newest = ScriptDirectory.from_config(_config()).get_current_head()
    current = context.get_current_revision()
    drift = () if current is None else tuple(str(d) for d in compare_metadata(context, SQLModel.metadata))
    return Status(current, newest or "", drift)


def make_revision(url: str, message: str) -> None:
    """For developers: write a new migration from the difference between `url` and the tables in code."""
    engine = create_engine(sqlalchemy_url(url))
    with engine.begin() as connection:
        config = _config()
        config.attributes["connection"] = connection
        command.revision(config, message=message, autogenerate=True, rev_id=message.split()[0])
    engine.dispose()
