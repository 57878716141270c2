"""`tonglu demo`, once, from outside: its account, and the search for anything personal in what it leaves behind."""

from __future__ import annotations

import re
import subprocess
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from cli.demo.audit import Sums, account
from cli.demo.features import BRANCHES, FEATURES
from models.db import Database
from models.tables import PETITION_ENDS
from rules.routing import Routed, route
from rules.words import KLASS_ZH
from runtime.postgres import PrivatePostgres
from runtime.timesource import MachineTime
from sandbox.manners.registry import MANNERS
from sandbox.manners.registry import PARTS as CAST
from tests.acceptance.conftest import Make
from tests.acceptance.demo import DAYS, HOUSE, LIMIT, NOUGHT, PARTS, SAMPLES, Account, manners_met, own_files, read, repeats
from tests.acceptance.demo import played as play
from tests.acceptance.installation import gone, touching
from tests.acceptance.leaks import Found, Secrets, search_database, search_files

ENDED = {HOUSE.roads.state("petition", state).zh for state in PETITION_ENDS}


@dataclass
class Played:
    """The demonstration after its end: what it wrote, said and left, and what was found in it while it still ran."""

    code: int
    account: Account
    text: str
    data: Path
    secrets: Secrets
    prefect: Found
    ledger: Found
    blind: Sums
    twice: Sums
    left: dict[int, str]


@pytest.fixture(scope="module")
def played(install: Make) -> Iterator[Played]:
    made = install()
    path, data = made.folder / "account.json", made.folder / "demo"
    secrets = Secrets([*SAMPLES, *PARTS], [*(b.name for b in HOUSE.bodies), *(s.zh for s in HOUSE.table.situations.values())])
    with made.running("demo", "--days", str(DAYS), "--json", path, "--keep") as running:
        running.wait_for("一切仍在运行", LIMIT)
        server = PrivatePostgres(data / "postgres")
        server.start()
        assert not server.owned
        prefect, ledger = (search_database(secrets, server.url(name)) for name in ("prefect", "tonglu"))
        with Database(server.url("tonglu")) as database:
            blind = account(database, {}, HOUSE, MachineTime().now())
            with database.transaction() as connection:
                handoffs = connection.execute("select handoff_id, body from handoff").fetchall()
            held: dict[str, dict[str, dict[str, list[str]]]] = {body: {"items": {}, "received": {}, "issued": {}} for _, body in handoffs}
            for handoff, body in handoffs:
                for holder in (body, "elsewhere"):
                    held.setdefault(holder, {"items": {}, "received": {}, "issued": {}})["items"][handoff] = []
            twice = account(database, held, HOUSE, MachineTime().now())
        server.stop()
        code = running.interrupt()
        left = touching(made.folder)
        yield Played(code, read(path), running.text, data, secrets, prefect, ledger, blind, twice, left)


def test_it_ends_well_and_leaves_nothing_running(played: Played) -> None:
    assert played.code == 0, played.text[-3000:]
    assert played.left == {}
    gone(played.data, 1)


def test_nothing_is_lost_doubled_or_unowned(played: Played) -> None:
    sums = played.account.sums
    assert sums["good"] is True
    assert {name: sums[name] for name in NOUGHT} == dict.fromkeys(NOUGHT, 0)
    assert sums["petitions"] == len(SAMPLES) + len(PARTS) >= 60
    assert sums["closed"] > 10
    assert sums["receipts"] > 60
    assert sums["reconciliations"] > 100
    assert sums["differences_open"] == 0


def test_the_account_would_tell_what_is_lost_or_doubled(played: Played) -> None:
    # The same ledger beside bodies that hold nothing, beside bodies that opened every case twice, and long after every date has passed.
    assert (played.blind.lost > 60, played.blind.doubled) == (True, 0)
    assert played.twice.doubled == played.account.sums["handoffs"]
    assert played.blind.overdue_unrung > 0
    assert not played.blind.good
    assert not played.twice.good


def test_every_manner_of_a_partner_was_met(played: Played) -> None:
    met = played.account.sums["by_manner"]
    assert {name for name in (*MANNERS, *CAST) if not met.get(name)} == set()


def test_every_promised_road_was_gone(played: Played) -> None:
    roads = {road["key"]: road for road in played.account.roads}
    assert list(roads) == [feature.key for feature in FEATURES]
    assert {key for key, road in roads.items() if not road["count"]} == set()
    assert played.account.sums["roads_missing"] == 0
    numbers = {row["petition_no"] for row in played.account.rows}
    assert {road["example"] for road in roads.values()} <= numbers
    assert "这次演示走过的路" in played.text
    assert {row["situation"] for row in played.account.rows} >= {
        HOUSE.table.situations[sample.facts.situation].zh for sample in SAMPLES if sample.facts.situation}


