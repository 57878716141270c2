"""The ledger a body shows: digests by an independent reckoning, pages while it changes, and what restarts and kills
leave."""

import hashlib
import os
import signal
import socket
import sqlite3
import subprocess
import sys
import threading
import time
from datetime import timedelta
from pathlib import Path

import pytest
import requests

from connectors.wire import receipts
from connectors.wire.events import Event, encode
from connectors.wire.ids import new_id
from connectors.wire.signing import new_secret
from sandbox.config import dump, parse
from tests.sandbox.bureau import Bureau, Clock
from tests.sandbox.conftest import COURT, Start, serving


def test_digests_equal_an_independent_reckoning(start: Start) -> None:
    box = start("mixed", {"cycle": ["prompt", "objects_rightly", "declines", "silent"]})
    bureau = box.bureau()
    requests_by_case: dict[str, Event] = {}
    for _ in range(4):
        for _ in range(3):
            event = bureau.event(new_id(), "handoff.request")
            bureau.send(event)
            requests_by_case[event.subject] = event
        box.live(days=2, step_hours=7)
    expected: dict[str, list[bytes]] = {}
    for case, event in requests_by_case.items():
        out = len({message.sequence for _, message in box.hooks.seen if message.subject == case})
        state = {
            "handoff.signed": "SIGNED",
            "handoff.accepted": "ACCEPTED",
            "handoff.objected": "OBJECTED",
            "handoff.declined": "DECLINED",
            "handoff.progress": "IN_PROGRESS",
            "handoff.result": "REPORTED",
        }
        name = state[box.hooks.names(case)[-1]] if out else "DELIVERED"
        digest = receipts.body_digest(encode(event))
        day = (event.time + timedelta(hours=8)).strftime("%Y-%m-%d")
        expected.setdefault(day, []).append(f"{case}|1|{name}|1|{out}|{digest}\n".encode())
    found = bureau.digests()
    assert len(expected) == 4
    assert {day.isoformat(): (mark.count, mark.sha256) for day, mark in found.items()} == {
        day: (len(lines), hashlib.sha256(b"".join(sorted(lines))).hexdigest()) for day, lines in expected.items()
    }


def test_a_request_late_at_night_belongs_to_its_beijing_day(start: Start) -> None:
    box = start()
    box.clock.step(hours=15.5)  # half past midnight in Beijing, still the day before in UTC
    bureau = box.bureau()
    bureau.request()
    assert [day.isoformat() for day in bureau.digests()] == ["2026-03-03"]


def test_pages_pass_nothing_over_while_cases_change(start: Start) -> None:
    box = start()
    bureau = box.bureau()
    cases = {bureau.request() for _ in range(7)}
    assert {item.handoff_id for item in bureau.items(limit=3)} == cases
    first, last = "2026-03-01", "2026-03-04"
    path = f"/handoff/v1/ledger?from={first}&to={last}&limit=3"
    page = bureau.get(path).json()
    assert page["complete"] is False
    box.clock.step(hours=5)
    box.settle()  # every case changes between the two pages
    seen = {item["handoff_id"] for item in page["items"]}
    while page["next_cursor"]:
        page = bureau.get(f"{path}&cursor={page['next_cursor']}").json()
        seen |= {item["handoff_id"] for item in page["items"]}
    assert seen == cases


def test_a_restart_keeps_ledger_plans_and_receipts(start: Start, tmp_path: Path) -> None:
    clock = Clock()
    keys = {"to_body": [new_secret()], "from_body": [new_secret()], "manner": "prompt"}
    config = parse({"bodies": {COURT: keys}, "ledger": tmp_path / "ledger.sqlite", "drop_callbacks": True})
    with serving(config, clock) as url:
        bureau = Bureau(url, COURT, keys["to_body"], keys["from_body"], clock)
        event = bureau.event(new_id(), "handoff.request")
        receipt = bureau.send(event)
        requests.post(f"{url}/control/manners", json={"manner": "silent"}, timeout=5).raise_for_status()
    clock.step(hours=5)
    with serving(config, clock) as url:
        again = Bureau(url, COURT, keys["to_body"], keys["from_body"], clock)
        assert again.send(event) == receipt
        deadline = time.monotonic() + 5
        while again.item(event.subject).state == "DELIVERED":
            assert time.monotonic() < deadline
        assert again.item(event.subject).state == "SIGNED"
        later = again.event(new_id(), "handoff.request")
        again.petitions[later.subject] = "XF99010020260302000777"
        again.send(later)
        clock.step(days=2)
        time.sleep(0.3)
        assert again.item(later.subject).state == "DELIVERED"  # the manner changed by hand is still silent


@pytest.mark.guarantee("P1")
def test_a_broken_ledger_answers_500_and_gives_no_receipt(start: Start) -> None:
    box = start()
    bureau = box.bureau()
    with sqlite3.connect(box.config.ledger) as other:
        other.execute("DROP TABLE action")
    other.close()
    event = bureau.event(new_id(), "handoff.request")
    answer = bureau.post(encode(event), event.id)
    assert (answer.status_code, answer.headers["content-type"]) == (500, "application/problem+json")
    with sqlite3.connect(box.config.ledger) as other:
        assert other.execute("SELECT count(*) FROM inbox").fetchone()[0] == 0
    other.close()


@pytest.mark.guarantee("P1", "P2")
@pytest.mark.skipif(not hasattr(os, "fork"), reason="kills a process of its own")
def test_kill_9_loses_nothing_that_was_receipted(tmp_path: Path) -> None:
    keys = {"to_body": [new_secret()], "from_body": [new_secret()]}
    config = parse({"bodies": {COURT: keys}, "ledger": tmp_path / "ledger.sqlite"})
    dump(config, tmp_path / "sandbox.json")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "tests.sandbox.process", str(tmp_path / "sandbox.json"), str(port)]
    receipted: dict[str, str] = {}

    def hammer() -> None:
        bureau = Bureau(f"http://127.0.0.1:{port}", COURT, keys["to_body"], keys["from_body"], clock)
        while True:
            case = new_id()
            bureau.petitions[case] = "XF99010020260302000001"
            event = bureau.event(case, "handoff.request")
            try:
                receipted[event.id] = bureau.send(event).receipt_id
            except requests.ConnectionError:
                return

    clock = Clock()
    for _ in range(2):
        process = subprocess.Popen(command)
        try:
            _await_port(port)
            threads = [threading.Thread(target=hammer) for _ in range(4)]
            for thread in threads:
                thread.start()
            time.sleep(0.7)
            process.send_signal(signal.SIGKILL)
            for thread in threads:
                thread.join(10)
        finally:
            process.kill()
            process.wait()
    assert len(receipted) > 20
    with serving(config, clock) as url:
        bureau = Bureau(url, COURT, keys["to_body"], keys["from_body"], clock)
        for message_id, receipt_id in receipted.items():
            assert bureau.get(f"/handoff/v1/messages/{message_id}").json()["receipt_id"] == receipt_id
        effects = requests.get(f"{url}/control/effects", timeout=5).json()
    assert len(effects) >= len(receipted)
    assert {seen["cases"] for seen in effects.values()} == {1}


def _await_port(port: int) -> None:
    end = time.monotonic() + 15
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return
        except OSError:
            assert time.monotonic() < end
            time.sleep(0.05)
