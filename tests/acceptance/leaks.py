"""The search for what must be nowhere outside the sealed columns: names, telephone numbers, addresses, and eight characters of any text."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import psycopg
from psycopg import sql

from config.samples import SamplePetition

WINDOW = 8
_NUMBER = re.compile(r"XF\d{20}")
_ESCAPED = re.compile(r"\\u([0-9a-fA-F]{4})")


@dataclass
class Found:
    """What a search met: where → the secrets there; and the petition numbers, which are allowed and prove that it sees."""

    secrets: dict[str, set[str]] = field(default_factory=dict)
    numbers: set[str] = field(default_factory=set)
    places: int = 0


class Secrets:
    """Everything personal of these petitions. `public`: names of bodies and situations, which a text may quote and anybody may read."""

    def __init__(self, samples: Iterable[SamplePetition], public: Iterable[str]) -> None:
        samples = list(samples)
        people = [s.petitioner for s in samples if s.petitioner is not None]
        whole = {word for p in people for word in (p.name, p.phone, p.address, p.id_no or "")} | {s.subject for s in samples}
        allowed = {w for name in public for w in _windows(name)}
        self.phrases = {w for s in samples for w in (*_windows(s.text), *_windows(s.subject))} - allowed
        self.words = {word for word in whole if word}
        self._words = re.compile("|".join(re.escape(w) for w in sorted(self.words, key=len, reverse=True)))

    def search(self, text: str, where: str, found: Found) -> None:
        """Note in `found` what of ours stands in `text`, also as JSON escapes."""
        found.places += 1
        found.numbers.update(_NUMBER.findall(text))
        if "\\u" in text:
            text += _ESCAPED.sub(lambda m: chr(int(m[1], 16)), text)
        hits = set(self._words.findall(text))
        if not text.isascii():
            hits |= {w for w in _windows(text) if w in self.phrases}
        if hits:
            found.secrets.setdefault(where, set()).update(hits)


def _windows(text: str) -> Iterator[str]:
    return (text[i : i + WINDOW] for i in range(len(text) - WINDOW + 1))


def search_database(secrets: Secrets, url: str) -> Found:
    """Every row of every table of every schema but PostgreSQL's own, every column, except those named *_sealed."""
    found = Found()
    columns = """select table_schema, table_name, column_name, data_type from information_schema.columns
                 where table_schema not in ('pg_catalog', 'information_schema') and not (data_type = 'bytea' and column_name like '%sealed') order by 1, 2"""
    with psycopg.connect(url, autocommit=True) as connection:
        for schema, table, column, kind in connection.execute(columns).fetchall():
            name = sql.Identifier(column)
            value = sql.SQL("encode({}, 'escape')").format(name) if kind == "bytea" else sql.SQL("{}::text").format(name)
            query = sql.SQL("select distinct {} from {} where {} is not null").format(value, sql.Identifier(schema, table), name)
            for (text,) in connection.execute(query):
                secrets.search(_unescaped(text) if kind == "bytea" else text, f"{table}.{column}", found)
    return found


def _unescaped(text: str) -> str:
    """bytea in PostgreSQL's escape format, read as UTF-8 as far as it is."""
    raw = re.sub(rb"\\(\d{3})", lambda m: bytes([int(m[1], 8)]), text.encode())
    return raw.decode("utf-8", "replace")


def search_files(secrets: Secrets, files: Iterable[Path]) -> Found:
    found = Found()
    for path in files:
        secrets.search(path.read_bytes().decode("utf-8", "replace"), str(path), found)
    return found
