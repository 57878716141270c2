"""Every code an outcome can carry has words of its own."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from connectors.http.statuses import MESSAGE_FAULTS
from connectors.http.words import in_chinese

ROOM = Path(__file__).parents[2] / "connectors" / "http"
FAULTS = ("too-large", "too-slow", "cut-off", "encoded")
REASONS = ("missing", "malformed", "stale", "mismatch")


def written_codes() -> set[str]:
    """The codes as they stand in the sources of the connector."""
    sources = "".join((ROOM / name).read_text(encoding="utf-8") for name in ("connector.py", "statuses.py", "transport.py"))
    names = r"receipt|answer|bad|endless|already|in|connect|connection|read|not|unknown|redirect|certificate|dns|tls"
    found = set(re.findall(rf'"((?:{names})(?:-[a-z]+)*)"', sources))
    return found - {"in", "read", "unknown-message", "answer", "receipt"}


@pytest.mark.parametrize(
    "code",
    sorted(
        written_codes()
        | MESSAGE_FAULTS
        | {f"{kind}-{fault}" for kind in ("receipt", "answer") for fault in FAULTS}
        | {f"receipt-signature-{reason}" for reason in REASONS}
        | {"http-404", "http-422", "http-500", "receipted", "not-received"}
    ),
)
def test_a_code_has_words(code: str) -> None:
    words = in_chinese(code)
    assert code not in words
    assert re.search("[一-龥]", words)


def test_a_code_nobody_knows_is_shown() -> None:
    assert "moon-phase" in in_chinese("moon-phase")