def test_rows_say_what_the_sums_say(played: Played) -> None:
    sums, rows = played.account.sums, played.account.rows
    assert sums["petitions"] == len(rows) == len({row["petition_no"] for row in rows})
    assert sums["by_state"] == Counter(row["state"] for row in rows)
    assert sums["closed"] == sum(row["state"] in ENDED for row in rows) == sum(not row["holder"] for row in rows)
    assert sums["open"] == sums["petitions"] - sums["closed"]
    assert [row for row in rows if bool(row["holder"]) != bool(row["next_due"])] == []
    assert sums["handoffs"] == sum(len(row["road"].split(" → ")) for row in rows if row["road"] != "（未转送）")
    assert [row["petition_no"] for row in rows if row["petition_no"] not in played.text] == []


def test_every_class_and_branch_takes_its_road(played: Played) -> None:
    rows = played.account.by_ref
    assert {ref for ref in rows if ref.startswith("D")} == {sample.ref for sample in SAMPLES}
    assert len(rows) == len(SAMPLES) + len(PARTS)
    assert {row["klass"] for row in rows.values()} >= set(KLASS_ZH.values())
    assert {row["branch"] for row in rows.values()} >= set(BRANCHES)
    again = repeats()
    assert again
    assert {rows[ref]["state"] for ref in again} == {"已关联"}
    for sample in SAMPLES:
        found = route(sample.facts, HOUSE.table, HOUSE.bodies, HOUSE.bureau)
        if isinstance(found, Routed) and sample.channel != "visit" and sample.ref not in again:
            assert rows[sample.ref]["road"].startswith(f"{found.way}{found.body.name}（"), rows[sample.ref]


def test_nothing_personal_is_in_prefects_database(played: Played) -> None:
    assert played.prefect.secrets == {}
    assert len(played.prefect.numbers) > 60  # it does see what is there: the runs name petitions by number
    assert played.prefect.places > 1000


def test_nothing_personal_is_in_the_ledgers_unsealed_columns(played: Played) -> None:
    assert played.ledger.secrets == {}
    assert played.ledger.numbers >= {row["petition_no"] for row in played.account.rows}


def test_nothing_personal_is_in_a_log_or_on_the_screen(played: Played) -> None:
    files = list(own_files(played.data))
    assert {path.name for path in files} >= {"prefect.log", "gateway.log", "worker.log", "sandbox.log", "runner.log", "server.log"}
    assert search_files(played.secrets, files).secrets == {}
    screen = Found()
    played.secrets.search(played.text, "screen", screen)
    assert screen.secrets == {}
    assert screen.numbers


def test_no_name_or_number_stands_in_the_clear_on_the_ledgers_disk(played: Played) -> None:
    # Tables, indexes and the write-ahead log alike, as a thief of the disk would read them.
    words = played.data.parent / "words"
    words.write_text("\n".join(w for w in sorted(played.secrets.words) if re.search(r"^100\d{8}$|^[\u4e00-\u9fff]{2,}$", w)), encoding="utf-8")
    found = subprocess.run(["grep", "-rlaF", "-f", words, played.data / "postgres"], capture_output=True, text=True, check=False)
    assert (found.returncode, found.stdout) == (1, "")


def test_the_search_finds_what_is_there(played: Played) -> None:
    # The bodies hold the content, as they should: the same search over the sandbox's ledger finds nearly every petition.
    found = search_files(played.secrets, [path for path in played.data.iterdir() if path.name.startswith("sandbox.sqlite")])
    [*_, hits] = sorted(found.secrets.values(), key=len)
    assert len(hits & played.secrets.words) > 60
    assert len(hits & played.secrets.phrases) > 1000
    # Also where JSON has been written with escapes, as Prefect does.
    escaped = Found()
    played.secrets.search(SAMPLES[0].text[5:20].encode("unicode_escape").decode(), "escaped", escaped)
    assert escaped.secrets


def test_with_the_worker_killed_in_the_middle_the_end_is_the_same(played: Played, install: Make) -> None:
    made = install()
    code, account, text = play(made, "--days", str(DAYS), "--kill-worker", "8")
    assert code == 0, text[-3000:]
    assert "已强行终止工作进程" in text
    assert {name: account.sums[name] for name in NOUGHT} == dict.fromkeys(NOUGHT, 0)
    assert account.sums["differences_open"] == 0
    calm, killed = played.account.by_ref, account.by_ref
    assert set(killed) == set(calm)
    # A partner that fails the first so many tries, or is away for hours, counts the try that died with the worker as well: such a case may move half
    # a day sooner or later. Every other one ends as if nothing had happened, to the day.
    unsteady = {number for met in (played.data, made.folder / "demo") for number, manners in manners_met(met).items() if manners & {"flaky", "down"}}
    assert len(unsteady) < len(calm) / 3
    for ref, row in calm.items():
        if row["petition_no"] in unsteady:
            assert (killed[ref]["petition_no"], killed[ref]["branch"]) == (row["petition_no"], row["branch"])
            assert _first_body(killed[ref]) == _first_body(row)
        else:
            assert killed[ref] == row


def _first_body(row: dict[str, str]) -> str:
    return row["road"].partition("（")[0]
