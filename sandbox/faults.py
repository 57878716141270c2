"""A wrong answer on purpose."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Fault:
    """`status` None closes the connection without a word; `retry_after` in seconds."""

    status: int | None
    why: str = ""
    retry_after: int | None = None
