"""Where the product's processes are born: everything is imported once, each process is a fork of that, and may carry the point of its death.

Run as `python -m tests.crash.nursery`; takes one JSON object a line, answers one a line. It has no threads of its own, so that forking is harmless.
"""

from __future__ import annotations

import json
import os
import resource
import signal
import sys
import threading
from typing import Any


def _be(said: dict[str, Any]) -> int:
    """The child: the product's own entry point, with its environment and its end."""
    os.setsid()
    log = os.open(said["log"], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    for stream in (1, 2):
        os.dup2(log, stream)
    os.environ.update(said["env"])
    if said.get("point"):
        from tests.crash.dying import arm

        arm(said["point"], signal.Signals[said.get("how", "SIGKILL")])
    if said.get("largest_file") is not None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (said["largest_file"], said["largest_file"]))
    if said["what"] == "worker":
        from flows.worker import main as work

        return work()
    if said["what"] == "gateway":
        from gateway.main import main as serve

        return serve()
    from cli.main import app

    app(said["args"], standalone_mode=True)
    return 0


def _birth(said: dict[str, Any]) -> int:
    pid = os.fork()
    if pid:
        return pid
    code = 70
    try:
        code = _be(said)
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else int(end.code is not None)
    except BaseException:  # noqa: BLE001  (whatever it is, the child must end as a child, with its words in its log)
        import traceback

        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def main() -> None:
    """Import the product, then bear and bury until the input ends."""
    import cli.main  # noqa: F401
    import flows.worker  # noqa: F401
    import gateway.main  # noqa: F401

    if threading.active_count() != 1:
        raise RuntimeError("an import has started a thread; a fork would lose it")
    print("ready", flush=True)
    for line in sys.stdin:
        said = json.loads(line)
        answer = _birth(said) if said["do"] == "bear" else os.waitstatus_to_exitcode(os.waitpid(said["pid"], 0)[1])
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
