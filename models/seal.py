"""Personal fields at rest: AES-GCM (NIST SP 800-38D), the key's id stored with each value so that keys can rotate.

A sealed value is ``version(1) | len(key id)(1) | key id | nonce(12) | ciphertext+tag``. It is bound to where it stands (`place`), so that a
value copied to another row does not open there.
"""

from __future__ import annotations

import base64
import contextlib
import hmac
import json
import os
import secrets
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

_VERSION = 1
_NONCE = 12


class SealError(Exception):
    """A value that cannot be sealed or opened; names the key id or the place, never the content."""


class Sealer:
    """Seals with the newest key, opens with whichever the value names.

    Args:
        keys: (id, 32 bytes) pairs, newest first.
    """

    def __init__(self, keys: Iterable[tuple[str, bytes]]) -> None:
        pairs = list(keys)
        if not pairs:
            raise SealError("no key for personal fields; set TONGLU_FIELD_KEYS or restore the key file")
        for name, key in pairs:
            if len(key) != 32 or not 0 < len(name.encode()) < 256:
                raise SealError(f"key {name!r} must have an id of 1-255 bytes and 32 bytes of key")
        if len({name for name, _ in pairs}) != len(pairs):
            raise SealError("two keys for personal fields bear the same id; what one sealed the other could not open: give the new key an id of its own")
        self._keys = dict(pairs)
        self._marking: dict[str, list[bytes]] = {}
        self._ciphers = {name.encode(): AESGCM(key) for name, key in pairs}
        self._newest = pairs[0][0].encode()

    @property
    def newest(self) -> str:
        return self._newest.decode()

    def apart(self, salt: bytes) -> Sealer:
        """A sealer with keys of its own, derived from ours and `salt`: whoever destroys the salt has destroyed what was sealed with it."""
        return Sealer((name, hmac.digest(key, b"tonglu/apart/" + salt, "sha256")) for name, key in self._keys.items())

    def marks(self, label: str, text: str) -> list[bytes]:
        """Digests by which the same text is known again and from which nobody without the keys can guess it (HMAC-SHA-256, RFC 2104).

        One for each key, newest first: keep the first, look for any. `label` keeps the uses apart.
        """
        own = self._marking.get(label)
        if own is None:
            own = self._marking[label] = [hmac.digest(key, b"tonglu/mark/" + label.encode(), "sha256") for key in self._keys.values()]
        return [hmac.digest(key, text.encode("utf-8", "surrogatepass"), "sha256") for key in own]

    def seal(self, plain: bytes, place: str) -> bytes:
        nonce = os.urandom(_NONCE)
        head = bytes((_VERSION, len(self._newest))) + self._newest
        return head + nonce + self._ciphers[self._newest].encrypt(nonce, plain, place.encode())

    def open(self, sealed: bytes, place: str) -> bytes:
        """Raises SealError: unknown key id, altered value, or a value that belongs to another place."""
        name = key_id(sealed).encode()
        cipher = self._ciphers.get(name)
        if cipher is None:
            raise SealError(f"no key {name.decode()!r} for {place}; add it to the keys, older keys last")
        start = 2 + len(name)
        try:
            return cipher.decrypt(sealed[start : start + _NONCE], sealed[start + _NONCE :], place.encode())
        except InvalidTag:
            raise SealError(f"the value at {place} was altered or moved") from None

    def seal_text(self, text: str, place: str) -> bytes:
        return self.seal(text.encode(), place)

    def open_text(self, sealed: bytes, place: str) -> str:
        return self.open(sealed, place).decode()

    def seal_json(self, value: Any, place: str) -> bytes:
        return self.seal(json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode(), place)

    def open_json(self, sealed: bytes, place: str) -> Any:
        return json.loads(self.open(sealed, place))


def key_id(sealed: bytes) -> str:
    """The id of the key a value was sealed with. Raises SealError for bytes that are no sealed value."""
    if len(sealed) < 2 + _NONCE or sealed[0] != _VERSION or len(sealed) < 2 + sealed[1] + _NONCE:
        raise SealError("not a sealed value")
    try:
        return bytes(sealed[2 : 2 + sealed[1]]).decode()
    except UnicodeDecodeError:
        raise SealError("not a sealed value") from None


def parse_keys(text: str) -> list[tuple[str, bytes]]:
    """``id:base64`` items separated by commas or lines, newest first. Raises SealError naming the item that is wrong."""
    keys = []
    for item in text.replace("\n", ",").split(","):
        if not item.strip():
            continue
        name, _, encoded = item.strip().partition(":")
        try:
            keys.append((name, base64.b64decode(encoded, validate=True)))
        except ValueError:  # binascii.Error is one; letters outside ASCII give another
            raise SealError(f"key {name!r} is not base64; write id:base64 of 32 bytes") from None
    return keys


def sealer_for(field_keys: str, keys_dir: Path, *, create: bool = False) -> Sealer:
    """The installation's sealer: from TONGLU_FIELD_KEYS, else from ``keys_dir/field.keys``; made new when `create` and absent."""
    if field_keys:
        return Sealer(parse_keys(field_keys))
    path = keys_dir / "field.keys"
    if create and not path.exists():
        keys_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
        fresh = f"k1:{base64.b64encode(secrets.token_bytes(32)).decode()}\n"
        # Written whole under another name, then linked: who finds the file finds the key in it.
        draft = path.with_name(f".{path.name}.{secrets.token_hex(6)}")
        try:
            with open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
                file.write(fresh)
                file.flush()
                os.fsync(file.fileno())
            with contextlib.suppress(FileExistsError):  # another process made it first; that one is read
                os.link(draft, path)
        finally:
            draft.unlink(missing_ok=True)
    if not path.exists():
        raise SealError(f"no key for personal fields: {path.name} is missing in the keys folder; restore it or set TONGLU_FIELD_KEYS")
    return Sealer(parse_keys(path.read_text()))
