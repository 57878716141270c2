"""复查、复核: who reviews whose answer, and by when it must be asked. Pure.

信访工作条例 arts 35, 36: the next higher body of the one that answered reviews, the body above the reviewer re-reviews, each on request within
thirty days of receiving the written answer. For art 31(6) alone; every other branch has the remedies of its own law.
"""

from __future__ import annotations

from datetime import date, datetime, time

from config.bodies import Bodies, Body
from rules.calendar import SHANGHAI, WorkCalendar, due

WINDOW = "30d"


def higher(code: str, bodies: Bodies) -> tuple[str, ...]:
    """Codes of the bodies that are the next higher ones of this body, the likeliest first.

    The one that leads it in its own line and those that lead it as well; where the directory names none, the government of its division, and for a
    government the one of the division above. Raises `KeyError` for an unknown code.
    """
    body = bodies.get(code)
    found = [*([body.superior] if body.superior else []), *body.led_by]
    if not found:
        found = [above.code for above in _governments(body, bodies)[:1]]
    heirs = [bodies.current(each) for each in found]
    return tuple(dict.fromkeys(heir.code for heir in heirs if heir is not None and heir.code != code))


def _governments(body: Body, bodies: Bodies) -> list[Body]:
    lineage = bodies.lineage(body.division)
    places = lineage[1:] if body.kind == "government" else lineage
    return [found for found in (bodies.find("government", place.code) for place in places) if found is not None]


def remedy_ends(answered_on: date, calendar: WorkCalendar) -> datetime:
    """When the time to ask for 复查 or 复核 ends (aware), counted from the day on which the petitioner had the written answer."""
    return due(datetime.combine(answered_on, time(12), SHANGHAI), WINDOW, calendar).instant
