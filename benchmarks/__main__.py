"""`make bench`: every benchmark, each beside its bare limit, medians and ratios of one run. ``python -m benchmarks [dispatch|callbacks|latency|bodies|check …]``."""

from __future__ import annotations

import argparse
from collections.abc import Callable

from benchmarks import bodies, callbacks, check, dispatch, isolation, latency, ledgers
from benchmarks.common import Row, table

ALL: dict[str, tuple[str, Callable[[], list[Row]]]] = {
    "dispatch": ("Dispatch", dispatch.run),
    "callbacks": ("Callbacks", callbacks.run),
    "latency": ("From callback to state", latency.run),
    "bodies": ("Ten thousand bodies", bodies.run),
    "check": ("The proof", check.run),
    "isolation": ("Isolation", isolation.run),
    "ledgers": ("Ledgers of a million", ledgers.run),
}


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description="Benchmarks with their bare limits; figures vary, ratios less.")
    parser.add_argument("names", nargs="*", choices=[*ALL, []], help="which (default: all)")
    parser.add_argument("--handoffs", type=int, default=1_000_000, help="size of the ledger in the benchmark of that name (default: %(default)s)")
    said = parser.parse_args()
    for name in said.names or list(ALL):
        title, measure = ALL[name]
        print(table(title, ledgers.run(said.handoffs) if name == "ledgers" else measure()), flush=True)


if __name__ == "__main__":
    main()
