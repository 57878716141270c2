"""A sandbox in a process of its own, on a standing clock: `python -m tests.sandbox.process CONFIG PORT`."""

import sys
from pathlib import Path

from sandbox.config import load
from sandbox.main import run
from tests.sandbox.bureau import START

if __name__ == "__main__":
    run(load(Path(sys.argv[1])), "127.0.0.1", int(sys.argv[2]), lambda: START)
