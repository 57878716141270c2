"""The lexicon: words that suggest facts of a petition to a clerk, and how they are counted. Data; `rules.suggesting` reads it.

It holds no class `accusation` and no refusal: such words may only warn (信访工作条例 art 30(3); a clerk decides).
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, model_validator

from config.areas import Areas, Zh, load_areas
from config.bodies import Bodies, Slug
from config.facts import ACCUSING
from config.routing import RoutingTable
from config.source import Fault, Located, Problem, Strict, load_located, raise_if

LONGEST_WORD = 20
Word = Annotated[str, Field(min_length=2, max_length=LONGEST_WORD, pattern=r"^\S+$")]
Mark = Annotated[str, Field(min_length=1, max_length=6, pattern=r"^\S+$")]
Grade = Literal["strong", "clear", "faint"]
Share = Annotated[float, Field(gt=0, lt=1)]
WarningKind = Literal["accusation_official", "accusation_law", "grave"]
"""What may only be warned of, never proposed."""

GRADES: tuple[Grade, ...] = ("strong", "clear", "faint")


class Together(Strict):
    """Words that say something only near each other: one of every list, within the counting window."""

    all: Annotated[tuple[Annotated[tuple[Word, ...], Field(min_length=1)], ...], Field(min_length=2, max_length=3)]
    grade: Grade = "strong"


class Words(Strict):
    """Words by how much each says: strong (alone enough), clear, faint (only in company)."""

    strong: tuple[Word, ...] = ()
    clear: tuple[Word, ...] = ()
    faint: tuple[Word, ...] = ()
    together: tuple[Together, ...] = ()

    @model_validator(mode="after")
    def _each_once(self) -> Words:
        seen: dict[str, str] = {}
        for grade in GRADES:
            for i, word in enumerate(self.of(grade)):
                if word in seen:
                    raise Fault(f"词“{word}”在同一处写了两次（{seen[word]}、{grade}）", "只保留一处", (grade, i))
                seen[word] = grade
        if not seen and not self.together:
            raise Fault("没有写任何词", "在 strong、clear、faint 或 together 中至少写一项")
        return self

    def of(self, grade: Grade) -> tuple[str, ...]:
        """The words of this grade."""
        return {"strong": self.strong, "clear": self.clear, "faint": self.faint}[grade]


class Topic(Words):
    """One thing people petition about. `sector`: who answers, by preference (the first one with a body is
    proposed); left out, the area's own; empty, nobody in particular."""

    zh: Zh
    area: Slug
    sector: tuple[Slug, ...] | None = None


class Situation(Words):
    """Words of one situation of the routing table (its slug is the key)."""

    zh: Zh
    unless: tuple[Word, ...] = ()


class Alarm(Words):
    """What makes the product warn. `at`: the score from which it does; `says`: what the clerk reads, with its basis."""

    says: Annotated[str, Field(min_length=6, max_length=120)]
    basis: Annotated[str, Field(min_length=2, max_length=60)]
    at: Annotated[float, Field(gt=0)] = 3.0


class Thresholds(Strict):
    """Below this confidence nothing is proposed."""

    klass: Share
    situation: Share
    sector: Share
    area: Share
    division: Share


class Counting(Strict):
    """How words become a score and a score a confidence; docs/suggesting.md has the formula.

    `title`: a word in the subject counts this many times. `again`: what each further mention adds (three at most).
    `landmark`: what is left of a word that only says where. `window`: how many characters may lie between words that
    belong together. `sharpness`, `background`: exponent of the softmax over log scores, and the score of "none of these".
    """

    grades: dict[Grade, Annotated[float, Field(gt=0)]]
    title: Annotated[float, Field(ge=1)]
    again: Annotated[float, Field(ge=0, le=1)]
    landmark: Annotated[float, Field(ge=0, le=1)]
    window: Annotated[int, Field(ge=1, le=60)]
    sharpness: Annotated[float, Field(gt=0)]
    background: Annotated[float, Field(gt=0)]
    threshold: Thresholds

    @model_validator(mode="after")
    def _all_grades(self) -> Counting:
        if set(self.grades) != set(GRADES):
            raise Fault("grades 须写全 strong、clear、faint", "三级各写一个正数", ("grades",))
        if not self.grades["strong"] > self.grades["clear"] > self.grades["faint"]:
            raise Fault("三级的分值须 strong 大于 clear、clear 大于 faint", "改正分值", ("grades",))
        return self


