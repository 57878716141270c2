"""The mapping of one kind of file, as an operator writes it in config/imports: columns to fields, values to codes, keywords to facts."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, Literal, get_args
from zoneinfo import ZoneInfo

from pydantic import Field, ValidationError, model_validator

from config.facts import Channel, Facts
from config.source import Fault, Located, Problem, Strict, load_located, raise_if
from rules.house import House

# What a hand-off request can carry on the wire (connectors.wire), with room for the petitioner and the frame.
MOST_SUBJECT, MOST_TEXT = 300, 50_000

Words = Annotated[list[Annotated[str, Field(min_length=1, max_length=40)]], Field(min_length=1)]
Format = Literal["xlsx", "csv", "jsonl"]


class FileForm(Strict):
    """How the file is to be read. `header_row` counts from 1; `sheet` empty: the first; `encoding` and `delimiter` are csv's."""

    format: Format
    sheet: str = ""
    header_row: Annotated[int, Field(ge=1, le=100)] = 1
    encoding: Literal["utf-8", "gb18030"] = "utf-8"
    delimiter: Annotated[str, Field(min_length=1, max_length=1)] = ","


class Reference(Strict):
    """What makes a row the same row for ever: a column, or a digest over columns where the file has no number of its own."""

    column: str | None = None
    digest: Words | None = None

    @model_validator(mode="after")
    def _one(self) -> Reference:
        if (self.column is None) == (self.digest is None):
            raise Fault("origin_ref 须写 column 或 digest 之一", "有编号列的写 column，没有的写 digest: [列, 列]")
        return self


class Moment(Strict):
    """A date and time. `formats` as Python's strptime; cells that are dates already need none. Without a zone of its own it is in `timezone`."""

    column: str
    formats: Words
    timezone: str = "Asia/Shanghai"

    @model_validator(mode="after")
    def _known(self) -> Moment:
        try:
            ZoneInfo(self.timezone)
        except (KeyError, ValueError):
            raise Fault(f"时区 {self.timezone} 不存在", "写成 Asia/Shanghai 这样的名称", ("timezone",)) from None
        return self


class Subject(Strict):
    """标题. `from_text`: where the column is blank (or there is none), this many first characters of the text."""

    column: str | None = None
    max: Annotated[int, Field(ge=1, le=MOST_SUBJECT)] = 200
    from_text: Annotated[int, Field(ge=5, le=100)] | None = None

    @model_validator(mode="after")
    def _some(self) -> Subject:
        if self.column is None and self.from_text is None:
            raise Fault("subject 须写 column 或 from_text", "写标题所在的列，或写取正文前多少字")
        return self


class Body(Strict):
    """正文."""

    column: str
    max: Annotated[int, Field(ge=1, le=MOST_TEXT)] = MOST_TEXT


class Chosen(Strict):
    """A code: constant (`value`), or looked up from a column by `map`; what the map does not know becomes `default`, or the row is rejected."""

    value: str | int | bool | None = None
    column: str | None = None
    map: dict[str, str | int | bool] = Field(default_factory=dict)
    default: str | int | bool | None = None

    @model_validator(mode="after")
    def _one(self) -> Chosen:
        if (self.value is None) == (self.column is None):
            raise Fault("须写 value 或 column 之一", "常量写 value；由某列换算的写 column 和 map")
        if self.column is not None and not self.map and self.default is None:
            raise Fault(f"列 {self.column} 没有写 map", "写 map: {表中的值: 代码}")
        return self

    @property
    def codes(self) -> list[str | int | bool]:
        """Every code it can give."""
        return [v for v in (self.value, self.default, *self.map.values()) if v is not None]


class TextRule(Strict):
    """If one of the words `any` stands `in` the subject, the text or either (and none of `unless`): these facts, or a clerk."""

    id: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]
    any: Words
    unless: Words | None = None
    where: Literal["subject", "text", "both"] = Field("subject", alias="in")
    facts: dict[str, str | int | bool] = Field(default_factory=dict)
    clerk: Annotated[str, Field(min_length=2)] | None = None

    @model_validator(mode="after")
    def _sound(self) -> TextRule:
        _check_facts(self.facts, ("facts",))
        if self.facts.get("klass") == "accusation" and (set(self.facts) != {"klass"} or self.clerk is None):
            raise Fault(f"规则 {self.id} 不能替检举控告定去向", "只写 facts: {klass: accusation} 和 clerk，由人甄别", ("facts",))
        if not self.facts and self.clerk is None:
            raise Fault(f"规则 {self.id} 没有写 facts 或 clerk", "写 facts: {…}，或写 clerk: 交人的理由")
        return self


