"""An installation a test, and one that several tests may look at."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.acceptance.installation import Installation, fresh_folder, gone

Make = Callable[..., Installation]


@pytest.fixture(scope="module")
def install(enterable: Path) -> Iterator[Make]:
    """install(**settings) -> Installation; nothing of it may run at the end."""
    made: list[Installation] = []

    def make(**settings: str) -> Installation:
        made.append(Installation(fresh_folder(enterable), **settings))
        return made[-1]

    yield make
    for one in made:
        gone(one.folder, 60)
