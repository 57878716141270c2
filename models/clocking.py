"""Clocks on working copies: opened and closed as a case changes state, paused, extended, rung."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, time

from config.gaps import ACCEPTANCE_DAY
from config.roadmap import ClockContext
from models.records import ClockRow, Working
from rules.calendar import SHANGHAI, Due, day_end, due, fraction, resumed
from rules.house import House
from rules.ladder import Parties
from rules.limits import Limit, parse_limit
from rules.roadmap import ClockRule

RESULT = "result"
ASSIGNED = "指定办理期限"


@dataclass(frozen=True, slots=True)
class Course:
    """Whose clocks these are: the petition, its hand-off (None: the petition itself), what decides the limits, and who plays which part.

    `set_limit`: the period that the assigner set for the result (信访工作条例 art 22(1)3, 交办), or "".
    """

    petition_no: str
    handoff_id: str | None
    context: ClockContext
    parties: Parties
    set_limit: str = ""


def open_clock(
    work: Working, house: House, course: Course, key: str, root: str, now: datetime, party: str | None = None, since: datetime | None = None,
) -> ClockRow | None:
    """Start the clock `key` now; `root` is the clock at the foot of its ladder. None where it does not run for this hand-off.

    `since`: what it counts from, where that is told; else what its rule says (the state, delivery, acceptance).
    """
    rule = house.roads.clock_rule(key, course.context)
    if rule is None:
        return None
    start, limit, basis, label = since or _counts_from(work, course, rule, now), rule.case.limit, rule.case.basis, rule.label
    if key == RESULT and course.set_limit:
        limit, basis, label = course.set_limit, "XF 22(1)3", ASSIGNED
    end = due(start, limit, house.calendar)
    warn = rule.clock.warn
    clock = ClockRow(
        None, course.petition_no, course.handoff_id, key, root, course.parties.who(rule.clock.owes, party), limit, basis, label, start,
        end.instant, fraction(start, end, warn[0]) if warn else end.instant, 0, None, end.provisional,
    )
    work.new_clocks.append(clock)
    work.clocks[course.petition_no].append(clock)
    return clock


def restart(work: Working, house: House, course: Course, key: str, now: datetime) -> None:
    """Begin the clock `key` anew, if it runs and its case says that it restarts."""
    rule = house.roads.clock_rule(key, course.context)
    old = [c for c in running(work, course.petition_no, course.handoff_id) if c.root == key]
    if rule is not None and rule.case.restarts and old:
        close(work, old, "MET", now)
        # The law counts anew from what was added, whatever it counted from before.
        open_clock(work, house, course, key, key, now, since=now)


def _counts_from(work: Working, course: Course, rule: ClockRule, now: datetime) -> datetime:
    """The moment whose day is day 0: now, or, where the law counts from delivery or acceptance, that of the hand-off if it came before."""
    handoff = work.handoffs.get(course.handoff_id) if course.handoff_id else None
    if handoff is None:
        return now
    since = {"delivery": handoff.delivered_at, "acceptance": handoff.accepted_at, "state": None}[rule.counts_from]
    return now if since is None else min(since, now)


def accepted_since(told_on: str, delivered_at: datetime | None, now: datetime, house: House) -> datetime:
    """The moment from which a case counts as accepted: of the message, or, where gaps.yaml 1 says so, of the notice's day (`told_on`, ISO, in China).

    Never before delivery and never after now. 信访工作条例 art 34 does not say which day 受理之日 is.
    """
    if house.gaps.choice(ACCEPTANCE_DAY) != "notice":
        return now
    told = datetime.combine(date.fromisoformat(told_on), time(12), SHANGHAI)
    return min(told if delivered_at is None else max(told, delivered_at), now)


def running(work: Working, petition_no: str, handoff_id: str | None) -> list[ClockRow]:
    """Open clocks of one hand-off (or of the petition itself), paused ones included."""
    return [c for c in work.clocks[petition_no] if c.state == "OPEN" and c.handoff_id == handoff_id]


def close(work: Working, clocks: Iterable[ClockRow], state: str, now: datetime) -> None:
    for clock in clocks:
        clock.state, clock.closed_at = state, now
        touch(work, clock)


def touch(work: Working, clock: ClockRow) -> None:
    if clock.id is not None:
        work.changed_clocks[clock.id] = clock


def enter(
    work: Working, house: House, course: Course, before: Iterable[str], after: Iterable[str], state: str, now: datetime, party: str | None = None,
    left: str = "MET",
) -> None:
    """Set the clocks for a new state: those it no longer names are met (`left`: or whatever else became of them), those it newly names start, those it pauses stop."""
    before, after = set(before), list(after)
    open_now = running(work, course.petition_no, course.handoff_id)
    close(work, [c for c in open_now if c.root not in after], left, now)
    roots = {c.root for c in open_now if c.state == "OPEN"}
    for key in after:
        if key not in before and key not in roots:
            open_clock(work, house, course, key, key, now, party)
    for clock in running(work, course.petition_no, course.handoff_id):
        stops = state in _stopped_by(clock, house, course.context)
        if stops and clock.paused_at is None:
            clock.paused_at = now
            touch(work, clock)
        elif not stops and clock.paused_at is not None:
            _go_on(clock, house, clock.paused_at, now)
            touch(work, clock)
    if course.handoff_id is None:
        for clock in running(work, course.petition_no, None):
            _refit(work, house, clock, course.context)


def _go_on(clock: ClockRow, house: House, stopped: datetime, now: datetime) -> None:
    """The clock runs again: the days that were left are counted from now on, and the last is no rest day."""
    end = resumed(clock.due_at, stopped, now, clock.limit, house.calendar)
    # Warnings move by the time away; where none is left, the next ring is the end.
    clock.ring_at = end.instant if clock.ring_at >= clock.due_at else min(clock.ring_at + (now - stopped), end.instant)
    clock.due_at, clock.paused_at, clock.provisional = end.instant, None, clock.provisional or end.provisional


def _refit(work: Working, house: House, clock: ClockRow, context: ClockContext) -> None:
    """A petition's clock that began before its branch was known takes the limit of its branch, counted from the same start."""
    rule = house.roads.clock_rule(clock.key, context)
    if rule is None or clock.key != clock.root or (rule.case.limit, rule.case.basis) == (clock.limit, clock.basis):
        return
    end = due(clock.started_at, rule.case.limit, house.calendar)
    clock.limit, clock.basis, clock.label = rule.case.limit, rule.case.basis, rule.label
    clock.due_at, clock.provisional = end.instant, end.provisional
    clock.ring_at = next_ring(clock, house)
    touch(work, clock)


