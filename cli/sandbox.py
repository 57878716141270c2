"""Run the sandbox as a process of its own: ``python -m cli.sandbox CONFIG --port N``. It is handed the product's time, and nothing else of it."""

from __future__ import annotations

import argparse
from pathlib import Path

from config.settings import settings
from runtime.timesource import from_setting
from sandbox.config import load
from sandbox.main import run


def main() -> None:
    parser = argparse.ArgumentParser(prog="tonglu-sandbox", description="沙箱：一个进程扮演多个虚构的机关、单位")
    parser.add_argument("config", type=Path, help="沙箱配置（JSON 或 YAML）")
    parser.add_argument("--port", type=int, default=settings().sandbox_port)
    given = parser.parse_args()
    run(load(given.config), settings().host, given.port, from_setting(settings().clock).now)


if __name__ == "__main__":
    main()
