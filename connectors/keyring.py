"""The secrets of every body, one file each: made, rotated, retired, and read again as soon as a file changes.

A file is ``<folder>/bodies/<code>.json``: ``{"to_body": ["whsec_…"], "from_body": ["whsec_…"]}``, newest first. Files are replaced whole, so that
a reader sees the old keys or the new ones; whoever changes them waits for whoever else does.
"""

from __future__ import annotations

import fcntl
import json
import os
import secrets
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from connectors.base import Keys
from connectors.wire.ids import urn_of
from connectors.wire.signing import MAX_SIGNATURES, BadKey, key_bytes, new_secret

# A file system stamps times in steps: a file this young may change once more and keep its stamp.
_STAMP_GRAIN_NS = 100_000_000
_FORM = '{"to_body": ["whsec_…"], "from_body": ["whsec_…"]}，每个密钥是 whsec_ 加 32 个随机字节的 base64，新的在前'


class KeyMissing(Exception):
    """A body has no usable keys; the message names the file and says how to make it, and never shows a key."""


class Keyring:
    """The keys of all bodies under one folder. Safe between threads, and between processes that share the folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._known: dict[str, tuple[tuple[int, int, int], Keys]] = {}
        self._paths: dict[str, Path] = {}  # of those in _known: asked for with every message

    def path(self, code: str) -> Path:
        """The file of a body. Raises KeyMissing if `code` cannot be a body's."""
        try:
            urn_of(code)
        except ValueError:
            raise KeyMissing(f"{code[:80]!r} 不是机关代码，应如 court-990100") from None
        return self.folder / "bodies" / f"{code}.json"

    def of(self, code: str) -> Keys:
        """The keys of a body, newest first, as they stand in its file now. Raises KeyMissing."""
        path = self._paths.get(code) or self.path(code)
        try:
            stat = os.stat(path)
            stamp = (stat.st_ino, stat.st_mtime_ns, stat.st_size)
            known = self._known.get(code)
            if known is not None and known[0] == stamp:
                return known[1]
            text = path.read_text(encoding="utf-8")
        except FileNotFoundError:
            raise KeyMissing(f"{code} 没有密钥文件 {path}；请写入 {_FORM}，权限 0600，或重新运行 tonglu up 由其生成") from None
        except (OSError, UnicodeDecodeError) as fault:
            raise KeyMissing(f"读不了密钥文件 {path}（{type(fault).__name__}）；请检查其权限和编码（UTF-8）") from None
        keys = _parse(text, path)
        if time.time_ns() - stat.st_mtime_ns > _STAMP_GRAIN_NS:
            self._known[code], self._paths[code] = (stamp, keys), path
        else:
            self._known.pop(code, None)
        return keys

    def ensure(self, codes: Iterable[str]) -> None:
        """Make keys for those of these bodies that have none. Two processes that do it at once end with the same keys.

        Raises KeyMissing for a code that is none, OSError if the folder cannot be written.
        """
        for code in codes:
            path = self.path(code)
            if path.exists():
                continue
            fresh = self._write_beside(path, Keys((new_secret(),), (new_secret(),)))
            try:
                os.link(fresh, path)
            except FileExistsError:
                pass  # another process was faster, and its keys are the ones
            finally:
                fresh.unlink()

    def rotate(self, code: str) -> Keys:
        """Put a new key of either direction in front and keep the old ones, so that the other side can change in its own time.

        Raises KeyMissing, also when more keys would stand than a signature header may carry: retire the old ones first.
        """
        with self._alone(code) as path:
            old = self.of(code)
            if max(len(old.to_body), len(old.from_body)) >= MAX_SIGNATURES:
                raise KeyMissing(f"{path} 中已有 {MAX_SIGNATURES} 个密钥；请先停用旧密钥（retire）再轮换")
            keys = Keys((new_secret(), *old.to_body), (new_secret(), *old.from_body))
            self._write_beside(path, keys).replace(path)
            return keys

    def retire(self, code: str) -> Keys:
        """Drop all but the newest key of either direction. Raises KeyMissing."""
        with self._alone(code) as path:
            old = self.of(code)
            keys = Keys(old.to_body[:1], old.from_body[:1])
            self._write_beside(path, keys).replace(path)
            return keys

    @contextmanager
    def _alone(self, code: str) -> Iterator[Path]:
        path = self.path(code)
        self._make_folder(path.parent)
        with open(os.open(path.parent / ".lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600), "w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield path

    def _make_folder(self, folder: Path) -> None:
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        folder.mkdir(exist_ok=True, mode=0o700)

    def _write_beside(self, path: Path, keys: Keys) -> Path:
        self._make_folder(path.parent)
        fresh = path.with_name(f".{path.name}.{secrets.token_hex(6)}")
        text = json.dumps({"to_body": keys.to_body, "from_body": keys.from_body}, indent=1) + "\n"
        with open(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600), "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        return fresh


def _parse(text: str, path: Path) -> Keys:
    try:
        value = json.loads(text)
    except ValueError:
        raise KeyMissing(f"密钥文件 {path} 不是 JSON；应为 {_FORM}") from None
    found: list[tuple[str, ...]] = []
    for name in ("to_body", "from_body"):
        listed = value.get(name) if isinstance(value, dict) else None
        if not isinstance(listed, list) or not 1 <= len(listed) <= MAX_SIGNATURES or not all(isinstance(secret, str) for secret in listed):
            raise KeyMissing(f"密钥文件 {path} 的 {name} 应为 1 至 {MAX_SIGNATURES} 个密钥的列表；应为 {_FORM}")
        try:
            for secret in listed:
                key_bytes(secret)
        except BadKey as wrong:
            raise KeyMissing(f"密钥文件 {path} 的 {name} 中有一个不是密钥（{wrong}）；应为 {_FORM}") from None
        found.append(tuple(listed))
    return Keys(*found)
