"""The bureau's people under chaos: they do their open duties as in the demonstration, and when the ledger dies under an act, they look again and go on."""

from __future__ import annotations

import threading
from collections import Counter
from types import TracebackType

import psycopg
from psycopg_pool import PoolTimeout

from cli.demo.office import Office
from cli.demo.people import People
from cli.demo.script import load_play
from cli.lapse.installation import Installation

_EVERY_S = 1.0


class Clerks:
    """Work in a thread of their own while their context is entered. `done`: acts by kind of duty; `interrupted`: acts that the ledger's death broke off."""

    def __init__(self, installation: Installation) -> None:
        self._installation = installation
        play = load_play(installation.settings.config_dir / "samples")
        self._people = People(Office(installation.database, installation.house, installation.sealer, play))
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="clerks", daemon=True)
        self.interrupted: Counter[str] = Counter()
        self.fault: BaseException | None = None

    @property
    def done(self) -> dict[str, int]:
        """Acts by kind of duty."""
        return dict(self._people.done)

    def __enter__(self) -> Clerks:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, fault: BaseException | None, at: TracebackType | None) -> None:
        self._stop.set()
        self._thread.join()

    def catch_up(self) -> None:
        """Do all that lies on the desks now; to be called when the thread has ended. Raises what an act raises: nothing disturbs it any more."""
        self._people.work(self._installation.now)

    def _run(self) -> None:
        while not self._stop.wait(_EVERY_S):
            try:
                self._people.work(self._installation.now)
            except (psycopg.OperationalError, psycopg.InternalError, psycopg.InterfaceError, PoolTimeout) as fault:
                # Whether the act was committed, its duty says when they look again.
                self.interrupted[type(fault).__name__] += 1
            except BaseException as fault:  # noqa: BLE001  (told at the end: a clerk's act must not fail for any other reason)
                self.fault = fault
                return
