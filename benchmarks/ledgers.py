"""Ledgers of a million: how long it takes to know that both sides agree, and to find and heal (or hand to a person) what does not.

The ledger: hand-offs of one body over 365 days. Those that will differ are made through the door and sent to the partner over HTTP, like any other; the rest are
multiplied in SQL from one of them: whole rows of petition, hand-off and message that the database's own constraints accept, but without journal,
clocks, receipts and sealed words of their own, which no comparison reads. The partner is a process of its own with its ledger and digests in memory; requests
and answers are signed and verified both ways. Prefect is not in it.

    python -m benchmarks.ledgers [--handoffs 1000000] [--rounds 7]
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
import statistics
import sys
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import psycopg
import requests

from benchmarks.common import Row, table, wait_for, workplace
from benchmarks.ledgers_made import BODY, DAYS, Made, make
from config.settings import Settings
from connectors.wire import paths
from connectors.wire.events import Event, encode, event_type, urn_of
from connectors.wire.ids import new_id
from flows import reconcile
from flows.context import Context, open_context, using
from flows.trace import SILENT
from models import recon
from rules.ledgers import Kind
from runtime.child import Child

# The kinds of which each hand-off has one; a part whose digest is false holds one of another petition, which no line shows.
KINDS: tuple[Kind, ...] = (
    "missing_at_partner", "unknown_to_us", "receipt_lost", "messages_missing_at_partner", "partner_ahead", "we_ahead", "digest_differs", "two_case_numbers",
    "state_differs", "of_another_body", "day_differs", "petition_differs",
)
SIZES = (10, 100, 1_000, 10_000)
HEALED = frozenset({"missing_at_partner", "receipt_lost", "messages_missing_at_partner", "partner_ahead"})


@dataclass
class Faults:
    """What is made to differ: the partner's plan, how it is undone, and what must be found (hand-off or part → kind)."""

    plan: list[list[Any]] = field(default_factory=list)
    undo: list[list[Any]] = field(default_factory=list)
    expected: dict[str, str] = field(default_factory=dict)

    def add(self, kind: Kind, made: Made, context: Context) -> None:
        """One hand-off of this kind."""
        day, handoff = made.day.isoformat(), made.handoff_id
        self.expected[handoff] = kind
        match kind:
            case "missing_at_partner":
                self.plan.append(["drop", day, handoff, 1])
            case "messages_missing_at_partner":
                self.plan.append(["behind", day, handoff])
            case "receipt_lost":
                self.plan += [["put", day, handoff, made.petition_no, None, "DELIVERED", 1, 1, 0, made.digest], ["receipt", day, handoff, made.message_id, made.digest]]
            case "partner_ahead":
                self.plan += [["change", day, handoff, {"state": "SIGNED", "last_out": 1}], ["message", day, handoff, _signed(made, context)]]
            case "unknown_to_us":
                stranger = new_id()
                del self.expected[handoff]
                self.expected[stranger] = kind
                self.plan.append(["put", day, stranger, made.petition_no, None, "DELIVERED", 1, 1, 0, made.digest])
                self.undo.append(["take", day, stranger])
            case "of_another_body":
                self.plan.append(["put", day, handoff, made.petition_no, None, "DELIVERED", 1, 1, 0, made.digest])
                self.undo.append(["take", day, handoff])
            case "day_differs":
                self.plan.append(["tomorrow", day, handoff])
                self.undo.append(["today", day, handoff])
            case "petition_differs":
                other = made.petition_no[:-6] + "999999"
                self.plan += [["change", day, handoff, {"petition_no": other}], ["wrong", day, handoff]]
                self.undo += [["change", day, handoff, {"petition_no": made.petition_no}], ["right", day, handoff]]
                self.expected[f"{day}/"] = "ledger_contradicts_itself"
            case _:
                was, lie = made.lie(kind)
                self.plan.append(["change", day, handoff, lie])
                self.undo.append(["change", day, handoff, was])


def _signed(made: Made, context: Context) -> str:
    now = context.now()
    data = {"petition_no": made.petition_no, "handoff_id": made.handoff_id, "round": 1, "to": urn_of(context.settings.bureau), "office": "收发室",
            "person_role": "收件人", "signed_at": now.astimezone().isoformat(timespec="seconds")}
    return encode(Event(new_id(now), urn_of(BODY), event_type("handoff.signed"), made.handoff_id, now, 1, data)).decode()


