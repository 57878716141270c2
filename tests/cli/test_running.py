"""`work`, `gateway`, `lookup`, `deploy`: the commands that open everything, in processes of their own."""

from __future__ import annotations

import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import psycopg
import requests

from connectors.keyring import Keyring
from runtime.postgres import PrivatePostgres
from tests.cli.conftest import Tonglu
from tests.models.ledger import PERSON, Ledger


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


def wait(until: Callable[[], bool], process: subprocess.Popen[str], seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not until():
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.05)


def ask(url: str) -> bool:
    try:
        return requests.get(url, timeout=2).status_code == 200
    except requests.ConnectionError:
        return False


def test_work_routes_what_is_registered_and_leaves_on_sigterm(tonglu: Tonglu, ledger: Ledger) -> None:
    number = ledger.register(facts={"klass": "claim", "art31": 6, "sector": "housing", "division": "990102"})
    process = tonglu.spawn("work", PREFECT_API_URL="http://127.0.0.1:1/api", TONGLU_SANDBOX_URL="http://127.0.0.1:1")

    def routed() -> bool:
        with ledger.transaction() as connection:
            row = connection.execute("select state from petition where petition_no = %s", (number,)).fetchone()
        return row == ("HANDED_OFF",)

    try:
        wait(routed, process)
        process.send_signal(signal.SIGTERM)
        out, err = process.communicate(timeout=40)
        assert process.returncode == 0, err
        assert not [word for word in PERSON.values() if word in out + err]
    finally:
        process.kill()
        process.communicate()


def test_gateway_answers_and_stops(tonglu: Tonglu) -> None:
    Keyring(tonglu.folder / "keys").ensure(["court-990100"])
    port = free_port()
    process = tonglu.spawn("gateway", TONGLU_GATEWAY_PORT=str(port))
    try:
        wait(lambda: ask(f"http://127.0.0.1:{port}/openapi.json"), process)
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=30)
        assert process.returncode in (0, -signal.SIGTERM)
    finally:
        process.kill()
        process.communicate()


def test_lookup_shows_what_prefect_shows(tonglu: Tonglu, ledger: Ledger) -> None:
    number = ledger.register()
    ran = tonglu.run("lookup", number)
    assert ran.code == 0, ran.err
    assert ran.out.startswith(f"# {number}")
    assert not [word for word in PERSON.values() if word in ran.out]
    assert tonglu.run("lookup", "XF99010020260302999999").code == 1
    assert tonglu.run("lookup", "欧阳").code == 1


def test_deploy_without_a_server_says_so(tonglu: Tonglu) -> None:
    process = tonglu.spawn("deploy", PREFECT_API_URL="http://127.0.0.1:1/api")
    _, err = process.communicate(timeout=60)
    assert process.returncode == 2
    assert "Prefect 没有" in err
    assert "Traceback" not in err


def test_work_goes_on_when_the_command_that_started_the_private_server_has_ended(tonglu: Tonglu, enterable: Path) -> None:
    data = Path(tempfile.mkdtemp(dir=enterable))
    data.chmod(0o711)
    env = {"TONGLU_DATABASE_URL": "", "TONGLU_DATA_DIR": str(data), "PREFECT_API_URL": "http://127.0.0.1:1/api"}
    assert tonglu.run("db", "upgrade", **env).code == 0
    server = PrivatePostgres(data / "postgres")
    server.start()
    process = tonglu.spawn("work", **env)
    try:
        url = server.url("tonglu")
        with psycopg.connect(url, autocommit=True) as connection:
            wait(lambda: _listening(connection), process)
        server.stop()
        wait(lambda: _answers(url), process)
        process.send_signal(signal.SIGTERM)
        _, err = process.communicate(timeout=60)
        assert process.returncode == 0, err
    finally:
        process.kill()
        process.communicate()


def _listening(connection: psycopg.Connection[tuple[object, ...]]) -> bool:
    """Whether a worker waits for its wake-up."""
    return connection.execute("select 1 from pg_stat_activity where query ilike 'listen %'").fetchone() is not None


def _answers(url: str) -> bool:
    try:
        with psycopg.connect(url, connect_timeout=2):
            return True
    except psycopg.OperationalError:
        return False
