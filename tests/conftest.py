"""What all tests share: one real PostgreSQL a session, a fresh database a test, and patience on a busy machine.

With TONGLU_STRICT_SKIPS=1, as in CI, a skipped test fails the run unless its reason begins with "expected: ".
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest
from hypothesis import settings

from runtime.postgres import PrivatePostgres

TEMPLATE = "template_tonglu"

# A shared machine may pause a test for longer than any sensible deadline.
settings.register_profile("tonglu", deadline=None, print_blob=True)
settings.load_profile("tonglu")


def _unexpected_skips(config: pytest.Config) -> list[str]:
    reporter = config.pluginmanager.get_plugin("terminalreporter")
    if os.environ.get("TONGLU_STRICT_SKIPS") != "1" or reporter is None:
        return []
    told = []
    for report in reporter.stats.get("skipped", []):
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
        if not reason.removeprefix("Skipped: ").startswith("expected: "):
            told.append(f"{report.nodeid}: {reason}")
    return told


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Fail a run in which something was skipped that should not have been."""
    if _unexpected_skips(session.config) and session.exitstatus == pytest.ExitCode.OK:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Name the skips that failed the run."""
    for line in _unexpected_skips(config):
        terminalreporter.write_line(f"UNEXPECTED SKIP {line}", red=True)


@pytest.fixture(scope="session")
def enterable() -> Iterator[Path]:
    """A temporary folder of the session that also the server's user can enter, which pytest's own are not."""
    folder = Path(tempfile.mkdtemp(prefix="tonglu-test-")).resolve()
    folder.chmod(0o711)
    yield folder
    shutil.rmtree(folder)


@pytest.fixture(scope="session")
def pg(enterable: Path) -> Iterator[PrivatePostgres]:
    """One private PostgreSQL for the whole session."""
    with PrivatePostgres(enterable / "pg") as server:
        yield server


@pytest.fixture(scope="session")
def template(pg: PrivatePostgres) -> str:
    """The name of a database with the product's tables, made once a session by its own migrations."""
    from models.migrate import upgrade  # only those tests need it that use tables

    pg.create_database(TEMPLATE)
    upgrade(pg.url(TEMPLATE))
    return TEMPLATE


@pytest.fixture
def database(pg: PrivatePostgres, template: str) -> Iterator[str]:
    """The postgresql:// URL of a database of the test's own, with the product's tables and nothing in them."""
    name = f"test_{uuid4().hex}"
    pg.create_database(name, template)
    yield pg.url(name)
    pg.drop_database(name)


@pytest.fixture
def empty_database(pg: PrivatePostgres) -> Iterator[str]:
    """The postgresql:// URL of an empty database of the test's own."""
    name = f"test_{uuid4().hex}"
    pg.create_database(name)
    yield pg.url(name)
    pg.drop_database(name)