@dataclass(frozen=True)
class Spent:
    """Seconds by the clock, and seconds of CPU of this process and all its children (PostgreSQL, the partner): the latter is the same on a busy machine."""

    wall: float
    cpu: float

    def __str__(self) -> str:
        return f"{self.wall:.2f} s ({self.cpu:.2f} s of CPU)"


class Meter:
    """Counts from when it is made."""

    def __init__(self) -> None:
        self._wall, self._cpu = time.monotonic(), _cpu()

    def read(self) -> Spent:
        return Spent(time.monotonic() - self._wall, _cpu() - self._cpu)


def _cpu() -> float:
    """Seconds of CPU of this process and those under it, as /proc has them (proc_pid_stat(5): fields 4, 14 to 17)."""
    of: dict[int, tuple[int, int]] = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):  # it has ended meanwhile
            said = path.read_text().rpartition(")")[2].split()
            of[int(path.parent.name)] = (int(said[1]), sum(map(int, said[11:15])))
    mine, more = {os.getpid()}, True
    while more:
        under = {pid for pid, (parent, _) in of.items() if parent in mine} - mine
        mine |= under
        more = bool(under)
    return sum(of[pid][1] for pid in mine if pid in of) / os.sysconf("SC_CLK_TCK")


class Bench:
    """The bureau, its partner, and what is measured."""

    def __init__(self, context: Context, url: str, folder: Path, base: str) -> None:
        self.context, self.url, self._folder, self._base = context, url, folder, base

    def night(self) -> Spent:
        """One whole comparison, until everything found is healed or a person's."""
        meter = Meter()
        summary = asyncio.run(reconcile.run(self.context, SILENT, BODY, again=True))
        spent = meter.read()
        assert not summary.failed, summary.bodies[0].failed
        return spent

    def ask(self, sql: str, *given: Any) -> list[tuple[Any, ...]]:
        with psycopg.connect(self.url, autocommit=True) as connection:
            return connection.execute(sql, given).fetchall()

    def bare(self) -> tuple[Spent, Spent]:
        """The two things that nobody can do without: the digests of our days by one statement, and as many bytes fetched over HTTP."""
        last = reconcile.beijing_day(self.context.now())
        first = last - timedelta(days=DAYS + 1)
        with psycopg.connect(self.url) as connection:
            meter = Meter()
            recon.our_digests(connection, BODY, first, last, 2)
            sql = meter.read()
            # The session stays: one that ends has its CPU counted once more while its server buries it.
            meter = Meter()
            requests.get(self._base + "/bare?" + paths.digests(first, last, 2).split("?")[1], timeout=60).raise_for_status()
            return sql, meter.read()

    def plan(self, steps: list[list[Any]]) -> None:
        (self._folder / "plan.json").write_text(json.dumps(steps))
        requests.post(f"{self._base}/control/plan", timeout=600).raise_for_status()

    def differ(self, faults: Faults) -> tuple[Spent, Counter[str]]:
        """What it takes until all of these are found and healed or duties; what was found, kind by kind. Nothing may be missed, nothing invented."""
        self.plan(faults.plan)
        before = self.ask("select coalesce(max(id), 0) from reconciliation")[0][0]
        took = self.night()
        rows = self.ask("select handoff_id, kind, action, healed_at is not null from difference where reconciliation_id > %s", before)
        # A part is named by its day and as many digits as the day was cut by.
        found = {handoff.partition("/")[0] + "/" if "/" in handoff else handoff: kind for handoff, kind, _, _ in rows}
        missed, invented = faults.expected.items() - found.items(), found.items() - faults.expected.items()
        assert not missed, ("missed", len(missed), Counter(kind for _, kind in missed))
        assert not invented, ("invented", len(invented), Counter(kind for _, kind in invented))
        left = [kind for _, kind, action, healed in rows if action != "duty" and not healed]
        assert not left, ("neither healed nor a duty", Counter(left))
        duties = {ref for (ref,) in self.ask("select ref from duty where closed_at is null")}
        owed = [kind for handoff, kind, action, _ in rows if action == "duty" and f"{BODY}:{handoff}:{kind}" not in duties]
        assert not owed, ("without a duty", Counter(owed))
        assert {kind for _, kind, action, _ in rows if action != "duty"} <= HEALED
        self.plan(faults.undo)
        return took, Counter(found.values())


