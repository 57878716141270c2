"""One body's comparison: digests of days, then of parts of the days that differ, then the items of the parts that differ."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from itertools import groupby
from typing import TypeVar

from connectors.base import CallFailed, Connector, Unknown
from connectors.wire import ledger as wire
from connectors.wire.ledger import DayDigest, Digests
from flows import fetching
from flows.context import Context
from flows.gate import Place
from models import comparing, differences, recon
from models.comparing import Disagreement, Look
from models.db import Connection
from models.listed import Listed, Part
from models.recon import Begun
from rules.calendar import SHANGHAI
from rules.ledgers import Finding, draw, parts_for

log = logging.getLogger("tonglu.reconcile")
T = TypeVar("T")

# Questions to one body at a time.
AT_ONCE = 8
# What is compared, kept and acted on before the next step begins, and lost when the comparison dies in it: so many hand-offs and days.
_STEP = 50_000
_STEP_DAYS = 31

# So long may the comparison of one body take; what is left is taken up at the day reached.
LONGEST_S = 2 * 3600.0

_NOTHING = wire.digest(())
CONTRADICTION = Finding("ledger_contradicts_itself", "duty")


@dataclass(slots=True)
class Comparison:
    """One body's night: how many days were compared and differed, how many hand-offs our side has, how many items were read one by one, what
    disagreed, and why it failed if it did."""

    body: str
    days: int = 0
    differing: int = 0
    items: int = 0
    listed: int = 0
    found: list[Disagreement] = field(default_factory=list)
    failed: str = ""


@dataclass(frozen=True, slots=True)
class Step:
    """Days that are compared together, each cut into `split` parts."""

    split: int
    days: tuple[date, ...]


class Comparing:
    """The comparison of one body by one connector, from the day an earlier try had reached."""

    def __init__(self, context: Context, connector: Connector, comparison: Comparison, begun: Begun, night: date, place: Place, longest_s: float = LONGEST_S) -> None:
        self._context, self._connector, self._comparison = context, connector, comparison
        self._begun, self._night, self._place = begun, night, place
        self._line = 2
        self._splits = True
        self._ends = time.monotonic() + longest_s

    async def run(self) -> None:
        """Compare, keep, heal what needs a fetch. Raises CallFailed and psycopg.Error; what was kept by then stays."""
        comparison, body = self._comparison, self._comparison.body
        last = self._context.now().astimezone(SHANGHAI).date()
        first = await self._ledger(lambda c: recon.oldest_day(c, body)) or last
        ours, theirs = await self._days(first, last)
        mine, other = _by_part(ours), _by_part(theirs.days)
        comparison.days, comparison.items = len(mine.keys() | other.keys()), sum(d.count for d in ours)
        wrong = differing(ours, theirs.days)
        comparison.differing = len(wrong)
        reached = self._begun.reached
        for step in steps([part for part in wrong if reached is None or part.day > reached], mine, other):
            await self._step(step, other)
        # Equal digests are no proof against a partner that copies ours.
        apart = set(wrong)
        await self._spot_check([d for d in ours if Part(d.day) not in apart], other)

    async def _days(self, first: date, last: date) -> tuple[list[DayDigest], Digests]:
        """Both sides by the best line that the body knows. Ours first: what happens in between makes the partner ahead, which is healed, never us,
        which is a person's."""
        ours = await self._ledger(lambda c: recon.our_digests(c, self._comparison.body, first, last, self._line))
        theirs = await self._call(lambda: self._connector.digests(first, last, self._line))
        if theirs.line != self._line:
            self._line, self._splits = theirs.line, False
            ours = await self._ledger(lambda c: recon.our_digests(c, self._comparison.body, first, last, self._line))
            theirs = await self._call(lambda: self._connector.digests(first, last))
        return ours, theirs

    async def _step(self, step: Step, whole: Mapping[Part, DayDigest]) -> None:
        """One step: which parts differ, what they hold, what follows from it; then the days are done with."""
        comparison = self._comparison
        before = comparison.listed
        parts, given = await self._parts(step, whole)
        await self._settle(parts, given)
        await self._ledger(lambda c: recon.reach(c, self._begun.id, step.days[-1], comparison.differing, comparison.listed - before))

    async def _parts(self, step: Step, whole: Mapping[Part, DayDigest]) -> tuple[list[Part], dict[Part, DayDigest]]:
        """The parts of these days that differ, and the partner's digests of them."""
        theirs = await self._given(step)
        if theirs is None:
            days = [Part(day) for day in step.days]
            return days, {part: whole[part] for part in days if part in whole}
        body = self._comparison.body
        ours = await self._ledger(lambda c: recon.our_digests(c, body, step.days[0], step.days[-1], self._line, step.split, only=step.days))
        # What moved since the digests of the days were read may differ in no part any more.
        parts = differing(ours, list(theirs.values()))
        return parts, {part: theirs[part] for part in parts if part in theirs}

    async def _given(self, step: Step) -> dict[Part, DayDigest] | None:
        """The partner's digests of the parts of these days; None where days are not cut, or it does not cut them."""
        if step.split == 1 or not self._splits:
            return None
        found: list[DayDigest] = []
        for first, last in spans(step):
            theirs = await self._call(lambda first=first, last=last: self._connector.digests(first, last, self._line, step.split))  # type: ignore[misc]
            if (theirs.split, theirs.line) != (step.split, self._line):
                self._splits = False
                return None
            found += theirs.days
        wanted = set(step.days)
        return _by_part([d for d in found if d.day in wanted])

    async def _settle(self, parts: Sequence[Part], given: Mapping[Part, DayDigest]) -> None:
        """Read these parts, keep what disagrees, fetch what is ahead."""
        if not parts:
            return
        look = await self._look(parts, {part: given.get(part) or DayDigest(part.day, 0, _NOTHING, part.bucket) for part in parts})
        found = look.found
        if look.contradicted or any(d.finding.action == "duty" for d in found):
            found = await self._confirmed(look)
        body, context = self._comparison.body, self._context
        kept = await self._ledger(lambda c: differences.record(c, self._begun.id, body, found, context.house, context.sealer, context.now()))
        self._comparison.found.extend(kept)
        if misplaced := {d.handoff_id for d in kept if d.finding.kind == "day_differs"}:
            self._comparison.found = [d for d in self._comparison.found if d.finding.kind != "missing_at_partner" or d.handoff_id not in misplaced]
        await self._fetch([d for d in kept if d.finding.action == "fetch"])

    async def _look(self, parts: Sequence[Part], given: Mapping[Part, DayDigest], *, missing: bool = True) -> Look:
        body = self._comparison.body
        with Listed() as listed:
            await self._together([lambda day=day, some=some: listed.add(  # type: ignore[misc]
                day, self._connector.ledger(day, day, some), len(some[0]) if some else 0) for day, some in questions(parts)])
            self._comparison.listed += listed.count

            def hold(connection: Connection) -> Look:
                look = comparing.hold(connection, body, parts, listed, given, self._line, missing=missing)
                look.found = differences.escalate(connection, self._begun.id, body, look.found)
                return look

            return await self._ledger(hold)

    async def _confirmed(self, first: Look) -> list[Disagreement]:
        """What a person is to be troubled with must show twice, because two ledgers are not read in one instant: the rest, and what did."""
        doubted = sorted({d.part for d in first.found if d.finding.action == "duty" and d.part is not None} | set(first.contradicted))
        before = await self._of(first.contradicted)
        lacking = any(d.finding.kind == "receipt_without_case" for d in first.found)
        second = await self._look(doubted, before, missing=lacking)
        after = await self._of([p for p in second.contradicted if p in before])
        again = {d.key for d in second.found}
        found = [d for d in first.found if d.finding.action != "duty" or d.key in again]
        for part, digest in after.items():
            # Between two equal digests of its own nothing has moved; still it listed something else.
            if before.get(part) == digest:
                said = {"day": part.day.isoformat(), "count": str(digest.count), "sha256": digest.sha256}
                found.append(Disagreement(f"{part.day.isoformat()}/{part.bucket or '*'}", None, CONTRADICTION, None, None, said))
        return found

    async def _of(self, parts: Collection[Part]) -> dict[Part, DayDigest]:
        """The partner's digests of these parts, now; where it gives none, of nothing."""
        found: dict[Part, DayDigest] = {}
        wanted = set(parts)
        for split, some in groupby(sorted(wanted, key=lambda p: (len(p.bucket), p)), key=lambda p: 16 ** len(p.bucket)):
            step = Step(split, tuple(sorted({p.day for p in some})))
            for first, last in spans(step):
                theirs = await self._call(lambda first=first, last=last, split=split: self._connector.digests(first, last, self._line, split))  # type: ignore[misc]
                if (theirs.line, theirs.split) != (self._line, split):
                    raise CallFailed(Unknown("the form of the digests changed in between", "bad-ledger"))
                found |= _by_part(theirs.days)
        return {part: found.get(part) or DayDigest(part.day, 0, _NOTHING, part.bucket) for part in wanted}

    async def _fetch(self, ahead: Sequence[Disagreement]) -> None:
        gate = asyncio.Semaphore(AT_ONCE)

        async def one(d: Disagreement) -> None:
            async with gate:
                if time.monotonic() >= self._ends:
                    return
                after = d.ours.last_seq_out if d.ours else 0
                got = await self._place.wait(fetching.fetch(self._context, self._comparison.body, d.handoff_id, d.petition_no or "", after))
            if got.code:
                log.warning("messages of %s could not be fetched: %s", self._comparison.body, got.code)

        await asyncio.gather(*(one(d) for d in ahead))
        self._in_time()

    async def _spot_check(self, equal: Sequence[DayDigest], whole: Mapping[Part, DayDigest]) -> None:
        """One part of one day on which nothing differs is listed all the same, drawn by body and night: the more hand-offs on a day, the likelier."""
        total = sum(d.count for d in equal)
        if not total:
            return
        body, at = self._comparison.body, draw(self._comparison.body, self._night, total)
        for drawn in equal:
            at -= drawn.count
            if at < 0:
                break
        step = Step(parts_for(drawn.count, wire.SPLITS), (drawn.day,))
        given = await self._given(step)
        if given is None:
            given = {p: d for p, d in whole.items() if p.day == drawn.day}
        if given:
            part = sorted(given)[draw(body, self._night, len(given))]
            await self._settle([part], {part: given[part]})

    async def _together(self, calls: Sequence[Callable[[], None]]) -> None:
        """All of these, a few at a time. After one has failed none is begun; those under way are waited for, because they write to what the caller closes."""
        gate = asyncio.Semaphore(AT_ONCE)
        failed: list[BaseException] = []

        async def one(call: Callable[[], None]) -> None:
            async with gate:
                if failed:
                    return
                try:
                    await self._call(call)
                except Exception as fault:  # noqa: BLE001  (raised below, once nobody writes any more)
                    failed.append(fault)

        await asyncio.gather(*(one(call) for call in calls))
        if failed:
            raise failed[0]

    async def _call(self, work: Callable[[], T]) -> T:
        self._in_time()
        return await self._place.wait(self._context.call(work, self._comparison.body))

    def _in_time(self) -> None:
        if time.monotonic() >= self._ends:
            raise CallFailed(Unknown("the comparison takes too long", "too-long"))

    async def _ledger(self, work: Callable[[Connection], T]) -> T:
        return await self._context.transact(work)


