"""The bureau's own systems that may hand in petitions: each has a name and a token, of which only the digest is kept."""

from __future__ import annotations

import fcntl
import hmac
import json
import os
import re
import secrets
from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path

_NAME = re.compile(r"[a-z][a-z0-9_-]{0,39}")
_HEX = re.compile(r"[0-9a-f]{64}")


class ClientsError(Exception):
    """The list of clients cannot be used or changed; the message says why and how to mend it, and shows no token."""


def _file(folder: Path) -> Path:
    return folder / "clients.json"


def load(folder: Path) -> dict[str, str]:
    """Name → SHA-256 (hex) of the token, from ``<folder>/clients.json``; empty where there is no file. Raises ClientsError."""
    path = _file(folder)
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as fault:
        raise ClientsError(f"读不了 {path}（{type(fault).__name__}）；应为 JSON：名称 → 令牌的 SHA-256，可删除后用 tonglu keys client-add 重建") from None
    good = isinstance(value, dict) and all(_NAME.fullmatch(name) and isinstance(mark, str) and _HEX.fullmatch(mark) for name, mark in value.items())
    if not good:
        raise ClientsError(f"{path} 应为 JSON：小写的名称 → 令牌的 SHA-256（64 位十六进制），请改正，或删除后用 tonglu keys client-add 重建")
    return dict(value)


def add_client(folder: Path, name: str) -> str:
    """Give a system of the bureau a token (a new one if it has one already) and return it: it is shown this once and never kept.

    Raises ClientsError for a name that is none, or a list that cannot be read.
    """
    if not _NAME.fullmatch(name):
        raise ClientsError("系统名称应以小写字母开头，只含小写字母、数字、- 和 _，至多 40 个字符，例如 front-desk")
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    token = "tlc_" + secrets.token_urlsafe(32)
    with open(os.open(folder / ".clients.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600), "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        _save(folder, {**load(folder), name: _mark(token)})
    return token


def remove_client(folder: Path, name: str) -> bool:
    """Take a system's token away; False where there was none. Raises ClientsError."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    with open(os.open(folder / ".clients.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600), "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        listed = load(folder)
        if listed.pop(name, None) is None:
            return False
        _save(folder, listed)
    return True


class Clients:
    """Who a token belongs to, read again whenever the file changes. Safe between threads."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._known: tuple[tuple[int, int, int], dict[str, str]] | None = None

    def name_of(self, token: str) -> str | None:
        """The client with this token, or None. Compares with every client, so that the time tells nothing. Raises ClientsError."""
        given, found = _mark(token), None
        for name, mark in self._listed().items():
            if hmac.compare_digest(given, mark):
                found = name
        return found

    def _listed(self) -> Mapping[str, str]:
        try:
            stat = os.stat(_file(self._folder))
        except FileNotFoundError:
            return {}
        stamp = (stat.st_ino, stat.st_mtime_ns, stat.st_size)
        known = self._known
        if known is None or known[0] != stamp:
            known = self._known = (stamp, load(self._folder))
        return known[1]


def _mark(token: str) -> str:
    return sha256(token.encode("utf-8", "surrogatepass")).hexdigest()


def _save(folder: Path, listed: Mapping[str, str]) -> None:
    path = _file(folder)
    fresh = path.with_name(f".{path.name}.{secrets.token_hex(6)}")
    with open(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600), "w", encoding="utf-8") as file:
        json.dump(dict(sorted(listed.items())), file, indent=1)
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(path)