def partner(folder: Path, port: int) -> Child:
    return Child("partner", [sys.executable, "-m", "benchmarks.ledger_partner", str(folder), str(port)], env=dict(os.environ), log_path=folder / "partner.log")


def run(handoffs: int = 1_000_000, rounds: int = 7, sizes: Sequence[int] = SIZES) -> list[Row]:
    """Medians over `rounds` comparisons in agreement, each beside the bare limit; then one comparison for each number of differences."""
    from cli.stack import free_ports

    with workplace() as (folder, pg):
        pg.create_database("ledger")
        [port] = free_ports(1)
        settings = Settings(database_url=pg.url("ledger"), data_dir=folder, sandbox_port=port, send_threads=8)
        with make(settings, handoffs, sum(sizes), partner(folder, port)) as specials:
            context = open_context(settings)
            try:
                with using(context):
                    bench = Bench(context, pg.url("ledger"), folder, f"http://127.0.0.1:{port}")
                    wait_for(f"http://127.0.0.1:{port}/control/up")
                    return [*_agreement(bench, handoffs, rounds), *_differences(bench, specials, handoffs, sizes)]
            finally:
                context.close()


def _agreement(bench: Bench, handoffs: int, rounds: int) -> list[Row]:
    ours: list[Spent] = []
    sql: list[Spent] = []
    wire: list[Spent] = []
    for i in range(rounds + 1):
        a, b = bench.bare()
        took = bench.night()
        if i:  # the first round warms everything up
            ours.append(took)
            sql.append(a)
            wire.append(b)
        print(f"  in agreement: {took}, bare {a} + {b}", file=sys.stderr)
    left = bench.ask("select count(*) from difference")[0][0]
    assert left == 0, f"{left} differences where there are none"
    rows = []
    for unit, of in (("s", "wall"), ("s of CPU", "cpu")):
        mine, one, two = ([getattr(spent, of) for spent in some] for some in (ours, sql, wire))
        ratio = statistics.median(x / (y + z) for x, y, z in zip(mine, one, two, strict=True))
        rows.append(Row(f"{handoffs:,} hand-offs of {DAYS} days in agreement: the whole comparison", statistics.median(mine), unit,
                        f"the digests' statement {statistics.median(one):.2f} s + the transfer {statistics.median(two) * 1000:.0f} ms", ratio, "< 2 s"))
    return rows


def _differences(bench: Bench, specials: dict[Kind, list[Made]], handoffs: int, sizes: Sequence[int]) -> list[Row]:
    rows: list[Row] = []
    base = bench.night()
    for size in sizes:
        faults = Faults()
        for i in range(size):
            kind = KINDS[i % len(KINDS)]
            faults.add(kind, specials[kind].pop(), bench.context)
        took, found = bench.differ(faults)
        told = ", ".join(f"{kind} {count}" for kind, count in sorted(found.items()))
        print(f"  {size} differences: {took} ({told})", file=sys.stderr)
        what = f"{size:,} differences of {len(found)} kinds over {handoffs:,}, each healed or a duty"
        for unit, mine, equal in (("s", took.wall, base.wall), ("s of CPU", took.cpu, base.cpu)):
            rows.append(Row(what, mine, unit, f"{(mine - equal) / size * 1000:.1f} ms a difference over the {equal:.2f} s of agreement", None, "< 15 s" if size == 1_000 else ""))
        bench.night()
        again = bench.ask("select kind, count(*) from difference where reconciliation_id = (select max(id) from reconciliation) group by 1")
        assert not again, ("after healing and undoing both sides agree", again)
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.ledgers")
    parser.add_argument("--handoffs", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--differences", default=",".join(map(str, SIZES)), help="how many, one run each (default: %(default)s)")
    said = parser.parse_args()
    print(table("Ledgers", run(said.handoffs, said.rounds, [int(n) for n in said.differences.split(",")])))


if __name__ == "__main__":
    main()