class LexiconFile(Strict):
    """The content of lexicon.yaml. `negations` stand before a word and undo it; `landmarks` follow one that only says where."""

    counting: Counting
    negations: tuple[Word, ...]
    landmarks: tuple[Mark, ...]
    klass: dict[Literal["suggestion", "claim"], Words]
    warnings: dict[WarningKind, Alarm]
    topics: Annotated[dict[Slug, Topic], Field(min_length=1)]
    situations: dict[Slug, Situation] = Field(default_factory=dict)


class Lexicon:
    """Words and areas of one installation, proved sound by `load_lexicon`. Compares by identity."""

    def __init__(self, file: LexiconFile, areas: Areas) -> None:
        self.file, self.areas = file, areas

    def sectors_of(self, topic: Topic) -> tuple[str, ...]:
        """Who answers this topic, by preference."""
        if topic.sector is not None:
            return topic.sector
        sector = self.areas.areas[topic.area].sector
        return (sector,) if sector else ()


def load_lexicon(folder: Path, bodies: Bodies, table: RoutingTable | None = None) -> Lexicon:
    """`lexicon.yaml` and `areas.yaml` of a configuration folder.

    Args:
        folder: where both files stand.
        bodies: the bodies, of which some must be able to answer what is proposed.
        table: the routing table, which names the situations; without it their names are not checked.

    Raises:
        ConfigError: every fault of either file, also an unknown area, sector or situation, and a situation that
            belongs to an accusation: to propose it would decide one.
    """
    areas = load_areas(folder / "areas.yaml")
    file, located = load_located(folder / "lexicon.yaml", LexiconFile)
    raise_if(list(_faults(file, areas, located, bodies, table)))
    return Lexicon(file, areas)


def _faults(file: LexiconFile, areas: Areas, located: Located, bodies: Bodies, table: RoutingTable | None) -> Iterator[Problem]:
    for slug, topic in file.topics.items():
        if topic.area not in areas.areas:
            what = f"主题 {slug} 的领域 {topic.area} 不存在"
            yield located.problem(what, f"改为 areas.yaml 中的领域：{'、'.join(areas.areas)}", "topics", slug, "area")
        for i, sector in enumerate(topic.sector or ()):
            if sector not in areas.sectors:
                what = f"主题 {slug} 的部门类别 {sector} 没有声明"
                yield located.problem(what, "在 areas.yaml 的 sectors 中补写，或改正 sector", "topics", slug, "sector", i)
    wanted = {s for t in file.topics.values() for s in (t.sector or ())} | {a.sector for a in areas.areas.values() if a.sector}
    if not wanted & {b.sector for b in bodies}:
        yield located.problem("词库中的部门类别没有一个有对应机关", "在 bodies.yaml 中补写机关，或改正 areas.yaml", "topics")
    for kind in ("suggestion", "claim"):
        if kind not in file.klass:
            yield located.problem(f"klass 缺少 {kind}", f"补写 {kind} 的词", "klass")
    for slug in file.situations:
        known = None if table is None else table.situations.get(slug)
        if slug.startswith(ACCUSING) or (known is not None and known.facts.get("klass") == "accusation"):
            what = f"情形 {slug} 属于检举控告，不得由词库提出"
            yield located.problem(what, "删除该情形，把这些词写入 warnings", "situations", slug)
        elif table is not None and known is None:
            what = f"情形 {slug} 不在路由表中"
            yield located.problem(what, f"改为 routing.yaml 的 situations 中的名称{_near(slug, table)}，或删除", "situations", slug)


def _near(slug: str, table: RoutingTable) -> str:
    near = difflib.get_close_matches(slug, table.situations, n=1)
    return f"（是否想写 {near[0]}？）" if near else ""


def every_word(words: Words) -> Iterable[tuple[str, Grade]]:
    """Each word of its own with its grade (not those of `together`)."""
    for grade in GRADES:
        for word in words.of(grade):
            yield word, grade
