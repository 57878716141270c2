"""Damage to bodies.yaml and routing.yaml, and to what the product can carry."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from typing import Any

from config.rows import IMPLIED
from connectors.sound import HEARD
from connectors.wire.events import TO_BODY
from tests.rules.mutations.world import BUREAU, Change, Data, Mutation, World, shipped


def mutations() -> Iterator[Mutation]:
    yield from _wire()
    yield from _bodies()
    yield from _rows()


# -- what can be carried -----------------------------------------------------------------------------------------------------------


def _wire() -> Iterator[Mutation]:
    for message in sorted(TO_BODY):
        yield Mutation("wire", f"the wire cannot carry {message}", ("roadmap",), lambda w, m=message: setattr(w, "less_carried", frozenset({m})), True, "an edge sends it")  # type: ignore[misc]
    for act in sorted(HEARD):
        yield Mutation("wire", f"the wire cannot bring {act}", ("roadmap",), lambda w, a=act: setattr(w, "less_heard", frozenset({a})), True, "an edge waits for it")  # type: ignore[misc]
    yield Mutation("wire", "no http connector", ("roadmap",), lambda w: setattr(w, "less_kinds", frozenset({"http"})), True, "most bodies cannot be reached")


# -- bodies ------------------------------------------------------------------------------------------------------------------------


def _bodies() -> Iterator[Mutation]:
    bodies: list[Data] = shipped().bodies["bodies"]
    named = _named(bodies)
    wanted = _wanted()
    for i, body in enumerate(bodies):
        code = body["code"]
        alone = (body["kind"], body.get("sector")) in wanted and not _others(bodies, body)
        hurts = code in named or code == BUREAU or alone or body["kind"] in ("bureau", "joint_conference")
        if hurts or i % 6 == 0:
            yield Mutation("body dropped", f"drop {code}", ("bodies",), lambda w, i=i: w.bodies["bodies"].pop(i) and None, hurts,  # type: ignore[misc]
                       "others name it, or nobody else has its powers" if hurts else "a body above it, or below the same one, has the same powers")
        if i % 9 == 0:
            yield Mutation("body renamed", f"{code}: superior that is not there", ("bodies",), _of(i, superior="government-990199"), True, "a line of authority into nothing")
            yield Mutation("body renamed", f"{code}: another level", ("bodies",), _of(i, level="township" if body["level"] != "township" else "nation"), True, "above_accused would count from the wrong place")
        if i % 16 == 0:
            yield Mutation("body renamed", f"{code}: in a division that is not there", ("bodies",), _of(i, division="990198"), True, "nobody finds it")
            yield Mutation("body renamed", f"{code}: reached by pigeon", ("bodies",), _of(i, connector={"kind": "pigeon"}), True, "nothing carries there")
            yield Mutation("body renamed", f"{code}: its own superior", ("bodies",), _of(i, superior=code), True, "a circle of authority")
    yield from _fates(bodies)


def _fates(bodies: list[Data]) -> Iterator[Mutation]:
    at = {body["code"]: i for i, body in enumerate(bodies)}
    gone = next(body for body in bodies if body.get("abolished"))
    heirs = [body for body in bodies if body.get("successor")]
    for body in heirs:
        yield Mutation("succession", f"{body['code']}: to an abolished body", ("bodies",), _of(at[body["code"]], successor=gone["code"], since="2025-07-01"), True, "its powers end with nobody")
        yield Mutation("succession", f"{body['code']}: to itself", ("bodies",), _of(at[body["code"]], successor=body["code"]), True, "a circle of succession")
        yield Mutation("succession", f"{body['code']}: to nobody known", ("bodies",), _of(at[body["code"]], successor="agency-moon-990103"), True, "its powers end with nobody")
        yield Mutation("succession", f"{body['code']}: on no day", ("bodies",), _without(at[body["code"]], "since"), True, "from which day?")
    own = BUREAU.removeprefix("bureau-")
    for code in (f"joint_conference-{own}", BUREAU):
        yield Mutation("succession", f"{code}: abolished", ("bodies",), _of(at[code], abolished="2020-01-01"), True, "no people at the end, or none at the beginning")

    def alone(w: World) -> None:
        upper = [b["code"] for b in w.bodies["bodies"] if b["kind"] in ("joint_conference", "bureau") and b["division"] != own and own.startswith(b["division"].rstrip("0"))]
        w.bodies["bodies"] = [b for b in w.bodies["bodies"] if b["code"] not in upper]
        for body in w.bodies["bodies"]:
            if body.get("superior") in upper:
                body["superior"] = None
            body["led_by"] = [c for c in body.get("led_by", ()) if c not in upper]

    yield Mutation("bodies dropped", "nobody above the own bureau and conference", ("bodies",), alone, True, "who complains of the own conference would be heard by it")


def _named(bodies: list[Data]) -> set[str]:
    return {code for body in bodies for code in (body.get("superior"), body.get("successor"), *body.get("led_by", ())) if code}


def _wanted() -> set[tuple[str, str | None]]:
    """Kinds, and sectors of agencies, that the routing table sends to by name."""
    rows = shipped().routing["rows"]
    organs = ("court", "procuratorate", "police")
    return {(kind, sector) for row in rows for to in (row.get("to"), *row.get("candidates", ()), *row.get("also", ())) if to and to.get("kind")
            for kind in (organs if to["kind"] == "$organ" else (to["kind"],)) for sector in [to.get("sector")] if sector != "$sector"}


def _others(bodies: list[Data], body: Data) -> bool:
    """Whether another body with the same powers sits in the bureau's own division or above it: then everything below still climbs to one."""
    above = {"990100", "990000", "000000"}
    return any(o is not body and (o["kind"], o.get("sector")) == (body["kind"], body.get("sector")) and not o.get("successor") and not o.get("abolished")
               and (o["division"] in above or (body["division"] not in above)) for o in bodies) or body["division"] not in above


