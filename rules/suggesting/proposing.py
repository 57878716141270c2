"""From subject and text to proposed facts: class, situation, sector, area, place, each with its reasons.

Pure and deterministic; costs time in proportion to the length of the text. Nothing here decides: an accusation and a
refusal are never proposed (信访工作条例 art 30(3), 31), and the clerk confirms every fact.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Literal, TypeVar, cast

from config.bodies import Bodies
from config.facts import VALUES
from config.lexicon import Lexicon, Topic
from config.routing import RoutingTable
from rules.suggesting.answer import Caution, Proposal, SuggestError, Suggestions
from rules.suggesting.finding import Finder
from rules.suggesting.places import Gazetteer
from rules.suggesting.weighing import Reading, Scores, Weigher

K = TypeVar("K", bound=str)
LONGEST = 50_000
"""Characters of subject and text together; what is longer is not a letter."""
NOBODY = ""
"""Stands among the sectors for topics that no one agency answers, so that they compete."""


class Suggester:
    """The lexicon and the bodies of one installation, made ready to look for."""

    def __init__(self, lexicon: Lexicon, bodies: Bodies) -> None:
        file = lexicon.file
        self.lexicon, self.bodies, self.counting = lexicon, bodies, file.counting
        self.seated = {body.sector for body in bodies if body.sector is not None and body.successor is None}
        # Areas and sectors are asked of the same words, so that both are found in one family.
        self.areas: Weigher[str] = Weigher("topics", ((t.area, t) for t in file.topics.values()), file)
        self.sectors: Weigher[str] = Weigher("topics", ((self._sector(t), t) for t in file.topics.values()), file)
        self.klasses: Weigher[str] = Weigher("klass", file.klass.items(), file)
        self.situations: Weigher[str] = Weigher("situations", file.situations.items(), file)
        self.alarms: Weigher[str] = Weigher("alarms", file.warnings.items(), file)
        self.places = Gazetteer(bodies, file.counting)
        weighers = (self.areas, self.klasses, self.situations, self.alarms, self.places)
        self._finder = Finder({family: words for each in weighers for family, words in each.families.items()})

    def _sector(self, topic: Topic) -> str:
        return next((s for s in self.lexicon.sectors_of(topic) if s in self.seated), NOBODY)

    def suggest(self, subject: str, text: str, table: RoutingTable | None = None) -> Suggestions:
        """See `suggest`."""
        _check(subject, text)
        areas, at = self.lexicon.areas, self.counting.threshold
        reading = self.read(subject, text)
        warnings = self._warnings(reading)
        kinds = {caution.kind for caution in warnings}
        official = "accusation_official" in kinds
        accuses = official or "accusation_law" in kinds
        klass = None if accuses else self._best(self.klasses.weigh(reading), VALUES, at.klass)
        # What is named are kinds of claims, and a suggestion is none of them.
        situation = None if accuses or (klass is not None and klass.value == "suggestion") else self._situation(reading, table)
        sector = self._best(self.sectors.weigh(reading), areas.sectors, at.sector)
        return Suggestions(
            klass=cast(Proposal[Literal["suggestion", "claim"]] | None, klass),
            situation=situation,
            sector=None if official else self._beside(situation, sector, table),
            area=self._best(self.areas.weigh(reading), {slug: area.zh for slug, area in areas.areas.items()}, at.area),
            division=self._division(reading),
            warnings=warnings,
        )

    def read(self, subject: str, text: str) -> Reading:
        """A petition with every word of the lexicon and every place found in it."""
        return Reading.of(self._finder, subject, text)

    def _best(self, scores: Scores[str], names: Mapping[str, str], threshold: float) -> Proposal[str] | None:
        ranked = scores.ranked(self.counting.sharpness, self.counting.background)
        if not ranked or ranked[0][1] < threshold or ranked[0][0] == NOBODY:
            return None
        value, confidence = ranked[0]
        return Proposal(value, names[value], round(confidence, 3), scores.words(value))

    def _situation(self, reading: Reading, table: RoutingTable | None) -> Proposal[str] | None:
        file = self.lexicon.file
        names = {slug: each.zh for slug, each in file.situations.items()}
        if table is not None:
            names = {slug: table.situations[slug].zh for slug in names if slug in table.situations}
        scores = self.situations.weigh(reading)
        for slug in list(scores.of):
            if slug not in names or any(word in content for word in file.situations[slug].unless for content in reading.content.values()):
                del scores.of[slug]
        return self._best(scores, names, self.counting.threshold.situation)

    def _beside(self, situation: Proposal[str] | None, sector: Proposal[str] | None, table: RoutingTable | None) -> Proposal[str] | None:
        """The sector that does not contradict the situation: the one it implies, or the words' own where it leaves that open."""
        if situation is None or table is None:
            return sector
        named = table.situations[situation.value]
        implied = named.facts.get("sector")
        if isinstance(implied, str):
            zh = self.lexicon.areas.sectors.get(implied)
            return Proposal(implied, zh, situation.confidence, situation.words) if zh and implied in self.seated else None
        return sector if "sector" in named.asks else None

    def _division(self, reading: Reading) -> Proposal[str] | None:
        scores = self.places.weigh(reading)
        return self._best(scores, {code: place.name for code in scores.of if (place := self.bodies.place(code))}, self.counting.threshold.division)

    def _warnings(self, reading: Reading) -> tuple[Caution, ...]:
        scores = self.alarms.weigh(reading)
        alarms = self.lexicon.file.warnings
        return tuple(Caution(kind, alarm.says, alarm.basis, scores.words(kind)) for kind, alarm in alarms.items() if scores.of.get(kind, 0.0) >= alarm.at)


def suggest(subject: str, text: str, lexicon: Lexicon, bodies: Bodies, table: RoutingTable | None = None) -> Suggestions:
    """What a petition's subject and text suggest.

    Args:
        subject: the petition's subject; may be empty if the text is not.
        text: its text.
        lexicon: words and areas, `config.lexicon.load_lexicon`.
        bodies: the bodies; only a sector that one of them holds is proposed, and only a division they stand in.
        table: the routing table; only its situations are proposed. Without it, every situation of the lexicon.

    Raises:
        SuggestError: nothing to read, or more than `LONGEST` characters.
    """
    return ready(lexicon, bodies).suggest(subject, text, table)


@lru_cache(maxsize=4)
def ready(lexicon: Lexicon, bodies: Bodies) -> Suggester:
    """The suggester of this lexicon and these bodies; made once."""
    return Suggester(lexicon, bodies)


def _check(subject: str, text: str) -> None:
    if not subject.strip() and not text.strip():
        raise SuggestError("标题和正文都是空的，无从建议。修正：填写标题或正文")
    if len(subject) + len(text) > LONGEST:
        raise SuggestError(f"标题和正文共 {len(subject) + len(text)} 字，超过 {LONGEST} 字。修正：摘录反映的事项后重试")
    if "\0" in subject or "\0" in text:
        raise SuggestError("内容中有空字符，像是二进制文件而不是文字。修正：改用纯文字")
