"""One run of chaos, from an empty folder to the account of both ledgers."""

from __future__ import annotations

import shutil
import tempfile
import time
from collections.abc import Callable, Iterable
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from cli.chaos.calming import calm, settle
from cli.chaos.clerks import Clerks
from cli.chaos.dice import Dice, Rates
from cli.chaos.migrating import Migrated, migrations_killed
from cli.chaos.monkey import Deeds, Monkey
from cli.chaos.plan import WORKERS, plan
from cli.chaos.pump import Pump
from cli.chaos.wire import Wire
from cli.lapse.account import Account, account
from cli.lapse.feeding import Feeder
from cli.lapse.installation import START, Installation, LapseError, Wanted
from config.settings import Settings
from gateway.faults import where
from models.db import Connection
from rules.calendar import SHANGHAI
from rules.house import House
from runtime.supervisor import Backoff

# What is killed every few seconds must not wait ever longer for its restart.
_BACKOFF = Backoff(first=0.2, factor=1.5, most=2.0, calm=3.0)
_PATIENCE_S = 30.0
_ACKNOWLEDGED_WITHIN_S = 600.0
# A phase may take so many times what it was given before it is broken off: a busy machine is slow, not wrong.
_STRETCH = 3.0


@dataclass(frozen=True, slots=True)
class Wishes:
    """What is asked for. `minutes` of real time for the chaos itself; `days` of the installation's time pass in it; `wire`: times the usual rates of its faults."""

    seed: int = 1
    handoffs: int = 2000
    minutes: float = 5.0
    kills: int = 40
    days: float = 6.0
    migrations: int = 1
    wire: float = 1.0


@dataclass(slots=True)
class Outcome:
    """What came of it. `good` only if every promise held."""

    wishes: Wishes
    deeds: Deeds
    migrated: Migrated
    faults: dict[str, dict[str, int]]
    restarts: dict[str, int]
    steps: dict[str, int]
    fed: dict[str, int]
    acts: dict[str, int]
    trouble: dict[str, int]
    account: Account
    seconds: dict[str, float]
    virtual_days: float
    flaws: list[str]

    @property
    def kills(self) -> int:
        """Kills of everything, the migrations too."""
        return self.deeds.kills.total() + self.migrated.kills.total()

    @property
    def good(self) -> bool:
        return self.account.good and not self.migrated.flaws and not self.flaws

    def as_dict(self) -> dict[str, Any]:
        """For a JSON file."""
        kills: dict[str, dict[str, int]] = {}
        for (name, phase), count in sorted(self.deeds.kills.items()):
            kills.setdefault(name, {})[phase] = count
        return {
            "good": self.good, "seed": self.wishes.seed, "wanted": asdict(self.wishes),
            "kills": {"total": self.kills, "by_process": kills, "during_migration": dict(self.migrated.kills)}, "restarts": self.restarts,
            "acts": dict(self.deeds.others), "missed": dict(self.deeds.missed), "cannot": self.deeds.cannot, "faults": self.faults, "steps": self.steps,
            "fed": self.fed, "acts_of_people": self.acts, "trouble": self.trouble, "migrated": {"ledgers": self.migrated.ledgers, "flaws": self.migrated.flaws},
            "account": self.account.as_dict(), "flaws": self.flaws, "seconds": self.seconds, "virtual_days": round(self.virtual_days, 2),
        }


AtEnd = Callable[[Outcome, Installation], None]


