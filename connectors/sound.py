"""The proof of a configuration, told what this product can carry: kinds of connector, messages to a body, and acts a body's messages become."""

from __future__ import annotations

from pathlib import Path

from connectors.registry import KINDS
from connectors.wire.events import TO_BODY, TO_BUREAU
from rules import proof
from rules.house import House

# One message on the wire that the inbox takes as one of two acts.
_SPLIT = {"withdraw.answer": ("withdraw.agreed", "withdraw.refused")}
HEARD = frozenset(act for message in TO_BUREAU for act in _SPLIT.get(message, (message,)))


def prove_house(house: House, folder: Path) -> proof.Proof:
    """The whole proof of the configuration that was loaded from this folder, every defect with its line."""
    return proof.prove_house(house, folder, KINDS.keys(), TO_BODY, HEARD)


def require_sound(house: House, folder: Path) -> None:
    """Raise `ConfigError` (file, line, cure) for a configuration in which a case could be stranded. The cheap part of the proof: some hundredths of a second."""
    proof.require_sound(house, folder, KINDS.keys(), TO_BODY, HEARD)
