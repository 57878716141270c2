"""`resend`, `reconcile`: with a partner on a real port that may or may not have the message."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

import pytest
import requests

from connectors.base import Delivered, Outgoing
from connectors.directory import Directory
from connectors.keyring import Keyring
from models import outbox
from models.outbox import Leased
from sandbox.config import BodyConfig, SandboxConfig, dump
from tests.cli.conftest import REPO, Tonglu
from tests.models.ledger import COURT, Ledger


@contextmanager
def sandbox(tonglu: Tonglu) -> Iterator[str]:
    """The court of the sandbox in a process of its own; yields its address."""
    ring = Keyring(tonglu.folder / "keys")
    ring.ensure([COURT])
    keys = ring.of(COURT)
    body = BodyConfig(manner="silent", to_body=keys.to_body, from_body=keys.from_body)
    path = tonglu.folder / "sandbox.json"
    dump(SandboxConfig(bodies={COURT: body}, ledger=tonglu.folder / "sandbox.sqlite"), path)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    url = f"http://127.0.0.1:{port}"
    process = subprocess.Popen([sys.executable, "-m", "cli.sandbox", str(path), "--port", str(port)], cwd=REPO, env={**os.environ, **tonglu.env})
    try:
        until = time.monotonic() + 60
        while True:
            try:
                requests.get(f"{url}/control/state", timeout=2)
                break
            except requests.ConnectionError:
                assert process.poll() is None
                assert time.monotonic() < until
                time.sleep(0.05)
        yield url
    finally:
        process.terminate()
        process.wait(20)


def leased(ledger: Ledger) -> Leased:
    """The request of a new hand-off, leased by a sender that then dies."""
    ledger.send()
    with ledger.transaction() as connection:
        [message] = outbox.claim(connection, COURT, 1, "gone", ledger.now, timedelta(seconds=60), ledger.sealer)
    return message


def expire(ledger: Ledger, tonglu: Tonglu) -> None:
    from runtime.timesource import write_instant

    ledger.wait(minutes=2)
    write_instant(tonglu.clock, ledger.now)
    with ledger.transaction() as connection:
        outbox.reap(connection, ledger.now)


def outbox_state(ledger: Ledger, message_id: str) -> str:
    with ledger.transaction() as connection:
        row = connection.execute("select state from outbox where message_id = %s", (message_id,)).fetchone()
    assert row is not None
    return str(row[0])


@pytest.mark.parametrize("arrived", [True, False])
def test_resend_asks_by_key_first(tonglu: Tonglu, ledger: Ledger, arrived: bool) -> None:
    message = leased(ledger)
    ran = tonglu.run("resend", message.message_id)
    assert (ran.code, "正在发送" in ran.err) == (1, True)
    with sandbox(tonglu) as url:
        tonglu.env["TONGLU_SANDBOX_URL"] = url
        if arrived:
            directory = Directory(ledger.house.bodies, Keyring(tonglu.folder / "keys").of, url, lambda: ledger.now, "urn:xf:bureau:990100")
            connector = directory.of(COURT)
            assert connector is not None
            assert isinstance(connector.submit(Outgoing(message.message_id, message.handoff_id, COURT, message.raw)), Delivered)
            directory.close()
        expire(ledger, tonglu)
        dry = tonglu.run("resend", message.message_id, "--dry-run")
        assert dry.code == 0, dry.err
        assert "对方可能已持有" in dry.out
        assert outbox_state(ledger, message.message_id) == "UNKNOWN"
        ran = tonglu.run("resend", message.message_id)
        assert ran.code == 0, ran.err
        if arrived:
            assert "没有重发" in ran.out
            assert outbox_state(ledger, message.message_id) == "RECEIPTED"
            again = tonglu.run("resend", message.message_id)
            assert (again.code, "给出回执" in again.err) == (1, True)
        else:
            assert "对方没有此件" in ran.out
            assert outbox_state(ledger, message.message_id) == "UNKNOWN"
            with ledger.transaction() as connection:
                [same] = outbox.claim(connection, COURT, 1, "next", ledger.now, timedelta(seconds=60), ledger.sealer)
            assert (same.message_id, same.raw) == (message.message_id, message.raw)


def test_resend_when_the_body_does_not_answer(tonglu: Tonglu, ledger: Ledger) -> None:
    message = leased(ledger)
    expire(ledger, tonglu)
    ran = tonglu.run("resend", message.message_id)
    assert (ran.code, "tonglu keys ensure" in ran.err) == (2, True)
    Keyring(tonglu.folder / "keys").ensure([COURT])
    tonglu.env["TONGLU_SANDBOX_URL"] = "http://127.0.0.1:1"
    ran = tonglu.run("resend", message.message_id)
    assert ran.code == 0
    assert "问不到对方是否已持有" in ran.out
    assert tonglu.run("resend", "no-such-message").code == 2


def test_reconcile_prints_the_differences(tonglu: Tonglu, ledger: Ledger) -> None:
    message = leased(ledger)
    with sandbox(tonglu) as url:
        tonglu.env["TONGLU_SANDBOX_URL"] = url
        directory = Directory(ledger.house.bodies, Keyring(tonglu.folder / "keys").of, url, lambda: ledger.now, "urn:xf:bureau:990100")
        connector = directory.of(COURT)
        assert connector is not None
        assert isinstance(connector.submit(Outgoing(message.message_id, message.handoff_id, COURT, message.raw)), Delivered)
        directory.close()
        expire(ledger, tonglu)
        ran = tonglu.run("reconcile", COURT)
        assert ran.code == 1, ran.err
        assert "对方已收，我方缺回执" in ran.out
        assert outbox_state(ledger, message.message_id) == "RECEIPTED"  # healed by asking in the same run
        assert "当夜已对过" in tonglu.run("reconcile", COURT).out
        clean = tonglu.run("reconcile", COURT, "--again")
        assert clean.code == 0, clean.out + clean.err
    gone = tonglu.run("reconcile", COURT, "--again")
    assert (gone.code, "未能核对" in gone.err) == (1, True)
    assert tonglu.run("reconcile", "court-1").code == 2
