"""The files of a private PostgreSQL: made whole or not at all, and its password beside them.

``<folder>/cluster/data`` is PostgreSQL's data folder and ``<folder>/cluster/password`` its password (mode 0600). Both
appear by one rename, so that a kill at any moment of initdb leaves only a temporary folder, swept up the next time.
"""

from __future__ import annotations

import os
import pwd
import secrets
import shutil
from dataclasses import dataclass
from pathlib import Path

from runtime.child import Child
from runtime.pgbinaries import major_version

SUPERUSER = "tonglu"
_INITDB_WITHIN_S = 300.0


class ClusterError(RuntimeError):
    """The data folder cannot be made or used; the message says why and how to mend it."""


@dataclass(frozen=True)
class Cluster:
    """An initialised cluster. `data` is PGDATA; `password` that of the superuser over TCP."""

    data: Path
    password: str


def read(folder: Path) -> Cluster | None:
    """The cluster in `folder`, None if there is none yet. Raises ClusterError if it is there but not readable by us."""
    place = folder / "cluster"
    if not place.is_dir():
        return None
    try:
        password = (place / "password").read_text("ascii").strip()
    except FileNotFoundError as fault:
        raise ClusterError(f"{place} 中缺少 password 文件；请从备份恢复，或把该文件夹移走后重新建库") from fault
    except PermissionError as fault:
        raise ClusterError(
            f"无权读取 {place / 'password'}；请以建立它的用户运行，或用 TONGLU_DATA_DIR 另选位置"
        ) from fault
    return Cluster(place / "data", password)


def prepare(folder: Path, binaries: Path, user: str | None, lock: int) -> Cluster:
    """The cluster in `folder`, made now if there is none; to be run by `user` (None: ourselves).

    `lock` is the caller's lock on `folder`, held by initdb too: killed, it clears up for a moment longer. Raises
    ClusterError if it cannot be made, or was made by another major version of PostgreSQL or another user.
    """
    for leftover in folder.glob("new-cluster-*"):
        shutil.rmtree(leftover)
    found = read(folder)
    if found is None:
        _make(folder, binaries, user, lock)
        found = read(folder)
        assert found is not None  # noqa: S101 - just made, under the lock
    wanted = os.geteuid() if user is None else pwd.getpwnam(user).pw_uid
    if (owner := found.data.stat().st_uid) != wanted:
        raise ClusterError(
            f"{found.data} 属于用户编号 {owner}，而 PostgreSQL 现在要以编号 {wanted} 运行；"
            f"请以原来的用户运行（root 可用 TONGLU_PG_USER 指定），或用 TONGLU_DATA_DIR 另选位置"
        )
    made_by = (found.data / "PG_VERSION").read_text("ascii").strip()
    if made_by != (ours := major_version(binaries)):
        raise ClusterError(
            f"{found.data} 由 PostgreSQL {made_by} 建立，而程序是 {ours}；请用 TONGLU_PG_BIN 指向 {made_by} 版的程序，"
            f"或先导出数据再升级"
        )
    return found


def _make(folder: Path, binaries: Path, user: str | None, lock: int) -> None:
    fresh = folder / f"new-cluster-{secrets.token_hex(6)}"
    fresh.mkdir(mode=0o711)
    fresh.chmod(0o711)
    data, password, log = fresh / "data", fresh / "password", folder / "initdb.log"
    data.mkdir(mode=0o700)
    descriptor = os.open(password, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        file.write(secrets.token_urlsafe(24) + "\n")
        file.flush()
        os.fsync(descriptor)
    if user is not None:
        account = pwd.getpwnam(user)
        os.chown(data, account.pw_uid, account.pw_gid)
        os.chown(password, account.pw_uid, account.pw_gid)
    log.unlink(missing_ok=True)
    command = [str(binaries / "initdb"), "--pgdata", str(data), "--username", SUPERUSER, "--pwfile", str(password)]
    command += ["--auth-local", "trust", "--auth-host", "scram-sha-256", "--encoding", "UTF8", "--locale", "C"]
    command += ["--locale-provider", "builtin", "--builtin-locale", "C.UTF-8"]
    environment = {"LC_ALL": "C", "PATH": "/usr/bin:/bin"}
    initdb = Child("initdb", command, env=environment, log_path=log, cwd=Path("/"), user=user, hold=(lock,))
    initdb.start()
    status = initdb.wait(_INITDB_WITHIN_S)
    if status != 0:
        initdb.stop()
        shutil.rmtree(fresh)
        reason = "超时" if status is None else f"退出码 {status}"
        raise ClusterError(f"initdb 未能建立数据库（{reason}）；原因见 {log}，常见的是磁盘已满或文件夹不可写")
    os.chown(password, os.geteuid(), os.getegid())
    _sync_folder(fresh)
    fresh.rename(folder / "cluster")
    _sync_folder(folder)


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
