"""Opens what a command needs, in one place: settings, house, ledger, keys, time. Every failure is one Chinese line with its cure."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import psycopg
from pydantic import ValidationError

from cli.faults import Fault
from config.settings import Settings
from config.source import ConfigError
from connectors.sound import require_sound
from models.db import LEDGER, Database
from models.seal import Sealer, SealError, sealer_for
from rules.house import House, load_house
from runtime.child import ChildError
from runtime.pgbinaries import BinariesError
from runtime.pgcluster import ClusterError
from runtime.places import PlaceError
from runtime.postgres import PostgresError, PrivatePostgres
from runtime.timesource import TimeSource, TimeSourceError, from_setting


@dataclass(frozen=True, slots=True)
class Opened:
    """Everything a command works with; the ledger is migrated and reachable."""

    settings: Settings
    house: House
    database: Database
    sealer: Sealer
    time: TimeSource

    def now(self) -> datetime:
        """The present instant of the product, aware, UTC."""
        return self.time.now()


def open_settings() -> Settings:
    """The settings as the environment has them now. Raises Fault naming the variable that is wrong."""
    try:
        return Settings()
    except ValidationError as error:
        # Only our own words are shown beside the name: a value may hold a password.
        faults = [("TONGLU_" + str(e["loc"][0]).upper(), e.get("ctx", {}).get("error")) for e in error.errors(include_input=False) if e["loc"]]
        told = "、".join(name + (f"（{why}）" if why else "") for name, why in faults)
        raise Fault(f"环境变量 {told} 的值不合要求", "改正后重试；可用的设置见 docs/cli.md") from None


def open_house(settings: Settings) -> House:
    """The configuration, checked as one. Raises Fault with every problem, one a line."""
    try:
        return load_house(Path(settings.config_dir), settings.bureau)
    except ConfigError as error:
        raise Fault(f"配置有 {len(error.problems)} 处错误，逐条改正后重试：\n{error}") from None


def open_sound_house(settings: Settings) -> House:
    """The configuration for what runs long: refused as well where a case could be stranded by it. Raises Fault."""
    house = open_house(settings)
    try:
        require_sound(house, Path(settings.config_dir))
    except ConfigError as error:
        raise Fault(f"配置中有 {len(error.problems)} 处断头路，不能启动；逐条改正后重试（tonglu check 可看全部）：\n{error}") from None
    return house


def open_time(settings: Settings) -> TimeSource:
    """The one time source. Raises Fault."""
    try:
        source = from_setting(settings.clock)
        source.now()
    except TimeSourceError as error:
        raise Fault(str(error)) from None
    return source


@contextmanager
def open_server(settings: Settings, *, create: bool = False, keep: bool = False) -> Iterator[str]:
    """The URL of the ledger: TONGLU_DATABASE_URL, or the private server, attached to or started for as long as the block lasts.

    With `create`, the private server's database is made when it is not there yet. With `keep`, the server is started again when the command
    that owned it has ended: for what runs long. Raises Fault.
    """
    if settings.database_url:
        yield settings.database_url
        return
    server = PrivatePostgres(settings.data_dir / "postgres")
    try:
        server.start()
        if not server.database_exists(LEDGER):
            if not create:
                raise Fault("账本还没有建立", "先运行 tonglu db upgrade")
            server.create_database(LEDGER)
    except (PostgresError, PlaceError, BinariesError, ClusterError, ChildError) as error:
        server.stop()
        raise Fault(str(error)) from None
    except BaseException:
        server.stop()
        raise
    ended = threading.Event()
    keeper = threading.Thread(target=_keep, args=(server, ended), name="postgresql-keeper", daemon=True)
    if keep:
        keeper.start()
    try:
        yield server.url(LEDGER)
    finally:
        ended.set()
        if keep:
            keeper.join()
        server.stop()


def _keep(server: PrivatePostgres, ended: threading.Event) -> None:
    while not ended.wait(1):
        try:
            # It comes back under its port and password, so that its URL stays good.
            server.start()
        except (PostgresError, PlaceError, BinariesError, ClusterError, ChildError) as error:
            logging.getLogger("tonglu").warning("%s", error)


@contextmanager
def open_all(*, keep: bool = False) -> Iterator[Opened]:
    """Everything; `keep` as for `open_server`. Raises Fault."""
    settings = open_settings()
    house, time = open_house(settings), open_time(settings)
    with open_server(settings, keep=keep) as url:
        check_ready(url)
        sealer = open_sealer(settings)
        with Database(url, size=4) as database:
            yield Opened(settings, house, database, sealer, time)


def open_sealer(settings: Settings) -> Sealer:
    """The keys of personal fields. Raises Fault: a key that is lost must be brought back, a new one opens nothing."""
    try:
        return sealer_for(settings.field_keys, settings.keys)
    except SealError:
        raise Fault("个人信息的密钥不可用（缺少 field.keys，或格式不对）", "恢复密钥文件，或设置 TONGLU_FIELD_KEYS；新生成的密钥打不开已有的内容") from None


def check_ready(url: str) -> None:
    """Raise Fault unless the ledger answers and has its newest tables."""
    from alembic.script import ScriptDirectory

    from models import migrate

    newest = ScriptDirectory(str(Path(migrate.__file__).parent / "migrations")).get_current_head()
    try:
        with psycopg.connect(url, connect_timeout=10) as connection:
            there = connection.execute("select to_regclass('alembic_version') is not null").fetchone()
            row = connection.execute("select version_num from alembic_version").fetchone() if there and there[0] else None
    except psycopg.OperationalError as error:
        raise unreachable(error) from None
    if row is None:
        raise Fault("账本还没有建立", "先运行 tonglu db upgrade")
    if row[0] != newest:
        raise Fault(f"账本的表是第 {row[0]} 版，程序需要第 {newest} 版", "先运行 tonglu db upgrade")


def unreachable(error: psycopg.OperationalError) -> Fault:
    """The fault to raise when the database cannot be reached; names the kind of failure and no address or password."""
    return Fault(f"连不上数据库（{type(error).__name__}）", "检查 TONGLU_DATABASE_URL 和数据库是否在运行；加 --debug 看详情")
