"""One nursery a session; a city a test."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from tests.crash import city as cities
from tests.crash.city import City
from tests.crash.processes import Nursery

Found = Callable[..., City]


@pytest.fixture(scope="session")
def nursery(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Nursery]:
    made = Nursery(tmp_path_factory.mktemp("nursery") / "log")
    yield made
    made.close()


@pytest.fixture
def found(database: str, tmp_path: Path, nursery: Nursery) -> Iterator[Found]:
    """found(callbacks=..., **settings) -> City."""
    made: list[City] = []
    with ExitStack() as stack:

        def make(**more: Any) -> City:
            made.append(cities.found(database, tmp_path, nursery, stack, **more))
            return made[-1]

        yield make
        for process in [p for city in made for p in city.processes]:
            process.kill()


@pytest.fixture
def city(found: Found) -> City:
    """Partners that keep their callbacks to themselves: the night must find everything."""
    return found()
