"""Every permutation of the facts that steer routing, against decision tables that a reviewer reads (tests/rules/permutations/*.csv).

The numbers of combinations are written down, so that nobody thins a product out unseen. Each combination gets a body or a clerk with a
Chinese reason; each line of a table is needed by some combination; each row of the routing table is expected by some line.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

import config
from config.bodies import load_bodies
from config.facts import Facts
from config.routing import RoutingTable, load_routing
from rules.routing import Routed, route
from tests.rules.permutations.decision import Decision, Value
from tests.rules.permutations.products import PRODUCTS, Product

FOLDER = Path(config.__file__).parent
TABLES = Path(__file__).parent / "permutations"
CITY = load_bodies(FOLDER / "bodies.yaml")
TABLE = load_routing(FOLDER / "routing.yaml", CITY)
BUREAU = "bureau-990100"
CHINESE = re.compile(r"[一-鿿]{4}")


def asked(product: Product) -> Decision:
    values = {name: several(TABLE) if callable(several) else several for name, several in product.values.items()}
    return Decision(TABLES / f"{product.name}.csv", values)


@dataclass
class Outcome:
    """What a run over one product found: how many combinations, the lines they needed, the first that went elsewhere."""

    count: int = 0
    used: set[int] = field(default_factory=set)
    wrong: list[str] = field(default_factory=list)


def compare(product: Product, decision: Decision, table: RoutingTable, enough: int = 10) -> Outcome:
    """Every combination of the product against the decision table; stops after `enough` that differ."""
    names, found = tuple(decision.values), Outcome()
    for values, line in decision.combinations():
        found.count += 1
        told: dict[str, Any] = {**product.fixed, **dict(zip(names, values, strict=True))}
        answer = route(Facts.model_construct(**told), table, CITY, BUREAU)
        if isinstance(answer, Routed):
            got, reason = (answer.row.id, answer.body.code, answer.way, answer.track), ""
        else:
            got, reason = (answer.row.id if answer.row else "-", "clerk", "", ""), answer.reason
            assert CHINESE.search(reason), told
        if line is not None:
            found.used.add(line.number)
        if line is None or got != line.answer or line.reason not in reason:
            found.wrong.append(_told(told, got, reason, decision.path.name, None if line is None else line.number))
            if len(found.wrong) == enough:
                break
    return found


@pytest.mark.parametrize("product", PRODUCTS, ids=lambda product: product.name)
def test_every_permutation_goes_where_the_reviewed_table_says(product: Product) -> None:
    decision = asked(product)
    for name, several in {**decision.values, **{name: (value,) for name, value in product.fixed.items()}}.items():
        for value in several:
            Facts.model_validate({name: value})  # the combinations themselves are built without asking again
    found = compare(product, decision, TABLE)
    assert not found.wrong, "\n".join(found.wrong)
    assert found.count == product.combinations
    assert {line.number for line in decision.lines} == found.used, "a line that no combination needs"


@pytest.mark.parametrize(
    "damage",
    [
        {"track": "suggestion"},
        {"way": "交办"},
        {"to": {"kind": "court"}},
        {"when": {"klass": "claim", "art31": 2, "arbitration": "land"}},
    ],
    ids=lambda damage: next(iter(damage)),
)
def test_a_damaged_row_does_not_pass(damage: dict[str, Any]) -> None:
    product = next(product for product in PRODUCTS if product.name == "appeals")
    # whatever is done to the row for expropriated land, some permutation goes elsewhere
    rows = [{**row, **(damage if row["id"] == "B3.2-expropriation" else {})} for row in TABLE.model_dump(exclude_none=True)["rows"]]
    damaged = RoutingTable.model_validate({**TABLE.model_dump(exclude_none=True), "rows": rows})
    assert compare(product, asked(product), damaged, enough=1).wrong


def test_every_row_of_the_table_is_expected_by_some_line() -> None:
    expected = {line.row for product in PRODUCTS for line in asked(product).lines}
    assert {row.id for row in TABLE.rows} <= expected


def _told(told: dict[str, Value], got: tuple[str, ...], reason: str, file: str, number: int | None) -> str:
    known = {name: value for name, value in told.items() if value is not None}
    return f"{known} → {got} {reason}, against {file} line {number}"
