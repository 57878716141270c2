"""The private PostgreSQL over its life: kills, stale files, odd paths, second comers, other users."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import time
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest

from runtime import pgbinaries, pgprocess, ports
from runtime.pgcluster import ClusterError
from runtime.places import PlaceError
from runtime.postgres import PostgresError, PrivatePostgres
from tests.runtime.processes import comes_true, lives, next_line, owner, parent_of, python_for

OWNER = """
import sys, time
from pathlib import Path
from runtime.postgres import PrivatePostgres
server = PrivatePostgres(Path(sys.argv[1]))
print("starting")
server.start()
print(server.pid, server.owned)
sys.stdin.read() if len(sys.argv) > 2 else time.sleep(600)
"""

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="expected: only root can become somebody else")


@pytest.fixture
def folder(enterable: Path) -> Path:
    """A folder of the test's own, not yet made, with a space and signs of the shell in its path."""
    return enterable / f"a b $HOME `x` 通路 {uuid4().hex[:6]}"


def own(folder: Path) -> tuple[subprocess.Popen[str], int]:
    process = owner(OWNER, str(folder))
    assert next_line(process) == "starting"
    pid, owned = next_line(process).split()
    assert owned == "True"
    return process, int(pid)


def test_a_kill_of_the_owner_leaves_no_process_and_loses_nothing(folder: Path) -> None:
    process, _ = own(folder)
    data = folder / "cluster" / "data"
    with PrivatePostgres(folder) as guest:
        assert not guest.owned
        with psycopg.connect(guest.url(), autocommit=True) as connection:
            connection.execute("CREATE TABLE kept AS SELECT generate_series(1, 1000) AS n")
            assert len(pgprocess.processes_of(data)) > 3
            process.kill()
            process.wait()
            assert comes_true(lambda: not pgprocess.processes_of(data), 10)
        assert not guest.alive()
        # The guest's next start makes it the owner.
        guest.start()
        assert guest.owned
        with psycopg.connect(guest.url()) as connection:
            assert connection.execute("SELECT count(*) FROM kept").fetchone() == (1000,)
    assert pgprocess.processes_of(data) == []


@pytest.mark.guarantee("F23")
def test_a_kill_of_the_server_or_of_the_watcher_is_noticed_and_mended_on_the_same_port(folder: Path) -> None:
    with PrivatePostgres(folder) as server:
        for victim in ("server", "watcher"):
            url, pid = server.url(), server.pid
            assert pid is not None
            os.kill(pid if victim == "server" else parent_of(pid), signal.SIGKILL)
            assert comes_true(lambda: not server.alive())
            server.start()
            assert server.owned
            assert server.url() == url
            assert server.pid != pid


@pytest.mark.parametrize("after", [0.0, 0.05, 0.15, 0.3, 0.5])
def test_a_kill_at_any_moment_of_the_first_start_is_recovered_from(folder: Path, after: float) -> None:
    process = owner(OWNER, str(folder))
    assert next_line(process) == "starting"
    time.sleep(after)
    process.kill()
    process.wait()
    with PrivatePostgres(folder) as server:
        assert server.alive()
        with psycopg.connect(server.url()) as connection:
            assert connection.execute("SELECT 1").fetchone() == (1,)
    assert not list(folder.glob("new-*"))


def test_a_stale_pid_file_whose_number_is_now_another_process_does_not_matter(folder: Path) -> None:
    with PrivatePostgres(folder) as server:
        data = folder / "cluster" / "data"
        text = (data / "postmaster.pid").read_text()
    for line_one in (str(os.getpid()), "999999999", "", "garbage"):
        stale = "\n".join([line_one, *text.splitlines()[1:]]) + "\n" if line_one else ""
        (data / "postmaster.pid").write_text(stale)
        shutil.chown(data / "postmaster.pid", data.stat().st_uid)
        (folder / "sockets" / f".s.PGSQL.{(folder / 'port').read_text().strip()}.lock").write_text(f"{os.getpid()}\n")
        assert not PrivatePostgres(folder).alive()
        with server:
            assert server.owned
            assert server.alive()


def test_a_second_process_attaches_and_goes_without_stopping_the_server(folder: Path) -> None:
    with PrivatePostgres(folder) as server:
        second = owner(OWNER, str(folder), "until end of input")
        assert next_line(second) == "starting"
        assert next_line(second) == f"{server.pid} False"
        second.wait()
        assert server.alive()


def test_of_many_who_start_at_once_one_owns_it(folder: Path) -> None:
    crowd = [owner(OWNER, str(folder)) for _ in range(4)]
    said = []
    for process in crowd:
        assert next_line(process) == "starting"
        said.append(next_line(process).split())
    assert len({pid for pid, _ in said}) == 1
    assert sorted(owned for _, owned in said) == ["False", "False", "False", "True"]
    for process in crowd:
        process.kill()
        process.wait()
    assert comes_true(lambda: not lives(int(said[0][0])))


@pytest.mark.parametrize("name", ["x" * 120 + " long", "comma, and 'quote\" too"])
def test_long_and_odd_paths_work(folder: Path, name: str) -> None:
    with PrivatePostgres(folder / name) as server:
        assert server.alive()
        assert PrivatePostgres(folder / name).folder == folder / name
        with server.connect() as connection:
            row = connection.execute("SELECT current_setting('unix_socket_directories')").fetchone()
        assert row is not None
        sockets = Path(str(row[0]).strip('"'))
        assert sockets.stat().st_mode & 0o777 == 0o700
        assert len(str(sockets)) < 90
    assert not sockets.exists()