def _by_part(digests: Sequence[DayDigest]) -> dict[Part, DayDigest]:
    return {Part(d.day, d.bucket): d for d in digests if d.count}


def differing(ours: Sequence[DayDigest], theirs: Sequence[DayDigest]) -> list[Part]:
    """The days, or parts of days, on which count or digest differ, in order. What one side leaves out holds nothing."""
    mine, other = ({Part(d.day, d.bucket): (d.count, d.sha256) for d in side if d.count} for side in (ours, theirs))
    return sorted(part for part in mine.keys() | other.keys() if mine.get(part) != other.get(part))


def steps(wrong: Sequence[Part], mine: Mapping[Part, DayDigest], other: Mapping[Part, DayDigest]) -> Iterator[Step]:
    """The days that differ, in order, as many together as one step can bear, all cut alike."""
    def size(part: Part) -> int:
        return max(mine[part].count if part in mine else 0, other[part].count if part in other else 0)

    days: list[date] = []
    split, sum_ = 0, 0
    for part in wrong:
        cut = parts_for(size(part), wire.SPLITS)
        if days and (cut != split or len(days) >= _STEP_DAYS or sum_ + size(part) > _STEP):
            yield Step(split, tuple(days))
            days, sum_ = [], 0
        split, sum_ = cut, sum_ + size(part)
        days.append(part.day)
    if days:
        yield Step(split, tuple(days))


def spans(step: Step) -> Iterator[tuple[date, date]]:
    """Ranges of days to ask about that hold all days of the step, few others, and no more parts than one answer may have."""
    most = max(1, wire.MAX_PARTS // step.split)
    first = last = step.days[0]
    for day in step.days[1:]:
        if (day - last).days > 3 or (day - first).days >= most:
            yield first, last
            first = day
        last = day
    yield first, last


def questions(parts: Sequence[Part]) -> Iterator[tuple[date, list[str]]]:
    """What to ask for: day by day, some parts of it at a time; no parts: the whole day."""
    for day, some in groupby(sorted(parts), key=lambda part: part.day):
        buckets = [part.bucket for part in some if part.bucket]
        for at in range(0, max(1, len(buckets)), wire.MAX_BUCKETS):
            yield day, buckets[at : at + wire.MAX_BUCKETS]
