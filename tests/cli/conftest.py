"""The command as an operator runs it: a real ledger, a clock in a file, keys in a folder of the test's own."""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from cli.main import app
from runtime.timesource import write_instant
from tests.models.ledger import Ledger

REPO = Path(__file__).resolve().parents[2]
FIELD_KEYS = "k1:" + base64.b64encode(bytes(range(32))).decode()


@dataclass
class Ran:
    """What a command did."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


class Tonglu:
    """Runs commands on one installation. Those of `run` share this process; `spawn` makes a process of its own."""

    def __init__(self, folder: Path, url: str) -> None:
        self.folder = folder
        self.clock = folder / "clock"
        self.env = {"TONGLU_DATABASE_URL": url, "TONGLU_DATA_DIR": str(folder), "TONGLU_FIELD_KEYS": FIELD_KEYS, "TONGLU_CLOCK": f"file:{self.clock}",
                    "TONGLU_CONFIG_DIR": str(REPO / "config"), "TONGLU_BUREAU": "bureau-990100"}

    def run(self, *args: str | Path, **env: str) -> Ran:
        result = CliRunner().invoke(app, [str(a) for a in args], env={**self.env, **env})
        return Ran(result.exit_code, result.stdout, result.stderr)

    def spawn(self, *args: str | Path, **env: str) -> subprocess.Popen[str]:
        return subprocess.Popen([sys.executable, "-m", "cli.main", *map(str, args)], env={**os.environ, **self.env, **env}, cwd=REPO, text=True,
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE)


@pytest.fixture
def ledger(database: str) -> Iterator[Ledger]:
    """The ledger behind the command, to bring cases to where a test wants them."""
    made = Ledger(database)
    with made.db:
        yield made


@pytest.fixture
def tonglu(tmp_path: Path, database: str, ledger: Ledger) -> Tonglu:
    """The command on that ledger, at the same instant."""
    made = Tonglu(tmp_path, database)
    write_instant(made.clock, ledger.now)
    return made
