"""A fresh ledger for a test."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.delivery.post import Post


@pytest.fixture
def post(database: str) -> Iterator[Post]:
    with (made := Post(database)).db:
        yield made
