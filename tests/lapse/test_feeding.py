"""Invented petitions: by seed, each of its own person and subject, each sent by the table to a body with a system; handed in until answered."""

from __future__ import annotations

import json
import threading
from collections import Counter
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import islice
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

import config
from cli.lapse.feeding import Feeder, invented
from cli.lapse.installation import START, Installation, LapseError
from config.bodies import Bodies
from flows.intake import decide
from gateway.form import read
from tests.models.ledger import house


def place(url: str = "") -> Installation:
    """As much of an installation as handing in needs."""
    settings = SimpleNamespace(config_dir=Path(config.__file__).parent)
    return cast("Installation", SimpleNamespace(house=house(), settings=settings, now=START, gateway_url=url, token="token"))


def test_the_same_seed_invents_the_same_and_another_others() -> None:
    first, again, other = (list(islice(invented(place(), seed), 200)) for seed in (7, 7, 8))
    assert first == again
    assert [form["subject"] for form in first] != [form["subject"] for form in other]


def test_no_two_can_be_taken_for_one_and_all_go_to_bodies_with_a_system() -> None:
    forms = list(islice(invented(place(), 7), 500))
    bodies: Bodies = house().bodies
    for key in ("origin_ref", "subject"):
        assert len({form[key] for form in forms}) == len(forms)
    assert len({form["petitioner"]["phone"] for form in forms}) == len(forms)
    reached: Counter[str] = Counter()
    for form in forms:
        petition, _ = read(json.loads(json.dumps(form)), bodies, START)
        move = decide("", {**petition.facts.model_dump(exclude_none=True), "channel": petition.channel}, house())
        assert move.route is not None, form["facts"]
        assert bodies.get(move.route.body).connector.kind == "http"
        reached[move.route.body] += 1
    assert len(reached) > 20, reached


class Gateway:
    """A door that misbehaves as a gateway may: it stores and loses its answer, it is not there, it refuses."""

    def __init__(self, fate: dict[int, int]) -> None:
        self.stored: dict[str, str] = {}
        self.asked: list[str] = []
        lock = threading.Lock()
        outer = self

        class Door(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                raw = self.rfile.read(int(self.headers["Content-Length"]))
                with lock:
                    form = json.loads(raw)
                    outer.asked.append(form["origin_ref"])
                    status = fate.get(len(outer.asked), 0)
                    if status in (0, -1):
                        new = form["origin_ref"] not in outer.stored
                        number = outer.stored.setdefault(form["origin_ref"], f"XF{len(outer.stored):020d}")
                if status == -1:
                    self.close_connection = True
                    return
                said = b"{}" if status else json.dumps({"petition_no": number}).encode()
                self.send_response(status or (201 if new else 200))
                self.send_header("Content-Length", str(len(said)))
                self.end_headers()
                self.wfile.write(said)

            def log_message(self, *_: Any) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Door)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server.server_address[1]}"


@pytest.fixture
def doors() -> Iterator[list[Gateway]]:
    made: list[Gateway] = []
    yield made
    for one in made:
        one.server.shutdown()
        one.server.server_close()


def open_door(doors: list[Gateway], fate: dict[int, int]) -> Gateway:
    doors.append(Gateway(fate))
    return doors[-1]


def test_each_is_handed_in_until_it_is_answered(doors: list[Gateway]) -> None:
    door = open_door(doors, {2: 503, 5: -1, 7: 500, 9: -1, 11: 429})
    with Feeder(place(door.url), 7, connections=3, again=0) as feeder:
        feeder.feed(20)
        assert feeder.acknowledged == door.stored
        assert len(feeder.acknowledged) == 20
        assert feeder.pending == 0
    assert len(door.asked) == 25
    assert not feeder.contradicted


def test_some_are_asked_for_once_more_and_two_numbers_for_one_are_noticed(doors: list[Gateway]) -> None:
    door = open_door(doors, {})
    with Feeder(place(door.url), 7, connections=1, again=1) as feeder:
        feeder.feed(5)
        assert (feeder.asked_again, feeder.contradicted) == (5, [])
        door.stored.clear()
        feeder.feed(1)
        # The door has forgotten what it had said, and numbers anew.
        door.stored = dict.fromkeys(feeder.acknowledged, "XF-other")
        feeder._hand_in(next(islice(invented(place(), 7), 1)), again=False)
        assert len(feeder.contradicted) == 1


def test_a_refusal_is_told_and_not_repeated(doors: list[Gateway]) -> None:
    door = open_door(doors, {2: 422})
    with Feeder(place(door.url), 7, connections=1, again=0) as feeder:
        with pytest.raises(LapseError, match="422"):
            feeder.feed(3)
        assert (len(door.asked), len(feeder.acknowledged), set(feeder.refused.values())) == (3, 2, {422})


def test_a_door_that_stays_shut_is_told_with_the_count(doors: list[Gateway]) -> None:
    door = open_door(doors, dict.fromkeys(range(1, 1000), 503))
    with Feeder(place(door.url), 7, connections=2) as feeder:
        feeder.begin(4)
        with pytest.raises(LapseError, match="4 件"):
            feeder.finish(within=0.5)
        assert feeder.pending == 4
