"""What a clerk tells of a petition, put together with what the ledger has: completed, corrected, taken back; and what may not be."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from pydantic import ValidationError

from config.facts import NAMES, Facts
from models.moves import Refused
from rules.edge_guards import NEVER_BY_THE_WAY, NEVER_REPLACED
from rules.house import House

TAKEN_BACK = "-"


def forget_implied(known: Mapping[str, Any], told: Mapping[str, Any], house: House) -> dict[str, Any]:
    """The ledger's facts without those that stood there only because of a situation which is now told to be another."""
    old = known.get("situation")
    if "situation" not in told or told["situation"] == old or old not in house.table.situations:
        return dict(known)
    situation = house.table.situations[old]
    implied = {"branch": situation.branch, **situation.facts}
    return {name: value for name, value in known.items() if name in NEVER_REPLACED or implied.get(name) != value}


def merge_facts(known: Mapping[str, Any], told: Mapping[str, Any], petition_no: str | None = None, never: Collection[str] = NEVER_BY_THE_WAY) -> Facts | Refused:
    """The ledger's facts completed and corrected by a clerk: None, or "-", takes a fact back. `never`: what cannot be changed once it is known."""
    said = {name: None if value == TAKEN_BACK else value for name, value in told.items()}
    for name in never:
        if known.get(name) is not None and name in said and said[name] != known[name]:
            how = "确有错误的，应办结后重新登记" if name in NEVER_REPLACED else "请用 classify 说明理由"
            return Refused("guard", f"{NAMES[name]}已登记，不能改写；{how}", petition_no)
    try:
        return Facts.model_validate({**known, **said})
    except ValidationError as error:
        names = "、".join(dict.fromkeys(str(e["loc"][0])[:40] if e["loc"] else "facts" for e in error.errors()))
        return Refused("guard", f"事实 {names} 的值不合要求；可用的事实和取值见 docs/routing.md", petition_no)
