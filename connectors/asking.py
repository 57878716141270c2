"""Many questions by key to one body at once: has it these messages? Nothing but questions is sent."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor

from connectors.base import Answer, Connector, Unavailable, Unknown

TOO_MANY = 5
"""So many questions in a row without an answer, and the body is asked no more."""
_THREADS = 8
_SET = 200

NOT_ASKED = Unavailable("not asked: the questions before had no answer", code="not-asked", sent=False)


def ask(connector: Connector, messages: Sequence[tuple[str, str]], threads: int = _THREADS) -> Iterator[list[tuple[str, Answer]]]:
    """Ask about messages (id, digest of the body), `threads` at a time; the answers come in sets, in the order asked.

    A body that does not answer is left alone after TOO_MANY questions in a row; the rest is `NOT_ASKED`.
    """
    lock = threading.Lock()
    silent = 0

    def question(message: tuple[str, str]) -> tuple[str, Answer]:
        nonlocal silent
        with lock:
            if silent >= TOO_MANY:
                return message[0], NOT_ASKED
        answer = connector.query(*message)
        with lock:
            silent = silent + 1 if isinstance(answer, Unavailable | Unknown) else 0
        return message[0], answer

    with ThreadPoolExecutor(threads, "ask") as pool:
        for start in range(0, len(messages), _SET):
            yield list(pool.map(question, messages[start : start + _SET]))
