"""The partner's page is true: every value of its worked example is recomputed, and its program is run."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from connectors.schedule import DELAYS
from connectors.wire import receipts
from connectors.wire.events import MAX_BODY_BYTES, TO_BODY, TO_BUREAU, decode, encode
from connectors.wire.fields import OPTIONAL, REQUIRED
from connectors.wire.signing import verify

PAGE = (Path(__file__).parents[2] / "docs" / "wire.md").read_text(encoding="utf-8")
EXAMPLES = dict(re.findall(r"<!-- example: ([a-z ]+) -->\n```[a-z]+\n(.*?)\n```", PAGE, re.DOTALL))
SECRETS = dict(re.findall(r"^(to_body|from_body) +(whsec_\S+)$", PAGE, re.MULTILINE))


def headers(name: str) -> dict[str, str]:
    return dict(line.split(": ", 1) for line in EXAMPLES[name].splitlines())


def made(given: dict[str, str]) -> datetime:
    return datetime.fromtimestamp(int(given["webhook-timestamp"]), UTC)


def test_the_message_and_its_signature() -> None:
    raw = EXAMPLES["body"].encode()
    event = decode(raw)
    assert encode(event) == raw
    given = headers("request headers")
    assert made(given) == event.time
    assert verify([SECRETS["to_body"]], given, raw, made(given)) == event.id
    assert f"-H 'webhook-signature: {given['webhook-signature']}'" in PAGE
    assert f"""-H 'Idempotency-Key: "{event.id}"'""" in PAGE


def test_the_receipt_and_the_question() -> None:
    receipt = receipts.decode(EXAMPLES["receipt"].encode())
    given = headers("receipt headers")
    assert verify([SECRETS["from_body"]], given, EXAMPLES["receipt"].encode(), made(given)) == receipt.receipt_id
    assert receipt.body_digest == receipts.body_digest(EXAMPLES["body"].encode())
    assert receipt.message_id == decode(EXAMPLES["body"].encode()).id
    asked = headers("question headers")
    verify([SECRETS["to_body"]], asked, EXAMPLES["question"].encode(), made(asked))
    assert EXAMPLES["question"].endswith(receipt.message_id)


def test_the_program_computes_the_same() -> None:
    program: dict[str, Any] = {}
    exec(EXAMPLES["program"], program)  # noqa: S102  our own page
    for name, payload, secret in (
        ("request headers", "body", "to_body"),
        ("receipt headers", "receipt", "from_body"),
        ("question headers", "question", "to_body"),
    ):
        given, raw = headers(name), EXAMPLES[payload].encode()
        stamp = int(given["webhook-timestamp"])
        signature = program["signature"](SECRETS[secret], given["webhook-id"], stamp, raw)
        assert signature == given["webhook-signature"]
        assert program["good"]([SECRETS[secret]], given, raw, stamp + 300)
        assert not program["good"]([SECRETS[secret]], given, raw, stamp + 301)
        assert not program["good"]([SECRETS[secret]], given, raw + b" ", stamp)
    assert program["body_digest"](EXAMPLES["body"].encode()) == receipts.body_digest(EXAMPLES["body"].encode())


def test_the_page_lists_every_message_and_field() -> None:
    for name in TO_BODY | TO_BUREAU:
        assert f"`{name}`" in PAGE
        row = next(line for line in PAGE.splitlines() if f"| `{name}` |" in line)
        for field in (*REQUIRED[name], *OPTIONAL.get(name, {})):
            assert field in row
    assert str(MAX_BODY_BYTES) in PAGE
    assert len(DELAYS) == 10
