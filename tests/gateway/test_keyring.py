"""Keys in files: made once whoever is first, changed without a restart, refused with a cure."""

from __future__ import annotations

import json
import multiprocessing
import stat
from pathlib import Path

import pytest

from connectors.base import Keys
from connectors.keyring import KeyMissing, Keyring
from connectors.wire.signing import MAX_SIGNATURES, new_secret
from gateway.clients import Clients, ClientsError, add_client
from gateway.clients import load as load_clients

COURT = "court-990100"


def test_keys_are_made_once_and_only_their_owner_reads_them(tmp_path: Path) -> None:
    ring = Keyring(tmp_path / "keys")
    ring.ensure([COURT, "police-990100"])
    keys = ring.of(COURT)
    ring.ensure([COURT])
    assert ring.of(COURT) == keys
    assert len({*keys.to_body, *keys.from_body, *ring.of("police-990100").to_body}) == 3
    path = ring.path(COURT)
    assert (stat.S_IMODE(path.stat().st_mode), stat.S_IMODE(path.parent.stat().st_mode), stat.S_IMODE(ring.folder.stat().st_mode)) == (0o600, 0o700, 0o700)
    assert sorted(p.name for p in path.parent.iterdir()) == [f"{COURT}.json", "police-990100.json"]


def test_rotation_keeps_the_old_and_another_process_sees_it(tmp_path: Path) -> None:
    ring, other = Keyring(tmp_path), Keyring(tmp_path)
    ring.ensure([COURT])
    first = other.of(COURT)
    second = ring.rotate(COURT)
    assert other.of(COURT) == second == Keys((second.to_body[0], *first.to_body), (second.from_body[0], *first.from_body))
    assert other.retire(COURT) == ring.of(COURT) == Keys(second.to_body[:1], second.from_body[:1])


def test_no_more_keys_than_a_signature_can_carry(tmp_path: Path) -> None:
    ring = Keyring(tmp_path)
    ring.ensure([COURT])
    for _ in range(MAX_SIGNATURES - 1):
        ring.rotate(COURT)
    with pytest.raises(KeyMissing, match="retire"):
        ring.rotate(COURT)
    assert len(ring.of(COURT).to_body) == MAX_SIGNATURES


def _ensure(folder: Path) -> Keys:
    ring = Keyring(folder)
    ring.ensure([COURT])
    return ring.of(COURT)


def _rotate(folder: Path) -> None:
    Keyring(folder).rotate(COURT)


def test_processes_at_once_end_with_the_same_keys(tmp_path: Path) -> None:
    with multiprocessing.get_context("spawn").Pool(4) as pool:
        assert len(set(pool.map(_ensure, [tmp_path / "keys"] * 16))) == 1
        pool.map(_rotate, [tmp_path / "keys"] * 6)
    assert len(set(Keyring(tmp_path / "keys").of(COURT).to_body)) == 7


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", '{"to_body": [], "from_body": []}', '{"to_body": "whsec_x", "from_body": []}', '{"to_body": ["short"], "from_body": ["short"]}', "\udcff"]
)
def test_a_file_that_is_wrong_is_named_with_its_form(tmp_path: Path, text: str) -> None:
    ring = Keyring(tmp_path)
    path = ring.path(COURT)
    path.parent.mkdir(parents=True)
    path.write_bytes(text.encode("utf-8", "surrogateescape"))
    with pytest.raises(KeyMissing) as wrong:
        ring.of(COURT)
    assert str(path) in str(wrong.value)


def test_a_missing_file_and_a_code_that_is_none(tmp_path: Path) -> None:
    ring = Keyring(tmp_path)
    with pytest.raises(KeyMissing, match="whsec_"):
        ring.of(COURT)
    for code in ("../../etc/passwd", "", "court", "法院-990100"):
        with pytest.raises(KeyMissing, match="机关代码"):
            ring.of(code)


def test_an_edit_in_place_is_seen_and_no_secret_is_shown(tmp_path: Path) -> None:
    ring = Keyring(tmp_path)
    ring.ensure([COURT])
    secret = new_secret()
    for _ in range(20):
        secret = new_secret()
        ring.path(COURT).write_text(json.dumps({"to_body": [secret], "from_body": [secret]}))
        assert ring.of(COURT) == Keys((secret,), (secret,))
    assert secret not in repr(ring.of(COURT))
    ring.path(COURT).write_text(json.dumps({"to_body": [secret, "whsec_broken!"], "from_body": [secret]}))
    with pytest.raises(KeyMissing) as wrong:
        ring.of(COURT)
    assert secret not in str(wrong.value)
    assert "broken" not in str(wrong.value)


def test_a_token_is_kept_only_as_its_digest(tmp_path: Path) -> None:
    token = add_client(tmp_path, "front-desk")
    file = tmp_path / "clients.json"
    assert token not in file.read_text()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    clients = Clients(tmp_path)
    assert (clients.name_of(token), clients.name_of(token + "x"), clients.name_of("")) == ("front-desk", None, None)
    for name in ("", "Front", "a b", "../x", "x" * 41):
        with pytest.raises(ClientsError):
            add_client(tmp_path, name)


@pytest.mark.parametrize("text", ["", "[]", '{"front-desk": "plain"}', '{"Front": "x"}'])
def test_a_list_of_clients_that_is_wrong_is_named(tmp_path: Path, text: str) -> None:
    (tmp_path / "clients.json").write_text(text)
    with pytest.raises(ClientsError, match=r"clients\.json"):
        load_clients(tmp_path)