class Pass(Strict):
    """One question put to the text: the first rule that fits answers it; `otherwise` where none does. A clerk's answer ends the asking."""

    name: Annotated[str, Field(min_length=1)]
    rules: Annotated[list[TextRule], Field(min_length=1)]
    otherwise: dict[str, str | int | bool] = Field(default_factory=dict)
    otherwise_clerk: str | None = None

    @model_validator(mode="after")
    def _sound(self) -> Pass:
        _check_facts(self.otherwise, ("otherwise",))
        return self


class Skip(Strict):
    """Rows to pass over without a word: the column holds one of these values, or is blank."""

    column: str
    equals: Words | None = None
    blank: bool = False


class Mapping(Strict):
    """The content of a mapping file. `name` is the origin of its petitions: never change it once it was used, or rows come in again."""

    name: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_-]{1,39}$")]
    file: FileForm
    origin_ref: Reference
    received_at: Moment
    subject: Subject
    text: Body
    petitioner: dict[Literal["name", "phone", "address", "id_no"], str] = Field(default_factory=dict)
    channel: Chosen
    division: Chosen
    facts: dict[str, Chosen] = Field(default_factory=dict)
    facts_from_text: list[Pass] = Field(default_factory=list)
    skip: list[Skip] = Field(default_factory=list)

    @property
    def columns(self) -> list[str]:
        """Every column it reads, in order, once."""
        found: list[str | None] = [self.origin_ref.column, *(self.origin_ref.digest or []), self.received_at.column, self.subject.column, self.text.column,
                                   *self.petitioner.values(), self.channel.column, self.division.column, *(c.column for c in self.facts.values()),
                                   *(s.column for s in self.skip)]
        return list(dict.fromkeys(c for c in found if c is not None))


def load_mapping(path: Path, house: House) -> Mapping:
    """A mapping file, checked against itself and the house. Raises ConfigError with every fault, file, line and cure."""
    mapping, located = load_located(path, Mapping)
    raise_if(list(_faults(mapping, located, house)))
    return mapping


def _faults(mapping: Mapping, at: Located, house: House) -> Iterator[Problem]:
    for code in mapping.channel.codes:
        if code not in get_args(Channel):
            yield at.problem(f"渠道 {code} 不存在", f"用以下之一：{'、'.join(get_args(Channel))}", "channel")
    for code in mapping.division.codes:
        if house.bodies.place(str(code)) is None:
            yield at.problem(f"区划 {code} 不在机关目录中", '改正代码（六位或九位数字，加引号，如 "990100"），或在 bodies.yaml 中补写', "division")
    for name, chosen in mapping.facts.items():
        if name in ("division", "channel"):
            yield at.problem(f"facts 中不写 {name}", f"删去这一行；{name} 由上面的同名项给出", "facts", name)
            continue
        for code in chosen.codes:
            wrong = _wrong({name: code})
            if wrong:
                yield at.problem(wrong, "改正名称或取值（见 docs/routing.md）", "facts", name)
    ids: set[str] = set()
    for i, one in enumerate(mapping.facts_from_text):
        for j, rule in enumerate(one.rules):
            if rule.id in ids:
                yield at.problem(f"规则 {rule.id} 重复", "改用另一个编号", "facts_from_text", i, "rules", j, "id")
            ids.add(rule.id)


def _wrong(facts: dict[str, Any]) -> str | None:
    for name in facts:
        if name not in Facts.model_fields:
            return f"没有事实 {name}"
    try:
        Facts.model_validate(facts)
    except ValidationError as error:
        return f"事实 {error.errors()[0]['loc'][0]} 的值 {next(iter(facts.values()))} 不在允许之列"
    return None


def _check_facts(facts: dict[str, Any], at: tuple[str, ...]) -> None:
    for name, value in facts.items():
        wrong = _wrong({name: value})
        if wrong:
            raise Fault(wrong, "改正名称或取值（见 docs/routing.md）", (*at, name))
