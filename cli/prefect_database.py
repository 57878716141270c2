"""Prefect's own database: made where it is missing, made anew where only a part of it is left. Nothing in it is needed by any case."""

from __future__ import annotations

import logging
from urllib.parse import quote

import psycopg
from psycopg import sql

PREFECT = "prefect"

log = logging.getLogger("tonglu.stack")

# Without any one of these its server answers 503 to everything, and its migrations, which are up to date by their own note, bring nothing back.
_NEEDED = ("flow", "flow_run", "flow_run_state", "task_run", "deployment", "deployment_schedule", "work_pool", "work_queue", "log", "artifact")


class NoPrefectDatabase(RuntimeError):
    """Prefect's database is not there and cannot be made; says why and what to do."""


def address(ledger_url: str) -> str:
    """The URL of Prefect's database on the ledger's server."""
    head, _, query = ledger_url.partition("?")
    return head.rpartition("/")[0] + "/" + quote(PREFECT, safe="") + (f"?{query}" if query else "")


def make(ledger_url: str) -> bool:
    """See to it that Prefect's database is there, and empty or whole. Returns whether it was made (anew).

    To be called while no server of Prefect works with it. Raises NoPrefectDatabase where our role may not make one, psycopg.OperationalError where the
    database server does not answer.
    """
    with psycopg.connect(ledger_url, autocommit=True, connect_timeout=10) as connection:
        there = connection.execute("select 1 from pg_database where datname = %s", (PREFECT,)).fetchone() is not None
        try:
            if there:
                lost = _lost(address(ledger_url))
                if not lost:
                    return False
                log.warning("Prefect's database lacks %d of its tables and is made anew", len(lost))
                connection.execute(sql.SQL("drop database if exists {} with (force)").format(sql.Identifier(PREFECT)))
            connection.execute(sql.SQL("create database {}").format(sql.Identifier(PREFECT)))
        except psycopg.errors.InsufficientPrivilege:
            raise NoPrefectDatabase(f"TONGLU_DATABASE_URL 中的用户无权建立数据库 {PREFECT}；请管理员建立它（CREATE DATABASE {PREFECT}）并设其为所有者") from None
        except psycopg.errors.DuplicateDatabase:
            return False  # another process of ours was quicker
    return True


def _lost(url: str) -> list[str]:
    """Tables that a database which Prefect has once set up should have and has not; none where it never was."""
    with psycopg.connect(url, autocommit=True, connect_timeout=10) as connection:
        row = connection.execute("select to_regclass('alembic_version') is not null").fetchone()
        if row is None or not row[0] or connection.execute("select 1 from alembic_version").fetchone() is None:
            return []
        return [str(name) for (name,) in connection.execute("select name from unnest(%s::text[]) name where to_regclass(name) is null", (list(_NEEDED),))]
