"""`python -m tests.guarantees`: which tests prove which promise, and what is wrong between them; 1 where anything is."""

from __future__ import annotations

import sys

from tests.guarantees.promises import DOCUMENT, bearers, faults, table

if __name__ == "__main__":
    text, found = DOCUMENT.read_text(encoding="utf-8"), list(bearers())
    print(table(text, found))
    wrong = faults(text, found)
    for line in wrong:
        print(line, file=sys.stderr)
    raise SystemExit(bool(wrong))
