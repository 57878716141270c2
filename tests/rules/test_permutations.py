"""Every permutation of the facts that steer routing, against decision tables that a reviewer reads (tests/rules/permutations/*.csv).

The numbers of combinations are written down, so that nobody thins a product out unseen. Each combination gets a body or a clerk with a
Chinese reason; each line of a table is needed by some combination; each row of the routing table is expected by some line.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

import config
from config.bodies import load_bodies
from config.facts import Facts
from config.routing import load_routing
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


@pytest.mark.parametrize("product", PRODUCTS, ids=lambda product: product.name)
def test_every_permutation_goes_where_the_reviewed_table_says(product: Product) -> None:
    decision = asked(product)
    names = tuple(decision.values)
    for name, several in {**decision.values, **{name: (value,) for name, value in product.fixed.items()}}.items():
        for value in several:
            Facts.model_validate({name: value})  # the combinations themselves are built without asking again
    count, used, wrong = 0, set[int](), list[str]()
    for values, line in decision.combinations():
        count += 1
        told: dict[str, Any] = {**product.fixed, **dict(zip(names, values, strict=True))}
        facts = Facts.model_construct(**told)
        answer = route(facts, TABLE, CITY, BUREAU)
        if isinstance(answer, Routed):
            got, reason = (answer.row.id, answer.body.code, answer.way, answer.track), ""
        else:
            got, reason = (answer.row.id if answer.row else "-", "clerk", "", ""), answer.reason
            assert CHINESE.search(reason), told
        if line is not None:
            used.add(line.number)
        if line is None or got != line.answer or line.reason not in reason:
            wrong.append(_told(told, got, reason, decision.path.name, None if line is None else line.number))
            if len(wrong) == 10:
                break
    assert not wrong, "\n".join(wrong)
    assert count == product.combinations
    assert {line.number for line in decision.lines} == used, "a line that no combination needs"


def test_every_row_of_the_table_is_expected_by_some_line() -> None:
    expected = {line.row for product in PRODUCTS for line in asked(product).lines}
    assert {row.id for row in TABLE.rows} <= expected


def _told(told: dict[str, Value], got: tuple[str, ...], reason: str, file: str, number: int | None) -> str:
    known = {name: value for name, value in told.items() if value is not None}
    return f"{known} → {got} {reason}, against {file} line {number}"
