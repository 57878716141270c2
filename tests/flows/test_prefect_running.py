"""How work and its run go together: the work starts at once, is done once, and waits for nothing that Prefect does or leaves undone."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Awaitable, Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from flows import receive
from flows.context import Context
from flows.running import Prefect, pause, perform
from flows.server import answers
from flows.trace import Mark, Trace
from tests.flows.conftest import PrefectServer

pytestmark = pytest.mark.guarantee("M10", "F25")


class Moody:
    """A server that says that it is well, or what it is told to say, and never answers anything else."""

    def __init__(self) -> None:
        self.status, self.asked = 200, 0
        outer, self._ending = self, threading.Event()

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                if not self.path.endswith("/work_pools/filter"):
                    outer._ending.wait(60)
                    return
                outer.asked += 1
                self.send_response(outer.status)
                self.send_header("Content-Length", "2")
                self.end_headers()
                self.wfile.write(b"[]")

            do_GET = do_POST

            def log_message(self, format: str, *args: Any) -> None:
                return None

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.api = f"http://127.0.0.1:{self._server.server_address[1]}/api"
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def close(self) -> None:
        self._ending.set()
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def moody() -> Iterator[Moody]:
    made = Moody()
    yield made
    made.close()


@pytest.fixture
def prefect(moody: Moody) -> Iterator[Prefect]:
    made = Prefect(moody.api)
    yield made
    made.close()


def core(seen: list[str], word: str) -> Callable[[Trace], Awaitable[int]]:
    async def work(trace: Trace) -> int:
        seen.append(f"{word} {type(trace).__name__}")
        await trace.told("XF99010020260302000001", Mark("已送达"))
        return len(seen)

    return work


async def until(ready: Callable[[], bool]) -> None:
    end = time.monotonic() + 60
    while not ready():
        assert time.monotonic() < end
        await asyncio.sleep(0.02)


def test_health_is_judged_by_what_needs_the_database(moody: Moody, prefect_server: PrefectServer) -> None:
    assert answers(prefect_server.api, 30)
    assert answers(moody.api, 30)
    moody.status = 503
    assert not answers(moody.api, 30)
    assert not answers("http://127.0.0.1:9/api")


def test_work_is_done_while_prefects_code_blocks_its_thread(context: Context, prefect: Prefect) -> None:
    seen, blocked, go = list[str](), threading.Event(), threading.Event()

    async def run() -> None:
        blocked.set()
        go.wait(60)  # as a request of Prefect's does that waits where it stands

    async def both() -> None:
        assert await perform(prefect, run, core(seen, "first")) == 1
        await until(blocked.is_set)
        assert await perform(prefect, run, core(seen, "second")) == 2
        go.set()
        await until(lambda: not prefect.closing)

    asyncio.run(both())
    assert seen == ["first Recorder", "second Recorder"]


def test_a_run_that_never_begins_is_not_tried_again_for_a_while(context: Context, moody: Moody) -> None:
    prefect = Prefect(moody.api, begin_within=0.2, first_pause=600)
    seen, tried = list[str](), list[str]()

    async def run() -> None:
        tried.append("run")
        await asyncio.sleep(3600)

    async def go() -> None:
        await perform(prefect, run, core(seen, "first"))
        await until(lambda: not prefect.was_well)
        for _ in range(3):
            await perform(prefect, run, core(seen, "later"))

    asyncio.run(go())
    prefect.close()
    assert tried == ["run"]
    assert seen == ["first Recorder", "later Silent", "later Silent", "later Silent"]


def test_pauses_grow_and_one_fault_counts_once() -> None:
    assert [pause(faults) for faults in range(7)] == [3.0, 6.0, 12.0, 24.0, 48.0, 60.0, 60.0]
    prefect = Prefect("http://127.0.0.1:9/api")
    for _ in range(12):  # so many were under way
        prefect.suspect()
    assert prefect.faults == 1
    prefect.begun()
    assert prefect.faults == 0


def test_so_many_open_runs_and_no_more(context: Context, prefect: Prefect) -> None:
    seen, tried = list[str](), list[str]()

    async def run() -> None:
        tried.append("run")
        await asyncio.sleep(3600)

    async def go() -> None:
        for _ in range(60):
            await perform(prefect, run, core(seen, "work"))

    asyncio.run(go())
    assert len(seen) == 60
    assert len(tried) <= 24
    assert seen[0] == "work Recorder"
    assert seen[-1] == "work Silent"


@pytest.mark.guarantee("M9", "F26")
@pytest.mark.usefixtures("shown")
def test_the_same_runs_function_called_twice_does_and_shows_once(context: Context, prefect_server: PrefectServer) -> None:
    seen: list[str] = []
    prefect = Prefect(prefect_server.api)

    async def run() -> None:
        await receive.receive(count=1)
        await receive.receive(count=1)

    async def go() -> None:
        assert await prefect.well()
        await perform(prefect, run, core(seen, "work"))
        await until(lambda: not prefect.closing)

    asyncio.run(go())
    prefect.close()
    assert seen == ["work Recorder"]


@pytest.mark.usefixtures("shown")
def test_the_cores_error_is_the_callers_and_its_kind_the_runs(context: Context, prefect_server: PrefectServer, caplog: pytest.LogCaptureFixture) -> None:
    prefect = Prefect(prefect_server.api)

    async def failing(trace: Trace) -> int:
        raise ValueError("欧阳澜生 的材料有误")

    async def go() -> None:
        assert await prefect.well()
        with pytest.raises(ValueError, match="材料"):
            await perform(prefect, lambda: receive.receive(count=0), failing)
        await until(lambda: not prefect.closing)

    asyncio.run(go())
    prefect.close()
    assert "a flow run failed: ValueError" in caplog.text
    assert "欧阳" not in caplog.text
