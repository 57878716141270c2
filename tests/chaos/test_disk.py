"""A full disk: PostgreSQL really cannot write, and can again; what was committed is there."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from cli.chaos import disk
from runtime.postgres import PrivatePostgres

_GROW = "insert into t select repeat(md5(n::text), 30) from generate_series(1, 20000) n"


@pytest.fixture
def server(enterable: Path) -> Iterator[PrivatePostgres]:
    """A server of the test's own: others must not run out of disk."""
    with PrivatePostgres(enterable / "full-disk") as one:
        yield one


def test_a_table_that_must_grow_is_refused_and_later_grows(server: PrivatePostgres) -> None:
    data = server.folder / "cluster" / "data"
    with psycopg.connect(server.url(), autocommit=True) as connection:
        connection.execute("create table t (a text)")
        connection.execute(_GROW)
        # Just what a segment of the log has: a smaller limit would be the server's end, not the table's.
        assert disk.fill(data, 16 << 20) > 1
        with pytest.raises(psycopg.DatabaseError, match="too large"):
            connection.execute(_GROW)
        # Those that come later are born with the limit.
        with psycopg.connect(server.url(), autocommit=True) as later, pytest.raises(psycopg.DatabaseError, match="too large"):
            later.execute(_GROW)
        assert disk.free(data) > 1
        connection.execute(_GROW)
        assert connection.execute("select count(*) from t").fetchone() == (40000,)


def test_no_server_no_limit(tmp_path: Path) -> None:
    assert disk.fill(tmp_path, 1) == 0
    assert disk.free(tmp_path) == 0


def test_a_server_that_has_ended_meanwhile_has_no_limit() -> None:
    import subprocess
    import sys

    from cli.chaos import filelimit

    done = subprocess.run([sys.executable, "-I", "-S", filelimit.__file__, str(2**22 + 5), "1"], capture_output=True, text=True, check=False, timeout=60)
    assert (done.returncode, done.stdout.strip()) == (0, "0")
