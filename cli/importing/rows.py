"""One row of a file as a petition's arrival, or the reason why it cannot be one. Reasons name columns and never what stands in them."""

from __future__ import annotations

import json
from collections.abc import Mapping as Map
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any
from zoneinfo import ZoneInfo

from pydantic import ValidationError

from cli.importing.mapping import Chosen, Mapping
from cli.importing.sheets import Raw
from cli.importing.wording import Reading, read_text
from config.facts import Facts
from models.moves import Actor, Arrival

_OLDEST = datetime(1949, 10, 1, tzinfo=UTC)
_MOST_REF = 64
_MOST_PERSON = 300
# Escaped as JSON the whole must fit one message on the wire (262,144 bytes).
_MOST_BYTES = 240_000


@dataclass(frozen=True, slots=True)
class Good:
    """A row that can come in; `reading` is what the keywords said."""

    number: int
    arrival: Arrival
    reading: Reading


@dataclass(frozen=True, slots=True)
class Bad:
    """A row that cannot: its number, its reference (may be empty), why (Chinese)."""

    number: int
    ref: str
    reason: str


class _No(Exception):
    pass


class RowReader:
    """Reads rows by one mapping. `now` (aware): nothing can have been received after it."""

    def __init__(self, mapping: Mapping, bureau: str, now: datetime) -> None:
        self._mapping, self._now = mapping, now
        self._zone = ZoneInfo(mapping.received_at.timezone)
        self._actor = Actor("bureau", bureau)

    def read(self, raw: Raw) -> Good | Bad | None:
        """The row as an arrival, the reason why not, or None for one that the mapping passes over."""
        if raw.fault:
            return Bad(raw.number, "", raw.fault)
        ref = ""
        try:
            if self._skipped(raw.cells):
                return None
            ref = self._ref(raw.cells)
            return self._good(raw, ref)
        except _No as no:
            return Bad(raw.number, ref[:_MOST_REF], str(no))

    def _skipped(self, cells: Map[str, Any]) -> bool:
        for rule in self._mapping.skip:
            value = _text(cells.get(rule.column))
            if (rule.blank and not value) or (rule.equals and value in rule.equals):
                return True
        return False

    def _ref(self, cells: Map[str, Any]) -> str:
        given = self._mapping.origin_ref
        if given.digest is not None:
            joined = json.dumps([_text(cells.get(c)) for c in given.digest], ensure_ascii=False)
            return sha256(joined.encode("utf-8", "surrogatepass")).hexdigest()[:32]
        ref = _text(cells.get(given.column or ""))
        if not ref:
            raise _No(f"缺少编号（{given.column}）")
        if len(ref) > _MOST_REF or not ref.isprintable() or not _storable(ref):
            raise _No(f"编号（{given.column}）过长或含有控制字符，最多 {_MOST_REF} 个字符")
        return ref

    def _good(self, raw: Raw, ref: str) -> Good:
        m, cells = self._mapping, raw.cells
        received_at = self._moment(cells)
        text = self._long(cells, m.text.column, m.text.max, "正文")
        if not text:
            raise _No(f"缺少正文（{m.text.column}）")
        subject = self._long(cells, m.subject.column, m.subject.max, "标题") if m.subject.column else ""
        if not subject and m.subject.from_text:
            subject = " ".join(text[: m.subject.from_text].split())
        if not subject:
            raise _No(f"缺少标题（{m.subject.column}）")
        if len(json.dumps([subject, text], ensure_ascii=False).encode()) > _MOST_BYTES:
            raise _No(f"正文过长：按字节计超过 {_MOST_BYTES}")
        person: dict[str, Any] = {name: value for name, column in m.petitioner.items() if (value := self._long(cells, column, _MOST_PERSON, column))}
        channel, division = str(_code(m.channel, cells, "渠道")), str(_code(m.division, cells, "属地"))
        facts = {name: code for name, chosen in m.facts.items() if (code := _code(chosen, cells, name)) is not None}
        reading = read_text(m.facts_from_text, subject, text)
        told = {**reading.facts, **facts, "division": division, "channel": channel}
        try:
            known = Facts.model_validate(told).model_dump(exclude_none=True)
        except ValidationError as error:
            raise _No(f"事实 {error.errors()[0]['loc'][0]} 的值不合要求") from None
        arrival = Arrival(m.name, ref, division, channel, known.get("klass", ""), received_at, subject, text, person or None, known, self._actor)
        return Good(raw.number, arrival, reading)

    def _moment(self, cells: Map[str, Any]) -> datetime:
        column = self._mapping.received_at.column
        value = cells.get(column)
        moment = value if isinstance(value, datetime) else self._parsed(_text(value), column)
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=self._zone)
        try:
            moment = moment.astimezone(UTC)
        except (OverflowError, ValueError):
            raise _No(f"时间（{column}）不在可用的范围内") from None
        if moment > self._now + timedelta(minutes=5):
            raise _No(f"时间（{column}）在将来")
        if moment < _OLDEST:
            raise _No(f"时间（{column}）过早，可能写错年份")
        return moment

    def _parsed(self, text: str, column: str) -> datetime:
        if not text:
            raise _No(f"缺少时间（{column}）")
        for form in self._mapping.received_at.formats:
            try:
                return datetime.strptime(text, form)  # noqa: DTZ007  (the caller gives it its zone)
            except ValueError:
                continue
        raise _No(f"时间（{column}）看不懂，应如 {self._mapping.received_at.formats[0]}")

    def _long(self, cells: Map[str, Any], column: str, most: int, what: str) -> str:
        text = _text(cells.get(column))
        if len(text) > most:
            raise _No(f"{what}过长（{column}）：{len(text)} 字，最多 {most} 字")
        if not _storable(text):
            raise _No(f"{what}（{column}）含有无法保存的字符（编码不对，或有空字符）")
        return text


def _text(value: Any) -> str:
    if value is None:
        return ""
    # Spreadsheets keep whole numbers as fractions.
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return str(value).replace("\r\n", "\n").strip()


def _storable(text: str) -> bool:
    return "\0" not in text and not any("\ud800" <= c <= "\udfff" for c in text)


def _code(chosen: Chosen, cells: Map[str, Any], what: str) -> str | int | bool | None:
    if chosen.column is None:
        return chosen.value
    found = chosen.map.get(_text(cells.get(chosen.column)), chosen.default)
    if found is None:
        raise _No(f"{what}（{chosen.column}）的值不在映射的 map 之列")
    return found
