"""A body whose line breaks after it has stored the message: the sender cannot know."""

from typing import ClassVar

from pydantic import Field

from sandbox.faults import Fault
from sandbox.manners.base import Manner, Options, Visit


class LosesAnswerOptions(Options):
    """The first `times` arrivals of each message lose their answer; `only` these messages, empty is all."""

    times: int = Field(1, ge=1)
    only: frozenset[str] = frozenset()


class LosesAnswer(Manner[LosesAnswerOptions]):
    """Commits, then closes the connection without a byte. The question by key works."""

    name: ClassVar[str] = "loses_answer"
    line: ClassVar[str] = "收妥落库后断线，不给回执；再问或重发才有答复"
    options_type: ClassVar[type[Options]] = LosesAnswerOptions

    def after_commit(self, visit: Visit) -> Fault | None:
        """No answer, the first times."""
        if self.options.only and visit.message not in self.options.only:
            return None
        return Fault(None, "answer lost") if visit.earlier() < self.options.times else None
