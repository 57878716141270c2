"""What the facts of a petition say of each other: a situation, a branch or an arbitration tells its class and item of art 31.

信访工作条例 art 31 gives a claim one item. Facts that tell two, or a suggestion that goes to law, contradict: that is said with both
reasons, and a person decides.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from config.facts import NAMES, Facts, shown
from config.routing import IMPLIED, RoutingTable, Scalar

_ZH = "一二三四五六"
_TELLS_ITEM = (("stage", 1), ("arbitration", 2), ("appeal", 3), ("procedure", 4), ("duty", 5))
_OF_CLAIMS = ("in_litigation", "concluded", "reviewed")


@dataclass(frozen=True, slots=True)
class Conflict:
    """Facts that contradict. `reason` is Chinese; `sides`: the facts with only the one, then only the other, of the two left standing."""

    reason: str
    sides: tuple[Facts, ...] = ()


@dataclass(frozen=True, slots=True)
class _Said:
    """What facts of these `names` say, and how a clerk reads them."""

    names: tuple[str, ...]
    zh: str
    says: Mapping[str, Scalar]


def fill(facts: Facts, table: RoutingTable) -> Facts | str:
    """The facts with what their own situation, branch, item or organ implies; a Chinese sentence where they contradict."""
    found = complete(facts, table)
    return found.reason if isinstance(found, Conflict) else found


def complete(facts: Facts, table: RoutingTable) -> Facts | Conflict:
    """As `fill`, with both sides of a contradiction. Never raises."""
    if facts.situation is not None and facts.situation not in table.situations:
        return Conflict(f"情形 {facts.situation} 不在路由表的情形中，须先核对")
    told: dict[str, Scalar] = {name: value for name in Facts.model_fields if (value := getattr(facts, name)) is not None}
    said: dict[str, tuple[Scalar, tuple[str, ...], str]] = {
        name: (value, (name,), f"填写的{NAMES[name]}“{_value(name, value, table)}”") for name, value in told.items()}
    for source in _sources(facts, told, table):
        for name, value in source.says.items():
            earlier = said.setdefault(name, (value, source.names, source.zh))
            if earlier[0] != value:
                what = f"{earlier[2]}表明{NAMES[name]}为{_value(name, earlier[0], table)}，而{source.zh}表明为{_value(name, value, table)}"
                return Conflict(f"事实相互矛盾：{what}，须先核对", (_without(facts, source.names), _without(facts, earlier[1])))
    klass = said["klass"][0] if "klass" in said else None
    if (odd := _odd(facts, klass, table)) is not None:
        return odd
    new = {name: value for name, (value, _, _) in said.items() if name not in told}
    if klass is None and facts.accusation is not None:
        new["klass"] = "accusation"
    if klass == "claim" and "art31" not in said and (said["organ"][0] if "organ" in said else None) in ("court", "procuratorate"):
        new["art31"] = 1
    return facts.model_copy(update=new) if new else facts


def _sources(facts: Facts, told: Mapping[str, Scalar], table: RoutingTable) -> Iterator[_Said]:
    if facts.branch is not None:
        yield _Said(("branch",), f"分支“{facts.branch}”", IMPLIED[facts.branch])
    situation = table.situations[facts.situation] if facts.situation is not None else None
    if situation is not None:
        # B3.1d is any of the three organs' matters while a suit is pending
        both = (facts.branch, situation.branch)
        near = "B3.1d" in both and all((branch or "").startswith("B3.1") for branch in both)
        yield _Said(("situation",), f"情形“{situation.zh}”", situation.facts if near else {"branch": situation.branch, **situation.facts})
    if facts.art31 is not None:
        yield _Said(("art31",), f"第三十一条第{_ZH[facts.art31 - 1]}项", {"klass": "claim"})
    accusing = facts.klass == "accusation" or (situation is not None and situation.facts["klass"] == "accusation")
    for name, item in _TELLS_ITEM:
        # an accusation that also appeals has a row of its own, which splits it
        if name in told and not (name == "appeal" and accusing):
            yield _Said((name,), f"{NAMES[name]}“{shown(told[name])}”", {"klass": "claim", "art31": item})


def _odd(facts: Facts, klass: Scalar | None, table: RoutingTable) -> Conflict | None:
    """What only shows once class and situation are known."""
    suits = [name for name in _OF_CLAIMS if getattr(facts, name)]
    if klass == "suggestion" and suits:
        reason = f"事实相互矛盾：建议意见，而{NAMES[suits[0]]}；须先核对是否为诉求，或者拆分为两件"
        return Conflict(reason, (_without(facts, suits), _without(facts, ("klass", "branch", "situation"))))
    situation = table.situations[facts.situation] if facts.situation is not None else None
    if situation is not None and klass == "claim" and facts.organ is not None and "organ" not in situation.facts and "organ" not in situation.asks:
        reason = f"事实相互矛盾：情形“{situation.zh}”不由{shown(facts.organ)}办理，而填写的政法机关为{shown(facts.organ)}，须先核对"
        return Conflict(reason, (_without(facts, ("organ",)), _without(facts, ("situation",))))
    return None


def _without(facts: Facts, names: tuple[str, ...] | list[str]) -> Facts:
    return facts.model_copy(update=dict.fromkeys(names))


def _value(name: str, value: Scalar, table: RoutingTable) -> str:
    if name == "art31":
        return f"第{_ZH[int(value) - 1]}项"
    if name == "situation" and value in table.situations:
        return table.situations[str(value)].zh
    return shown(value)
