"""Which division a petition speaks of: names of places and of bodies seated there."""

from __future__ import annotations

from collections.abc import Iterator

from config.bodies import Bodies
from config.lexicon import Counting
from rules.suggesting.answer import Span
from rules.suggesting.weighing import Reading, Scores

FULL, BODY, SHORT = 3.2, 3.2, 2.0
"""What a place's full name, the name of a body seated there, and a place's name without 省, 市, 区, 县 weigh."""
_ROUTES = ("从", "由", "往", "至", "经")
"""Before a name they speak of a way there, not of the place of the matter."""
_FAMILY = "places"
_ENDINGS = ("自治区", "自治州", "自治县", "街道", "省", "市", "区", "县", "旗", "镇", "乡")


class Gazetteer:
    """The names of all divisions and bodies, to look for. A name that several places bear speaks for each of them."""

    def __init__(self, bodies: Bodies, counting: Counting) -> None:
        self._bodies, self._counting = bodies, counting
        self._credit: dict[str, dict[str, float]] = {}
        for place in bodies.places:
            self._name(place.name, place.code, FULL)
            short = next((place.name.removesuffix(end) for end in _ENDINGS if place.name.endswith(end)), "")
            if len(short) >= 2:
                self._name(short, place.code, SHORT)
        for body in bodies:
            for name in (body.name, *body.aliases):
                self._name(name, body.division, BODY)

    def _name(self, name: str, code: str, weight: float) -> None:
        credit = self._credit.setdefault(name, {})
        credit[code] = max(credit.get(code, 0.0), weight)

    @property
    def families(self) -> dict[str, set[str]]:
        """What a finder has to look for."""
        return {_FAMILY: set(self._credit)}

    def weigh(self, reading: Reading) -> Scores[str]:
        """Scores of the divisions; a place inside another that is also named takes over what speaks for the outer one."""
        raw: Scores[str] = Scores()
        for code, span in self._spans(reading):
            raw.add(code, span)
        outer = {place.code for code in raw.of for place in self._bodies.lineage(code)[1:]}
        scores: Scores[str] = Scores()
        for code in raw.of:
            if code in outer:
                continue
            for above in (code, *(place.code for place in self._bodies.lineage(code)[1:])):
                for span in raw.spans.get(above, ()):
                    scores.add(code, span)
        return scores

    def _spans(self, reading: Reading) -> Iterator[tuple[str, Span]]:
        first: dict[str, Span] = {}
        for part, families in reading.hits.items():
            for hit in families[_FAMILY]:
                route = reading.content[part].startswith(_ROUTES, hit.start - 1) if hit.start else False
                factor = (self._counting.title if part == "subject" else 1.0) * (self._counting.landmark if route else 1.0)
                before = first.get(hit.word)
                if before is None:
                    first[hit.word] = Span(part, hit.start, hit.end, hit.word, factor)
                else:
                    # A further mention adds to it, as for any word; a better place takes over.
                    weight = max(before.weight, factor) + self._counting.again
                    first[hit.word] = Span(before.part, before.start, before.end, hit.word, min(weight, self._counting.title + 1.0))
        for word, span in first.items():
            for code, weight in self._credit[word].items():
                yield code, Span(span.part, span.start, span.end, word, round(weight * span.weight, 4))
