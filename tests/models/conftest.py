"""A fresh ledger for a test."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.models.ledger import Ledger


@pytest.fixture
def ledger(database: str) -> Iterator[Ledger]:
    with (made := Ledger(database)).db:
        yield made