def run(settings: Settings, house: House, wishes: Wishes, tell: Callable[[str], None], at_end: AtEnd = lambda *_: None) -> Outcome:
    """Play it. `tell` hears of each step in Chinese, nothing personal; `at_end` may look at the installation while it still runs.

    Raises:
        LapseError: the installation does not come up, or its sandbox cannot be asked in the end; its folder stays for whoever looks into it.
    """
    dice, clock = Dice(wishes.seed), _Stopwatch()
    migrated = _migrations(settings, wishes, dice, tell)
    clock.lap("migrations")
    seconds = wishes.minutes * 60
    with ExitStack() as stack:
        wire = stack.enter_context(Wire(dice, Rates().times(wishes.wire)))
        installation = Installation(settings, house, Wanted("chaos", seed=wishes.seed, workers=len(WORKERS), backoff=_BACKOFF, patience=_PATIENCE_S))
        wire.outward.port, wire.homeward.port = installation.settings.sandbox_port, installation.settings.gateway_port
        installation.reach(sandbox=f"http://127.0.0.1:{wire.outward_port}", gateway=f"http://127.0.0.1:{wire.homeward_port}")
        tell("启动全部服务")
        stack.enter_context(installation)
        clock.lap("start")
        feeder = stack.enter_context(Feeder(installation, wishes.seed))
        pump = Pump(installation, wire, wishes.days, seconds)
        monkey = Monkey(installation, wire, plan(dice, wishes.kills, seconds))
        clerks = Clerks(installation)
        with clerks, monkey:
            shares = _shares(wishes.handoffs, pump.wanted + 1)

            def each(step: int) -> None:
                if monkey.fault is not None:
                    raise LapseError(f"试验本身出错，已停止（{where(monkey.fault)}）")
                feeder.begin(shares[step])
                local = installation.now.astimezone(SHANGHAI)
                tell(f"{local:%m-%d %H:%M}  已登记 {len(feeder.acknowledged)}  强行终止 {monkey.deeds.kills.total()}")

            pump.run(each, lambda: monkey.done and not feeder.pending, seconds * _STRETCH)
        clock.lap("chaos")
        flaws = []
        try:
            tell("不再破坏，等待恢复")
            calm(installation, wire)
            feeder.finish(_ACKNOWLEDGED_WITHIN_S)
            clock.lap("recovery")
            settle(installation, clerks.catch_up, lambda why: tell(f"{installation.now.astimezone(SHANGHAI):%m-%d %H:%M}  {why}"))
        except LapseError as stalled:
            # What does not come to rest is a fault of its own, and the account says what of.
            flaws.append(str(stalled))
        clock.lap("settling")
        books = installation.ask("books")
        found = account(installation.database, books, house, installation.now, client=installation.wanted.name, acknowledged=feeder.acknowledged,
                        contradicted=feeder.contradicted)
        with installation.database.transaction() as connection:
            trouble = _trouble(connection)
        effects = installation.ask("effects")
        flaws += _flaws((monkey, clerks), wishes, len(feeder.acknowledged), effects)
        trouble["acts_of_people_broken_off"] = clerks.interrupted.total()
        trouble["crashes_of_postgresql_by_itself"] = _said(installation.folder / "postgres" / "server.log", b"PANIC:")
        # The code that PostgreSQL has for a file that may not grow.
        trouble["writes_refused_by_the_disk"] = sum(_said(log, b"InternalError") for log in sorted(installation.stack.logs.glob("*.log")))
        clock.lap("account")
        outcome = Outcome(
            wishes, monkey.deeds, migrated, {line.name: dict(line.counts) for line in wire.lines},
            {name: health.restarts for name, health in installation.health().items()},
            {"long": pump.long, "minutes": pump.small, "requests_under_way_at_a_long_step": pump.over_requests},
            {"acknowledged": len(feeder.acknowledged), "asked_again": feeder.asked_again}, clerks.done, trouble, found, clock.laps,
            (installation.now - START) / timedelta(days=1), flaws,
        )
        at_end(outcome, installation)
        return outcome


class _Stopwatch:
    """Real seconds of each phase, to tell how long it took, never to judge it."""

    def __init__(self) -> None:
        self.laps: dict[str, float] = {}
        self._since = time.monotonic()

    def lap(self, name: str) -> None:
        now = time.monotonic()
        self.laps[name], self._since = round(now - self._since, 1), now


def _migrations(settings: Settings, wishes: Wishes, dice: Dice, tell: Callable[[str], None]) -> Migrated:
    """In a folder made for it, which stays only where something was wrong. Raises LapseError where it cannot be made."""
    if not wishes.migrations:
        return Migrated()
    tell(f"旧版账本的升级，每个强行终止 {wishes.migrations} 次")
    try:
        settings.data_dir.mkdir(parents=True, exist_ok=True)
        folder = Path(tempfile.mkdtemp(prefix="chaos-migrations-", dir=settings.data_dir))
        folder.chmod(0o711)  # the server's user must come in
    except OSError as fault:
        raise LapseError(f"不能在 {settings.data_dir} 下建立目录（{fault.strerror}）；请检查权限和剩余空间，或用 TONGLU_DATA_DIR 另指一个目录") from fault
    migrated = migrations_killed(folder, dice.stream("migrations"), wishes.migrations)
    if not migrated.flaws:
        shutil.rmtree(folder)
    return migrated


def _shares(count: int, parts: int) -> list[int]:
    """Whole shares of `count`, as even as can be."""
    return [count * (n + 1) // parts - count * n // parts for n in range(parts)]


def _trouble(connection: Connection) -> dict[str, int]:
    """What the chaos did to single messages: proof that it hit something."""
    row = connection.execute(
        """select (select count(*) from outbox where attempts > 1), (select coalesce(max(attempts), 0) from outbox),
                  (select count(distinct message_id) from attempt where outcome = 'unknown'), (select count(*) from inbox where via <> 'hook'),
                  (select count(*) from inbox where state = 'DUPLICATE'), (select count(*) from reconciliation where state = 'FAILED'),
                  (select count(*) from difference)""").fetchone()
    names = ("messages_tried_more_than_once", "most_tries_of_one", "messages_in_doubt", "messages_fetched", "duplicates_told", "nights_failed", "differences")
    return dict(zip(names, row or (), strict=True))


def _flaws(threads: Iterable[Monkey | Clerks], wishes: Wishes, acknowledged: int, effects: dict[str, Any]) -> list[str]:
    # The kind alone: what a fault says may quote a case.
    found = [f"the {type(one).__name__.lower()} failed: {where(one.fault)}" for one in threads if one.fault is not None]
    if acknowledged != wishes.handoffs:
        found.append(f"{acknowledged} petitions were handed in instead of {wishes.handoffs}")
    twice = sorted(one for one, seen in effects.items() if seen["cases"] > 1)
    if twice:
        found.append(f"cases opened more than once at a partner: {len(twice)}, such as {', '.join(twice[:5])}")
    return found


def _said(log: Path, what: bytes) -> int:
    """How often a log says this."""
    try:
        return log.read_bytes().count(what)
    except OSError:
        return 0
