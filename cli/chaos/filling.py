"""Rows for the tables of a ledger of any version: invented, whole, and alike for everybody, so that a migration has something to lose."""

from __future__ import annotations

from collections.abc import Iterable

from psycopg import sql

from models.db import Connection

# Parents first. Every table of every version so far; one that a version does not have yet is passed over.
_TABLES = ("petition", "petitioner", "petition_counter", "handoff", "outbox", "inbox", "attempt", "receipt", "clock", "duty", "journal", "body", "document",
           "reconciliation", "difference")
_VALUES = {
    "int4": "n::int", "int8": "n::bigint", "float8": "n::float", "bool": "n % 2 = 0", "timestamptz": "timestamptz '2026-03-16 01:00+00' + n * interval '1 minute'",
    "date": "date '2026-03-16' + n::int", "bytea": "decode(md5(n::text), 'hex')", "jsonb": "jsonb_build_object('n', n)", "_text": "array['a' || n]",
}
# Where the type does not say enough: numbers that other tables refer to, states that the tables' own checks want held.
_NAMED = {
    "petition_no": "'XF990100' || lpad(n::text, 14, '0')", "handoff_id": "'h' || n", "message_id": "'m' || n", "reconciliation_id": "n",
    "state": "'REGISTERED'", "holder": "'bureau-990100'", "sequence": "1", "round": "1", "parent_petition_no": "null", "breaker": "'CLOSED'",
}
_COLUMNS = """select column_name, udt_name from information_schema.columns where table_schema = 'public' and table_name = %s and is_identity = 'NO'
              order by ordinal_position"""
# Differences found again by a second reading, as old versions kept them.
_TWICE = 10


def fill(connection: Connection, rows: int) -> None:
    """Put `rows` rows into every table that is there (some more into `difference`). The numbers of identity columns begin at 1."""
    for table in _TABLES:
        columns = connection.execute(_COLUMNS, (table,)).fetchall()
        if not columns:
            continue
        names = sql.SQL(", ").join(sql.Identifier(name) for name, _ in columns)
        # sql.SQL: every expression is one of the constants above.
        values = sql.SQL(", ").join(sql.SQL(_NAMED.get(name) or _VALUES.get(kind) or "'t' || n") for name, kind in columns)
        insert = sql.SQL("insert into {} ({}) select {} from generate_series(1, {}) n")
        connection.execute(insert.format(sql.Identifier(table), names, values, sql.Literal(rows)))
        if table == "difference":
            again = sql.SQL("insert into {} ({}) select {} from generate_series({}, {}, {}) n")
            connection.execute(again.format(sql.Identifier(table), names, values, sql.Literal(_TWICE), sql.Literal(rows), sql.Literal(_TWICE)))


def columns_of(connection: Connection) -> dict[str, tuple[str, ...]]:
    """Table → its columns, of those that `fill` fills."""
    found = connection.execute(
        """select table_name, array_agg(column_name::text order by ordinal_position) from information_schema.columns
           where table_schema = 'public' and table_name = any(%s) group by 1""", (list(_TABLES),))
    return {table: tuple(columns) for table, columns in found}


def digests(connection: Connection, columns: dict[str, tuple[str, ...]], leave_out: Iterable[str] = ()) -> dict[str, tuple[int, str]]:
    """Table → its number of rows and a digest of these columns of all of them, whatever their order."""
    found = {}
    for table, names in sorted(columns.items()):
        if table in leave_out:
            continue
        row = sql.SQL("row({})").format(sql.SQL(", ").join(map(sql.Identifier, names)))
        asked = sql.SQL("select count(*), coalesce(md5(string_agg(h, '' order by h)), '') from (select md5({}::text) as h from {}) x")
        said = connection.execute(asked.format(row, sql.Identifier(table))).fetchone()
        assert said is not None  # noqa: S101  (an aggregate always answers)
        found[table] = (int(said[0]), str(said[1]))
    return found