def _stopped_by(clock: ClockRow, house: House, context: ClockContext) -> tuple[str, ...]:
    rule = house.roads.clock_rule(clock.root, context)
    return house.roads.clock(clock.root).pauses_in if rule is None else rule.stops_in


def extend(work: Working, house: House, clock: ClockRow, context: ClockContext, days: int | None, now: datetime) -> bool:
    """Lengthen a clock, counted from its start, by `days` (None: by all that its case allows). The time it stood still stays added.

    False, and nothing changed, where the case allows no extension or a shorter one, where the clock has already run out, or where the assigner set the period.
    """
    rule = house.roads.clock_rule(clock.root, context)
    if rule is None or rule.case.extension is None or clock.key != clock.root or clock.due_at <= now or clock.label == ASSIGNED:
        return False
    base, most = parse_limit(rule.case.limit), parse_limit(rule.case.extension)
    plain = due(clock.started_at, base, house.calendar)
    last = _later(clock.started_at, plain, base, most, house)
    end = last if days is None else _later(clock.started_at, plain, base, parse_limit(f"{days}d"), house)
    if end.last_day > last.last_day or (days is not None and most.unit == "d" and days > most.count):
        return False
    stood_still = clock.due_at - plain.instant
    if stood_still and not base.exact:
        end = day_end(end.instant + stood_still, house.calendar)
    clock.due_at = max(end.instant, clock.due_at)
    clock.provisional = clock.provisional or end.provisional
    clock.ring_at = next_ring(clock, house)
    touch(work, clock)
    return True


def _later(start: datetime, plain: Due, base: Limit, extra: Limit, house: House) -> Due:
    """The end with an extension: of one unit, both count as one limit from the start (60 日 and 30 日 are 90 日); else from the last day of the first."""
    if extra.unit == base.unit:
        return due(start, base + extra, house.calendar)
    return due(datetime.combine(plain.last_day, time(), SHANGHAI), extra, house.calendar)


def next_ring(clock: ClockRow, house: House) -> datetime:
    """When somebody must look at this clock next: at its next warning, or at its end."""
    warn = house.roads.clock(clock.key).warn
    return fraction(clock.started_at, clock.due_at, warn[clock.warned]) if clock.warned < len(warn) else clock.due_at


def earliest(clocks: Iterable[ClockRow]) -> datetime | None:
    """The next due date that these clocks give: paused ones do not count."""
    return min((c.due_at for c in clocks if c.paused_at is None), default=None)