def _of(i: int, **values: Any) -> Change:
    return lambda w: w.bodies["bodies"][i].update(values)


def _without(i: int, key: str) -> Change:
    return lambda w: w.bodies["bodies"][i].pop(key) and None


# -- routing -----------------------------------------------------------------------------------------------------------------------


def _rows() -> Iterator[Mutation]:
    rows: list[Data] = shipped().routing["rows"]
    for i, row in enumerate(rows):
        named = row["when"].get("situation")
        if named is not None and i % 8 != 0:
            continue
        others = [other for other in rows if other is not row]
        hole = (
            (named is not None and not any(other["when"].get("situation") == named for other in others)) or any(row["id"] in other.get("beside", ()) for other in others)
            or (row.get("track") and not any(other.get("track") == row["track"] for other in others))
            or not all(any(_speaks(other, facts) for other in others) for facts in _witnesses(row))
        )
        yield Mutation("row dropped", f"drop row {row['id']}", ("routing",), lambda w, i=i: w.routing["rows"].pop(i) and None, bool(hole),  # type: ignore[misc]
                       "a named situation, or facts the law tells apart, have no row any more" if hole else "another row speaks for the same facts")
        if row.get("to") and i % 12 == 0:
            yield Mutation("row turned", f"row {row['id']}: to a kind nobody is", ("routing",), _row(i, to={"kind": "agency", "sector": "moonlight"}), True, "leads to nobody")
            yield Mutation("row turned", f"row {row['id']}: no track", ("routing",), _unrow(i, "track"), True, "no limit could be chosen")
        if i % 20 == 0:
            yield Mutation("article removed", f"row {row['id']}: no article", ("routing",), _row(i, basis=[]), True, "a row without a reason")
            yield Mutation("words", f"row {row['id']}: another note", ("routing",), _row(i, note="另一种告知的说法。"), False, "a word for people")
    yield from _ranks(rows)
    for name in list(shipped().routing["situations"])[::12]:
        yield Mutation("situation dropped", f"drop situation {name}", ("routing",), lambda w, n=name: w.routing["situations"].pop(n) and None, True, "rows name it")  # type: ignore[misc]


def _ranks(rows: list[Data]) -> Iterator[Mutation]:
    def glutton(klass: str) -> Change:
        row = {"id": "A0-everything", "rank": 1, "label": "吞掉一切的一行", "when": {"klass": klass}, "clerk": "一律交经办人", "basis": ["条例第一条"], "verified": "inference", "note": "一律交经办人处理。"}
        return lambda w: w.routing["rows"].append(row)

    for klass in ("suggestion", "accusation", "claim"):
        yield Mutation("rows hidden", f"a row before all takes every {klass}", ("routing",), glutton(klass), True, "the rows behind it are never applied")
    for i, row in enumerate(rows):
        # The same question asked a second time, later: nobody ever comes to it.
        if i % 16 == 0:
            copied = {**row, "id": f"{row['id']}-again", "rank": 999}
            yield Mutation("rows hidden", f"row {row['id']} written again, weaker", ("routing",), lambda w, c=copied: w.routing["rows"].append(c), True, "never applied")  # type: ignore[misc]
        if i % 16 == 4:
            copied = {**row, "id": f"{row['id']}-again", "beside": []}
            yield Mutation("rows of equal rank", f"row {row['id']} written again, as strong", ("routing",), lambda w, c=copied: w.routing["rows"].append(c), True, "which of the two wins is not said")  # type: ignore[misc]


def _witnesses(row: Data) -> Iterator[dict[str, Any]]:
    """Facts that the row was written for: every value of each it asks for, and what its branch or situation says of the rest."""
    branch = next((b for b in sorted(IMPLIED, key=len, reverse=True) if row["id"].startswith(b)), None)
    situation = shipped().routing["situations"].get(row["when"].get("situation"), {})
    implied: dict[str, Any] = {**IMPLIED.get(branch or "", {}), **situation.get("implies", {})}
    wishes = {name: wanted if isinstance(wanted, list) else [wanted] for name, wanted in row["when"].items()}
    # `[1, absent]`: where it is not told, the branch tells it.
    wishes = {name: [v for v in values if v != "absent" or name not in implied] or values for name, values in wishes.items()}
    for values in product(*wishes.values()):
        facts = {k: v for k, v in implied.items() if k not in wishes}
        facts |= {name: "~" if value == "known" else value for name, value in zip(wishes, values, strict=True) if value != "absent"}
        yield facts


def _speaks(row: Data, facts: dict[str, Any]) -> bool:
    return all(_suits(facts.get(name), wanted) for name, wanted in row["when"].items())


def _suits(value: Any, wanted: Any) -> bool:
    accepted = wanted if isinstance(wanted, list) else [wanted]
    return "absent" in accepted if value is None else value in accepted or "known" in accepted


def _row(i: int, **values: Any) -> Change:
    return lambda w: w.routing["rows"][i].update(values)


def _unrow(i: int, key: str) -> Change:
    return lambda w: w.routing["rows"][i].pop(key) and None
