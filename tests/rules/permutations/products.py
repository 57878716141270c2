"""Which facts are varied together, over which values, and how many combinations that makes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from config.routing import RoutingTable
from tests.rules.permutations.decision import Value

Values = Sequence[Value] | Callable[[RoutingTable], Sequence[Value]]
FLAG = (None, True)
KLASS = (None, "suggestion", "accusation", "claim")
ORGAN = (None, "court", "procuratorate", "police")
PENDING = (None, "XF99010220260105000007")


def situations(table: RoutingTable) -> Sequence[Value]:
    """No situation, and each that the table names."""
    return (None, *table.situations)


@dataclass(frozen=True)
class Product:
    """`values` of each fact that is varied; `fixed`: facts that stay; `combinations`: how many there are."""

    name: str
    values: Mapping[str, Values]
    combinations: int
    fixed: Mapping[str, Value] = field(default_factory=dict)


PRODUCTS = (
    Product(
        "situations",
        {
            "situation": situations,
            "klass": KLASS,
            "organ": ORGAN,
            "channel": (None, "visit"),
            "in_litigation": FLAG,
            "concluded": FLAG,
            "reviewed": FLAG,
            "pending_elsewhere": PENDING,
            "grave": FLAG,
            "several_bodies": FLAG,
            "important": FLAG,
        },
        98 * 4 * 4 * 2**8,
        {"division": "990102"},
    ),
    Product(
        "named",
        {
            "situation": situations,
            "sector": (None, "education"),
            "decided_by": (None, "agency-transport-990100"),
            "expropriation": (None, True, False),
            "accused_body": (None, "agency-health-990100"),
            "simple": FLAG,
            "first_time": FLAG,
            "appeal": (None, "personnel"),
        },
        98 * 2 * 2 * 3 * 2**4,
        {"division": "990102"},
    ),
    Product(
        "items",
        {
            "klass": KLASS,
            "art31": (None, 1, 2, 3, 4, 5, 6),
            "organ": ORGAN,
            "stage": (None, "first", "retrial", "enforcement"),
            "arbitration": (None, "labour", "land", "personnel", "commercial"),
            "appeal": (None, "party", "supervision", "personnel"),
            "procedure": (None, "reconsideration", "ruling", "confirmation", "licensing", "penalty"),
            "duty": (None, "punish", "protect"),
        },
        4 * 7 * 4 * 4 * 5 * 4 * 6 * 3,
        {"division": "990102", "sector": "housing"},
    ),
    Product(
        "claims",
        {
            "klass": (None, "claim"),
            "art31": (None, 1, 2, 3, 4, 5, 6),
            "organ": ORGAN,
            "in_litigation": (None, True, False),
            "channel": (None, "visit"),
            "procedure": (None, "reconsideration", "ruling", "confirmation", "licensing", "penalty"),
            "sector": (None, "housing", "natural_resources", "human_resources", "ecology"),
        },
        2 * 7 * 4 * 3 * 2 * 6 * 5,
        {"division": "990102"},
    ),
    Product(
        "appeals",
        {
            "klass": (None, "claim", "accusation"),
            "art31": (None, 2, 3),
            "arbitration": (None, "labour", "land", "personnel", "commercial"),
            "expropriation": (None, True, False),
            "appeal": (None, "party", "supervision", "personnel"),
            "decided_by": (None, "agency-transport-990100", "discipline-990103", "bureau-990100"),
        },
        3 * 3 * 5 * 3 * 4 * 4,
        {"division": "990103"},
    ),
    Product(
        "accusations",
        {
            "klass": KLASS,
            "accusation": (None, "discipline", "law", "cadre"),
            "accused": (None, "official", "private"),
            "accused_body": (None, "agency-housing-990102", "government-990100", "court-990103"),
            "accused_level": (None, "nation", "province", "city", "district", "township"),
            "organ": ORGAN,
            "sector": (None, "market", "human_resources", "housing"),
            "grave": FLAG,
        },
        4 * 4 * 3 * 4 * 6 * 4 * 4 * 2,
        {"division": "990102"},
    ),
    Product(
        "places",
        {
            "art31": (None, 1, 4, 5, 6),
            "organ": (None, "court", "police"),
            "sector": (None, "housing", "ecology"),
            "division": (None, "990000", "990100", "990102", "990102001", "990103", "123456"),
            "level": (None, "nation", "province", "city", "district", "township"),
            "important": FLAG,
            "simple": FLAG,
            "first_time": FLAG,
            "joint": (None, 5),
        },
        5 * 3 * 3 * 7 * 6 * 2**4,
        {"klass": "claim"},
    ),
)
