"""A bureau and its partners for one case: ledger, clock, keys, the sandbox on a port, and processes that may die."""

from __future__ import annotations

import socket
import sqlite3
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg

from connectors.keyring import Keyring
from flows.context import Context
from flows.due import look
from models.journal import Count, verify
from tests.crash.processes import KILLED, Nursery, Process
from tests.flows import world as worlds
from tests.flows.world import COURT, HOUSING, LABOUR, World, register
from tests.gateway.partner import Partner, Reply
from tests.sandbox.conftest import serving

_OVER = ("RECEIPTED", "WEAK_RECEIPT")


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])


@dataclass
class City:
    """What a case works with. `deaths` are the processes that have killed themselves at their point so far."""

    world: World
    context: Context
    folder: Path
    nursery: Nursery
    port: int
    stack: ExitStack
    deaths: int = 0
    registered: int = 0
    processes: list[Process] = field(default_factory=list)

    # -- processes --------------------------------------------------------------------------------------------------------------

    def start(self, what: str, *args: str, **more: Any) -> Process:
        """A worker, a gateway, or a command with these arguments; `point` is where it dies."""
        url = more.pop("url", self.world.url)
        env = self.world.env(TONGLU_GATEWAY_PORT=str(self.port), TONGLU_DATABASE_URL=url, **more.pop("env", {}))
        ours = {k: v for k, v in env.items() if k.startswith(("TONGLU_", "PREFECT_"))}
        process = Process(self.nursery, what, self.folder / f"{what}.{len(self.processes)}.log", ours, *args, **more)
        self.processes.append(process)
        return process

    def command(self, *args: str, point: str = "") -> Process:
        """Run a command to its end."""
        process = self.start("tonglu", *args, point=point)
        process.wait()
        return process

    def keep(self, process: Process) -> Process:
        """The process, or the fresh one that takes its place if it has killed itself. Any other end is a fault."""
        code = process.poll()
        if code is None:
            return process
        assert code == KILLED, f"ended with {code}: {process.log.read_text()[-3000:]}"
        self.deaths += 1
        what = process.log.name.split(".")[0]
        return self.gateway() if what == "gateway" else self.start(what)

    def gateway(self, **more: Any) -> Process:
        """A gateway that answers (or has died of its point on the way)."""
        process = self.start("gateway", **more)
        end = time.monotonic() + 30
        while time.monotonic() < end and process.poll() is None:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self.port)) == 0:
                    return process
            time.sleep(0.02)
        assert process.poll() is not None, process.log.read_text()
        return process

    def second_gateway(self) -> Process:
        """Another gateway on the same ledger; from now on `port` is its port."""
        self.port = free_port()
        return self.gateway()

    def said_by_bodies(self) -> list[tuple[str, str, bytes, bytes]]:
        """(body, message id, raw bytes, our receipt or nothing) of everything that bodies have sent us or mean to."""
        receipts = dict(self.world.ask("select message_id, receipt from inbox"))
        with sqlite3.connect(self.folder / "sandbox.sqlite") as book:
            rows = book.execute("select body, message_id, raw from outbox").fetchall()
        book.close()
        return [(body, i, bytes(raw), bytes(receipts.get(i, b""))) for body, i, raw in rows]

    def call_back(self, port: int, body: str, message_id: str, raw: bytes) -> Reply:
        """What a body sends, sent once more to the gateway at this port."""
        keys = Keyring(self.world.settings.keys).of(body)
        return Partner(f"http://127.0.0.1:{port}", body, keys, self.context.now()).post_raw(raw, message_id)

    # -- waiting ----------------------------------------------------------------------------------------------------------------

    def until(self, ready: Callable[[], bool], seconds: float = 60) -> None:
        began = time.monotonic()
        while not ready():
            assert time.monotonic() - began < seconds, self.told()
            time.sleep(0.03)

    def rest(self, *processes: Process) -> list[Process]:
        """Let these work until neither side has anything to do before time moves on; those that die are replaced."""
        kept = list(processes)

        def resting() -> bool:
            kept[:] = [self.keep(process) for process in kept]
            return self.quiet()

        self.until(resting)
        return kept

    def quiet(self) -> bool:
        if not self.world.control("idle")["idle"] or not self.context.transact_now(lambda c: look(c, self.context.now())).idle:
            return False
        # What somebody has begun is not looked for, but it is not done either.
        return self.world.ask("select 1 from reconciliation where state = 'RUNNING'") == []

    def told(self) -> str:
        logs = "\n".join(f"--- {p.log.name} ({p.code})\n{p.log.read_text()[-1500:]}" for p in self.processes)
        tries = self.world.ask("select message_id, attempt_no, outcome, code, detail, next_at from attempt where outcome <> 'receipted'")
        nights = self.world.ask("select body, for_day, state, differences, healed, note from reconciliation order by id")
        return f"{self.world.states()}\n{tries}\n{nights}\n{logs}"

    # -- the account ------------------------------------------------------------------------------------------------------------

    def partner_ledger(self) -> dict[str, tuple[Any, ...]]:
        """By hand-off, from the partners' own book: petition, state, round, last sequence in and out, case number if it was told, digest."""
        with sqlite3.connect(self.folder / "sandbox.sqlite") as book:
            rows = book.execute("""select handoff_id, petition_no, state, round, last_seq_in, last_seq_out, case when case_no_told then case_no end,
                                   request_digest from handoff""").fetchall()
        book.close()
        return {row[0]: tuple(row[1:]) for row in rows}

    def our_ledger(self) -> dict[str, tuple[Any, ...]]:
        rows = self.world.ask("""select handoff_id, petition_no, partner_state, partner_round, acked_out, seq_in, partner_case_no, request_digest
                                 from handoff where acked_out > 0""")
        return {row[0]: row[1:] for row in rows}

    def account(self) -> None:
        """Everything that must be true of both ledgers when all is quiet."""
        world, effects = self.world, self.world.control("effects")
        assert self.our_ledger() == self.partner_ledger(), self.told()
        assert {h: seen["cases"] for h, seen in effects.items()} == dict.fromkeys(self.our_ledger(), 1)
        assert all(count == 1 for seen in effects.values() for what, count in seen["issued"].items() if what != "handoff.progress"), effects
        assert world.ask("select message_id, state from outbox where state <> all(%s)", list(_OVER)) == [], self.told()
        assert world.ask("""select o.message_id from outbox o left join receipt r using (message_id) where r.message_id is null""") == []
        # No number is missing in any line, and none is there twice.
        assert world.ask("select handoff_id from outbox group by 1 having count(*) <> max(sequence) or count(distinct sequence) <> count(*)") == []
        assert world.ask("""select i.message_id from inbox i where i.state not in ('APPLIED', 'DUPLICATE') and not (i.state = 'QUARANTINED'
                            and exists (select 1 from duty d where d.kind = 'quarantine' and d.ref = i.body || ':' || i.message_id))""") == []
        assert world.ask("""select h.handoff_id from handoff h where h.seq_in <> (select count(distinct i.sequence) from inbox i
                            where i.handoff_id = h.handoff_id and i.state = 'APPLIED')""") == []
        assert world.ask("""select petition_no from petition where state not in ('CLOSED', 'CONCLUDED', 'SPLIT', 'LINKED')
                            and (holder is null or next_due is null)""") == []
        assert world.ask("select id from clock where state = 'OPEN' and paused_at is null and ring_at <= %s", self.context.now()) == []
        assert world.ask("""select petition_no, root from clock where state = 'OPEN' group by petition_no, handoff_id, root having count(*) > 1""") == []
        assert world.ask("select kind, ref from duty where closed_at is null group by 1, 2 having count(*) > 1") == []
        with psycopg.connect(world.url) as connection:
            assert list(verify(connection, Count())) == []

    def register(self, body: str, count: int) -> list[str]:
        """So many new petitions that the table sends to this body."""
        self.registered += count
        return register(self.context, body, count, self.registered)

    def step(self, *processes: Process, **by: float) -> list[Process]:
        """Time jumps, and these work until all is quiet again. A jump over a request on the wire would make its stamp stale, as it should."""
        self.world.clock.step(**by)
        return self.rest(*processes)


def found(url: str, folder: Path, nursery: Nursery, stack: ExitStack, callbacks: bool = False, **more: Any) -> City:
    """A new city with its partners serving; without `callbacks` they keep what they say to themselves."""
    world = worlds.world(url, folder, "", **more)
    port = free_port()
    said: dict[str, Any] = {"hooks_url": f"http://127.0.0.1:{port}/hooks"} if callbacks else {"drop_callbacks": True}
    config = worlds.sandbox_config(folder, [COURT, HOUSING, LABOUR], **said)
    world.sandbox = stack.enter_context(serving(config, world.clock))  # type: ignore[arg-type]
    world.settings = world.settings.model_copy(update={"sandbox_url": world.sandbox})
    context = world.open()
    stack.callback(context.close)
    return City(world, context, folder, nursery, port, stack)
