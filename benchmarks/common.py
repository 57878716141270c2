"""What every benchmark stands on: a private PostgreSQL, a sandbox in a process of its own, medians and ratios."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from runtime.child import Child
from runtime.postgres import PrivatePostgres
from sandbox.config import SandboxConfig, dump


@dataclass(frozen=True, slots=True)
class Row:
    """One measured figure: what, its value, and the bare limit it is held against (a ratio needs no quiet machine)."""

    what: str
    value: float
    unit: str
    against: str = ""
    ratio: float | None = None
    wanted: str = ""


@contextmanager
def workplace() -> Iterator[tuple[Path, PrivatePostgres]]:
    """A temporary folder that PostgreSQL's user can enter, and a server in it."""
    folder = Path(tempfile.mkdtemp(prefix="tonglu-bench-")).resolve()
    folder.chmod(0o711)
    try:
        with PrivatePostgres(folder / "pg") as server:
            yield folder, server
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def sandbox(config: SandboxConfig, folder: Path, port: int) -> Iterator[str]:
    """The sandbox as a process of its own; yields its base URL."""
    path = folder / "sandbox.json"
    dump(config, path)
    child = Child("sandbox", [sys.executable, "-m", "cli.sandbox", str(path), "--port", str(port)], env=dict(os.environ), log_path=folder / "sandbox.log")
    child.start()
    try:
        wait_for(f"http://127.0.0.1:{port}/control/state")
        yield f"http://127.0.0.1:{port}"
    finally:
        child.stop()


def wait_for(url: str, seconds: float = 60) -> None:
    """Until `url` answers 200."""
    until = time.monotonic() + seconds
    while True:
        try:
            with urllib.request.urlopen(url, timeout=2) as answer:  # noqa: S310  (our own http URL)
                if answer.status == 200:
                    return
        except (urllib.error.URLError, OSError):
            if time.monotonic() > until:
                raise
        time.sleep(0.1)


def table(title: str, rows: Sequence[Row]) -> str:
    """The figures as a Markdown table."""
    lines = [f"### {title}", "", "| what | median | against | ratio | wanted |", "|---|---:|---|---:|---|"]
    for row in rows:
        ratio = f"{row.ratio:.2f}" if row.ratio is not None else ""
        lines.append(f"| {row.what} | {row.value:,.1f} {row.unit} | {row.against} | {ratio} | {row.wanted} |")
    return "\n".join(lines) + "\n"
