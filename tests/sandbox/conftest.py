"""A sandbox on a real port, on a stepped clock, with a real receiver for its callbacks."""

import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest
import requests

from connectors.wire.signing import new_secret
from sandbox.config import SandboxConfig, parse
from sandbox.main import server
from tests.sandbox.bureau import Bureau, Clock, Hooks

COURT = "court-990100"


class Running:
    """A sandbox that runs, and what the tests do with it."""

    def __init__(self, config: SandboxConfig, url: str, clock: Clock, hooks: Hooks) -> None:
        self.config, self.url, self.clock, self.hooks = config, url, clock, hooks

    def bureau(self, body: str = COURT) -> Bureau:
        keys = self.config.bodies[body]
        return Bureau(self.url, body, keys.to_body, keys.from_body, self.clock)

    def control(self, path: str, json: Mapping[str, Any] | None = None) -> Any:
        if json is None:
            answer = requests.get(f"{self.url}/control/{path}", timeout=10)
        else:
            answer = requests.post(f"{self.url}/control/{path}", json=json, timeout=10)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def settle(self, seconds: float = 10) -> None:
        """Wait until there is nothing to do before time moves on."""
        end = time.monotonic() + seconds
        while not self.control("idle")["idle"]:
            assert time.monotonic() < end, self.control("state")
            time.sleep(0.01)

    def live(self, days: float, step_hours: float = 6) -> None:
        """Let so many days pass in steps."""
        self.settle()
        for _ in range(round(days * 24 / step_hours)):
            self.clock.step(hours=step_hours)
            self.settle()


@contextmanager
def serving(config: SandboxConfig, clock: Clock) -> Iterator[str]:
    """The real server on a free port; its URL."""
    running = server(config, "127.0.0.1", 0, clock.now)
    thread = threading.Thread(target=running.run, daemon=True)
    thread.start()
    end = time.monotonic() + 10
    while not running.started:
        assert thread.is_alive()
        assert time.monotonic() < end
        time.sleep(0.01)
    port = running.servers[0].sockets[0].getsockname()[1]
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        running.should_exit = True
        thread.join(10)
        assert not thread.is_alive()


Start = Callable[..., Running]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """start(manner, options=..., body=..., **config) -> Running. Called again with `again=running`, restarts on the
    same ledger."""
    with ExitStack() as stack:

        def begin(manner: str = "prompt", options: Mapping[str, Any] | None = None, **more: Any) -> Running:
            bodies: dict[str, dict[str, Any]] = {
                code: {
                    "manner": manner,
                    "options": options or {},
                    "to_body": [new_secret(), new_secret()],
                    "from_body": [new_secret(), new_secret()],
                }
                for code in more.pop("bodies", [COURT])
            }
            clock = more.pop("clock", None) or Clock()
            hooks = stack.enter_context(
                Hooks(
                    {code: body["to_body"] for code, body in bodies.items()},
                    {code: body["from_body"] for code, body in bodies.items()},
                    clock,
                ).serving()
            )
            config = parse({"bodies": bodies, "ledger": tmp_path / "ledger.sqlite", "hooks_url": hooks.url, **more})
            return Running(config, stack.enter_context(serving(config, clock)), clock, hooks)

        yield begin
