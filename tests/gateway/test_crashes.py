"""The gateway killed and the database taken away, at the worst moments: nothing that was promised is lost, nothing comes twice."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import psycopg
import pytest

from connectors.wire import receipts
from connectors.wire.events import Event
from gateway.context import Context
from models.db import Database
from models.migrate import upgrade
from runtime.postgres import PrivatePostgres
from tests.gateway.conftest import COURT, SECRET_WORDS, Ledger, serve, wait_until
from tests.gateway.partner import Partner, Reply, call

ROOT = Path(__file__).parents[2]


class Process:
    """`python -m gateway` as an operator starts it."""

    def __init__(self, ledger: Ledger, log: Path) -> None:
        with socket.create_server(("127.0.0.1", 0)) as probe:
            self.port = int(probe.getsockname()[1])
        self.url = f"http://127.0.0.1:{self.port}"
        environment = {
            **os.environ, "TONGLU_DATABASE_URL": ledger.settings.database_url, "TONGLU_DATA_DIR": str(ledger.settings.data_dir),
            "TONGLU_GATEWAY_PORT": str(self.port), "TONGLU_CLOCK": "",
        }
        self.log = log
        with log.open("ab") as file:
            self._process = subprocess.Popen([sys.executable, "-m", "gateway"], cwd=ROOT, env=environment, stdout=file, stderr=file)
        wait_until(self._serves, 60)

    def _serves(self) -> bool:
        assert self._process.poll() is None, self.log.read_text()
        try:
            return call(self.url, "GET", "/healthz").status == 200
        except OSError:
            return False

    def kill(self) -> None:
        self._process.send_signal(signal.SIGKILL)
        self._process.wait(20)

    def stop(self) -> int:
        self._process.terminate()
        return self._process.wait(20)


@contextmanager
def running(ledger: Ledger, log: Path) -> Iterator[Process]:
    process = Process(ledger, log)
    try:
        yield process
    finally:
        process.kill()


def posting(partner: Partner, event: Event, lost: list[OSError]) -> threading.Thread:
    """Posts in a thread; a connection that breaks goes into `lost`."""

    def post() -> None:
        try:
            partner.post(event)
        except OSError as fault:
            lost.append(fault)

    thread = threading.Thread(target=post)
    thread.start()
    return thread


@pytest.fixture
def live(ledger: Ledger) -> Ledger:
    """The ledger with the machine's time, which the gateway's own process goes by."""
    ledger.time.set(datetime.now(UTC))
    return ledger


@pytest.mark.guarantee("M5", "F17")
def test_what_was_answered_202_is_there_after_a_kill(live: Ledger, tmp_path: Path) -> None:
    cases = live.issue(COURT, 20)
    with running(live, tmp_path / "log") as process:
        court = live.partner(process.url, COURT)
        events = [court.event(case) for case in cases]
        answers = [court.post(event) for event in events]
        process.kill()
    assert [a.status for a in answers] == [202] * 20
    assert sorted(str(row[0]) for row in live.rows("select message_id from inbox")) == sorted(event.id for event in events)


@pytest.mark.guarantee("F17", "M5")
def test_a_kill_between_commit_and_answer_and_the_message_again_make_one_row(live: Ledger, tmp_path: Path) -> None:
    [case] = live.issue(COURT)
    with psycopg.connect(live.settings.database_url, autocommit=True) as connection:
        # The commit itself takes two seconds: the server completes it although nobody waits any more.
        connection.execute("create function dawdle() returns trigger language plpgsql as 'begin perform pg_sleep(2); return null; end'")
        connection.execute("create constraint trigger dawdle after insert on inbox deferrable initially deferred for each row execute function dawdle()")
        lost: list[OSError] = []
        with running(live, tmp_path / "log") as process:
            court = live.partner(process.url, COURT)
            event = court.event(case)
            sender = posting(court, event, lost)
            asleep = "select count(*) from pg_stat_activity where wait_event = 'PgSleep'"
            wait_until(lambda: connection.execute(asleep).fetchone() == (1,), 20)
            process.kill()
            sender.join(20)
        assert len(lost) == 1
        wait_until(lambda: live.rows("select count(*) from inbox") == [(1,)], 20)
        connection.execute("drop trigger dawdle on inbox")
    with running(live, tmp_path / "log") as process:
        again = Partner(process.url, COURT, court.keys, court.now).post(event)
    assert again.status == 202
    assert receipts.decode(again.body).message_id == event.id
    assert live.rows("select message_id from inbox") == [(event.id,)]


@pytest.mark.guarantee("F1", "F17")
def test_a_kill_before_the_commit_leaves_nothing_and_the_message_comes_again(live: Ledger, tmp_path: Path) -> None:
    [case] = live.issue(COURT)
    lost: list[OSError] = []
    with running(live, tmp_path / "log") as process:
        court = live.partner(process.url, COURT)
        event = court.event(case)
        with live.database.transaction() as blocker:
            blocker.execute("lock table inbox in exclusive mode")
            sender = posting(court, event, lost)
            waits = "select count(*) from pg_stat_activity where wait_event_type = 'Lock'"
            wait_until(lambda: live.rows(waits) != [(0,)], 20)
            process.kill()
            sender.join(20)
            # What the dead gateway had sent waits behind the lock; its session ends before it gets it.
            blocker.execute("select pg_terminate_backend(pid) from pg_stat_activity where wait_event_type = 'Lock'")
    assert len(lost) == 1
    assert live.rows("select count(*) from inbox") == [(0,)]
    with running(live, tmp_path / "log") as process:
        assert Partner(process.url, COURT, court.keys, court.now).post(event).status == 202
    assert live.rows("select count(*) from inbox") == [(1,)]


def test_it_stops_in_order_and_its_log_tells_nothing(live: Ledger, tmp_path: Path) -> None:
    [case] = live.issue(COURT)
    log = tmp_path / "log"
    with running(live, log) as process:
        court = live.partner(process.url, COURT)
        court.post(court.event(case))
        court.post_raw(f'{{"x": "{SECRET_WORDS[0]}"}}'.encode(), "m-1")
        court.post_raw(SECRET_WORDS[1].encode("gbk"), "m-2")
        assert process.stop() in (0, -signal.SIGTERM)
    text = log.read_text()
    assert not any(word in text for word in (*SECRET_WORDS, "立案庭"))


def test_it_does_not_start_on_what_is_not_ready(empty_database: str, tmp_path: Path) -> None:
    def start(**settings: str) -> str:
        environment = {**os.environ, "TONGLU_DATA_DIR": str(tmp_path), "TONGLU_CLOCK": "", **settings}
        done = subprocess.run([sys.executable, "-m", "gateway"], cwd=ROOT, env=environment, capture_output=True, text=True, timeout=60)
        assert done.returncode == 1
        assert "Traceback" not in done.stderr
        return done.stderr

    assert "TONGLU_DATABASE_URL" in start(TONGLU_DATABASE_URL="")
    assert "field.keys" in start(TONGLU_DATABASE_URL=empty_database)
    keys = {"TONGLU_FIELD_KEYS": "k1:" + "A" * 43 + "="}
    assert "tonglu db upgrade" in start(TONGLU_DATABASE_URL=empty_database, **keys)
    assert "PostgreSQL" in start(TONGLU_DATABASE_URL="postgresql://127.0.0.1:1/none", **keys)
    assert "TONGLU_CLOCK" in start(TONGLU_DATABASE_URL=empty_database, **keys | {"TONGLU_CLOCK": "sundial"})
    assert "TONGLU_BUREAU" in start(TONGLU_DATABASE_URL=empty_database, **keys | {"TONGLU_BUREAU": "bureau-1"})


@pytest.mark.guarantee("F18", "F23")
def test_without_the_database_it_asks_for_patience_and_goes_on_when_it_is_back(ledger: Ledger, enterable: Path) -> None:
    """Its own server, because the others' tests share theirs."""
    server = PrivatePostgres(enterable / "pg-away")
    with server:
        server.create_database("ledger")
        url = server.url("ledger")
        upgrade(url)
        with Database(url) as database:
            own = Ledger(database, ledger.house, ledger.sealer, ledger.keyring, ledger.settings.model_copy(update={"database_url": url}), ledger.time)
            case, other = own.issue(COURT, 2)
            with serve(Context(own.settings, own.house, own.sealer, database, own.keyring, own.time)) as gateway:
                court = own.partner(gateway, COURT)
                event = court.event(case)
                assert court.post(event).status == 202
                server.stop()
                begun = time.monotonic()
                away: list[Reply] = [court.post(court.event(other)) for _ in range(3)]
                assert time.monotonic() - begun < 20
                assert {(a.status, a.slug, a.json["retry"]) for a in away} == {(503, "unavailable", "after")}
                assert all(int(a.headers["retry-after"]) > 0 for a in away)
                assert call(gateway, "GET", "/healthz").json["database"]["reachable"] is False
                server.start()
                assert server.url("ledger") == url
                assert court.post(court.event(other)).status == 202
                assert court.post(event).status == 202
                assert own.rows("select count(*) from inbox") == [(2,)]
