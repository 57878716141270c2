"""Invented petitions without end, and the system that hands them in: it asks again until it is answered for each, and remembers what it was told."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import wait as wait_for
from random import Random
from typing import Any

import requests

from cli.lapse.installation import Installation, LapseError
from config.samples import SamplePetition, load_samples
from flows.intake import decide
from rules.house import House

# Compound family names and given names that are made to be found again by a search for leaks, as in config/samples.
_FAMILY = ("闻人", "濮阳", "澹台", "端木", "司空", "钟离", "亓官", "宗政", "轩辕", "拓跋", "呼延", "淳于", "尉迟", "公冶", "皇甫", "令狐")
_GIVEN = "蘅芷栩砚屿舟黎棠漱玉稷安霁川琅溪苡宁筱屹珩蓼蓝沅泠澍岑翊昀蔚荞"
_PAUSES_S = (0.05, 0.1, 0.2, 0.5, 1.0)


def templates(house: House, samples: list[SamplePetition]) -> list[SamplePetition]:
    """Those samples that the routing table itself sends to a body with a system."""
    found = []
    for sample in samples:
        route = decide("", sample.facts.model_dump(exclude_none=True), house).route
        if route is not None and house.bodies.get(route.body).connector.kind == "http":
            found.append(sample)
    return found


def invented(installation: Installation, seed: int) -> Iterator[dict[str, Any]]:
    """Forms for POST /petitions, without end, by seed: no two with the same person and subject, each received at the clock's instant."""
    patterns = templates(installation.house, load_samples(installation.settings.config_dir / "samples" / "petitions.yaml"))
    if not patterns:
        raise LapseError("示例中没有一件按路由表送往有系统的单位；请检查 config/samples/petitions.yaml 和 config/routing.yaml")
    dice, number = Random(f"{seed}/petitions"), 0  # noqa: S311  (invented people, no secret)
    while True:
        number += 1
        pattern = dice.choice(patterns)
        name = dice.choice(_FAMILY) + "".join(dice.choices(_GIVEN, k=2))
        yield {
            "origin_ref": f"L{seed}-{number:06d}", "channel": pattern.channel, "received_at": installation.now.isoformat(),
            "subject": f"{pattern.subject}（第{number}号）", "text": pattern.text,
            "petitioner": {"name": name, "phone": f"100{number:08d}", "address": f"东屿区螺湾路{number}号"},
            "facts": pattern.facts.model_dump(exclude_none=True),
        }


class Feeder:
    """Hands in petitions over several connections; each is asked again until it is acknowledged (200 or 201). Use as a context manager.

    Attributes:
        acknowledged: reference → petition number. refused: reference → status of an answer that is not to be repeated.
        contradicted: references that were given two numbers. asked_again: how many were asked for once more after their acknowledgement.
    """

    def __init__(self, installation: Installation, seed: int, *, connections: int = 8, again: float = 0.05, gateway: str = "") -> None:
        """`again`: the share of petitions handed in once more after their acknowledgement. `gateway`: another address than the gateway's own."""
        self._forms, self._again = invented(installation, seed), again
        self._dice = Random(f"{seed}/again")  # noqa: S311  (which are repeated, no secret)
        self._url, self._token = f"{gateway or installation.gateway_url}/petitions", installation.token
        self._pool, self._local = ThreadPoolExecutor(connections, thread_name_prefix="feeder"), threading.local()
        self._lock, self._stop = threading.Lock(), threading.Event()
        self._sessions: list[requests.Session] = []
        self._pending: set[Future[None]] = set()
        self.acknowledged: dict[str, str] = {}
        self.refused: dict[str, int] = {}
        self.contradicted: list[str] = []
        self.asked_again = 0

    def __enter__(self) -> Feeder:
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._pool.shutdown(cancel_futures=True)
        for session in self._sessions:
            session.close()

    @property
    def pending(self) -> int:
        """How many are not acknowledged yet."""
        self._pending = {future for future in self._pending if not future.done()}
        return len(self._pending)

    def begin(self, count: int) -> None:
        """Start to hand in the next `count`, as received now, and return at once."""
        for _ in range(count):
            form = next(self._forms)
            self._pending.add(self._pool.submit(self._hand_in, form, self._dice.random() < self._again))

    def finish(self, within: float = 60.0) -> None:
        """Wait until all are acknowledged. Raises LapseError after `within` real seconds, or where one was refused."""
        done, left = wait_for(self._pending, timeout=within)
        for future in done:
            future.result()
        self._pending = set(left)
        if left:
            raise LapseError(f"{within:.0f} 秒内还有 {len(left)} 件信访事项没有登记成功")
        if self.refused:
            raise LapseError(f"网关拒绝了 {len(self.refused)} 件虚构的信访事项（状态 {sorted(set(self.refused.values()))}）")

    def feed(self, count: int, within: float = 60.0) -> None:
        """Hand in `count` and wait until all are acknowledged. Raises as `finish`."""
        self.begin(count)
        self.finish(within)

    def _hand_in(self, form: dict[str, Any], again: bool) -> None:
        reference = str(form["origin_ref"])
        for time_over in range(1 + again):
            number = self._answered(form)
            if number is None:
                return
            with self._lock:
                self.asked_again += time_over
                if self.acknowledged.setdefault(reference, number) != number:
                    self.contradicted.append(reference)

    def _answered(self, form: dict[str, Any]) -> str | None:
        """Ask until it is acknowledged; the number given, None where it was refused or nobody wants it any more."""
        tries = 0
        while not self._stop.is_set():
            answer = self._post(form)
            if answer is not None and answer.status_code in (200, 201):
                return str(answer.json()["petition_no"])
            if answer is not None and answer.status_code < 500 and answer.status_code != 429:
                with self._lock:
                    self.refused[str(form["origin_ref"])] = answer.status_code
                return None
            time.sleep(_PAUSES_S[min(tries, len(_PAUSES_S) - 1)])
            tries += 1
        return None

    def _post(self, form: dict[str, Any]) -> requests.Response | None:
        """The answer, or None where there was none."""
        session: requests.Session | None = getattr(self._local, "session", None)
        if session is None:
            session = self._local.session = requests.Session()
            session.trust_env = False
            session.headers["Authorization"] = f"Bearer {self._token}"
            self._sessions.append(session)
        try:
            return session.post(self._url, json=form, timeout=(5, 30), allow_redirects=False)
        except requests.RequestException:
            return None
