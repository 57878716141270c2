"""A body whose system will not take the message at all."""

from typing import ClassVar

from sandbox.faults import Fault
from sandbox.manners.base import Manner, Options, Visit


class Refuses(Manner[Options]):
    """Answers every request with 422 and `retry: never`, before anything is stored: it surely does not have it."""

    name: ClassVar[str] = "refuses"
    line: ClassVar[str] = "系统拒收来文（422），且不会再收"

    def before_commit(self, visit: Visit) -> Fault | None:
        """No to the request; nothing else can follow it."""
        return Fault(422, "refused") if visit.message == "handoff.request" else None
