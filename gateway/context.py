"""What the gateway is given: it makes none of it, so that tests and commands can hand in their own."""

from __future__ import annotations

from dataclasses import dataclass

from config.settings import Settings
from connectors.keyring import Keyring
from models.db import Database
from models.seal import Sealer
from rules.house import House
from runtime.timesource import TimeSource


@dataclass(frozen=True, slots=True)
class Context:
    """One installation, as the gateway sees it. `database` is open for as long as the gateway runs."""

    settings: Settings
    house: House
    sealer: Sealer
    database: Database
    keyring: Keyring
    time: TimeSource