def test_a_taken_port_is_left_to_its_holder(folder: Path) -> None:
    with PrivatePostgres(folder):
        pass
    port = int((folder / "port").read_text())
    with socket.socket() as holder:
        holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        holder.bind(("127.0.0.1", port))
        holder.listen()
        with PrivatePostgres(folder) as server:
            assert f":{port}/" not in server.url()
            assert server.alive()


def test_files_are_closed_to_others(folder: Path) -> None:
    with PrivatePostgres(folder):
        assert (folder / "cluster" / "password").stat().st_mode & 0o777 == 0o600
        assert (folder / "sockets").stat().st_mode & 0o777 == 0o700
        assert (folder / "cluster" / "data").stat().st_mode & 0o777 == 0o700
        assert (folder / "server.log").stat().st_mode & 0o777 == 0o600


def test_a_server_that_will_not_start_says_why(folder: Path) -> None:
    with pytest.raises(PostgresError, match="shared_buffers"):
        PrivatePostgres(folder, settings={"shared_buffers": "much"}).start()
    with PrivatePostgres(folder) as server:
        assert server.alive()


def test_data_of_another_version_or_without_password_are_named(folder: Path) -> None:
    with PrivatePostgres(folder):
        pass
    version = folder / "cluster" / "data" / "PG_VERSION"
    version.write_text("15\n")
    with pytest.raises(ClusterError, match=r"15.*TONGLU_PG_BIN"):
        PrivatePostgres(folder).start()
    version.write_text("18\n")
    (folder / "cluster" / "password").unlink()
    with pytest.raises(ClusterError, match="password"):
        PrivatePostgres(folder).start()


def test_a_server_started_by_hand_on_the_same_data_is_used_and_left_running(folder: Path) -> None:
    with PrivatePostgres(folder):
        pass
    data, sockets = folder / "cluster" / "data", folder / "sockets"
    identity = data.stat().st_uid if os.geteuid() == 0 else None
    port = ports.free(1)[0]
    by_hand = subprocess.Popen(
        [pgbinaries.find() / "postgres", "-D", data, "-p", str(port), "-k", f'"{sockets}"', "-h", "127.0.0.1"],
        user=identity,
        stderr=subprocess.DEVNULL,
    )
    try:
        assert comes_true(lambda: (found := pgprocess.read_pid_file(data)) is not None and found.ready)
        with PrivatePostgres(folder) as guest:
            assert not guest.owned
            assert guest.pid == by_hand.pid
        assert lives(by_hand.pid)
    finally:
        by_hand.send_signal(signal.SIGINT)
        by_hand.wait()


def test_a_server_without_a_free_connection_is_not_taken_for_dead(folder: Path) -> None:
    with PrivatePostgres(folder, settings={"max_connections": "5"}) as server:
        pid = server.pid
        crowd = [psycopg.connect(server.url()) for _ in range(5)]
        with pytest.raises(psycopg.OperationalError, match="too many"):
            psycopg.connect(server.url())
        assert server.alive()
        server.start()
        assert server.pid == pid
        for connection in crowd:
            connection.close()


@as_root
def test_root_is_told_of_a_folder_the_server_cannot_enter(enterable: Path) -> None:
    closed = enterable / "closed"
    closed.mkdir(mode=0o700)
    with pytest.raises(PlaceError, match="TONGLU_DATA_DIR"):
        PrivatePostgres(closed / "pg").start()


@as_root
def test_binaries_the_server_cannot_reach_are_copied_once(enterable: Path) -> None:
    folder = enterable / "with copied programs"
    hidden = enterable / "hidden"
    hidden.mkdir(mode=0o700)
    package = pgbinaries.find().parents[1]
    for part in (package, package.with_name(f"{package.name}.libs")):
        if part.exists():
            shutil.copytree(part, hidden / part.name, symlinks=True)
    place = hidden / package.name / "pginstall" / "bin"
    script = f"import os; os.environ['TONGLU_PG_BIN'] = {str(place)!r}" + OWNER
    for _ in range(2):
        process = owner(script, str(folder))
        assert next_line(process) == "starting"
        pid = int(next_line(process).split()[0])
        assert Path(f"/proc/{pid}/exe").readlink().is_relative_to(folder)
        process.kill()
        process.wait()
        assert comes_true(lambda pid=pid: not lives(pid))  # type: ignore[misc]
    assert len(list(folder.glob("binaries-*"))) == 1
    with pytest.raises(pgbinaries.BinariesError, match="TONGLU_PG_BIN"):
        pgbinaries.reachable_by("nobody", place, folder / "$HOME")
    shutil.rmtree(hidden)


@as_root
def test_an_ordinary_user_runs_it_as_himself(enterable: Path) -> None:
    home = enterable / "somebody"
    home.mkdir()
    os.chown(home, 65534, 65534)
    home.chmod(0o700)
    python = python_for(65534)
    if python is None:
        pytest.skip("expected: no Python here that an ordinary user could run")
    process = owner(OWNER, str(home / "data"), user=65534, python=python)
    assert next_line(process) == "starting"
    pid, owned = next_line(process).split()
    assert owned == "True"
    assert Path(f"/proc/{pid}").stat().st_uid == 65534
    assert (home / "data").stat().st_mode & 0o777 == 0o700
    process.kill()
    process.wait()
    assert comes_true(lambda: not lives(int(pid)))
