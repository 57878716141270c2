"""The ways to a body, opened for questions: what its ends can do, and what it answers by key."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

from cli.commands.showing import body_name
from cli.faults import Fault
from rules.resending import Asked

if TYPE_CHECKING:
    from cli.opening import Opened
    from connectors.base import Answer, Connector
    from connectors.directory import Directory
    from models.resending import Candidate


class Ways:
    """The connectors of one body. `to`: the way that messages are to go by, None: the one each is on."""

    def __init__(self, opened: Opened, directory: Directory, body: str, to: int | None) -> None:
        self.opened, self.body, self.to = opened, body, to
        self._directory = directory
        entry = opened.house.bodies.get(body) if body in opened.house.bodies else None
        if entry is None:
            raise Fault(f"机关目录中没有 {body[:80]}", "用 tonglu bodies 查看代码；已撤并的机关须留在 bodies.yaml 中")
        self.entry = entry
        if to is not None and not 0 <= to < len(entry.ways):
            has = f"有 {len(entry.ways) - 1} 条备用通道" if entry.fallbacks else "没有备用通道"
            raise Fault(f"{entry.name}{has}", "--way 写 0（主通道）或 bodies.yaml 中 fallbacks 的序号（从 1 起）")

    def connector(self, way: int) -> Connector | None:
        """The connector of a way; None for a desk. Raises Fault where it cannot be made."""
        from connectors.directory import Unreachable

        try:
            return self._directory.of(self.body, way)
        except Unreachable as error:
            raise Fault(f"连不上{body_name(self.opened.house, self.body)}（{error}）", "运行 tonglu keys ensure，或改正 bodies.yaml 中的连接方式") from None

    def goes(self, c: Candidate) -> int:
        """The way by which a message is to go."""
        return c.way if self.to is None else self.to

    def same_system(self, c: Candidate) -> bool:
        """Whether that way ends where the message's tries went. A way that is no longer in bodies.yaml ends nowhere else."""
        if not 0 <= c.way < len(self.entry.ways):
            return False
        return self.entry.system(c.way) == self.entry.system(self.goes(c))

    def idempotent(self, c: Candidate) -> bool:
        """Whether at that way's end a message is taken once however often it is sent."""
        connector = self.connector(self.goes(c))
        return connector is None or connector.abilities.idempotent

    def ask(self, found: Sequence[Candidate]) -> Iterator[list[tuple[Candidate, Answer]]]:
        """Ask by key where the messages' tries went, set by set; messages whose way cannot be asked, or is no longer there, are left out."""
        from connectors.asking import ask

        for way in sorted({c.way for c in found}):
            if not 0 <= way < len(self.entry.ways):
                continue
            mine = [c for c in found if c.way == way]
            connector = self.connector(way)
            if connector is None or not connector.abilities.can_query:
                continue
            known = {c.message_id: c for c in mine}
            for answers in ask(connector, [(c.message_id, c.digest) for c in mine]):
                yield [(known[message_id], answer) for message_id, answer in answers]


def asked(answer: Answer | None) -> Asked:
    """What an answer means for sending again."""
    from connectors.base import Delivered, NotReceived

    if answer is None:
        return ""
    return "held" if isinstance(answer, Delivered) else "not-held" if isinstance(answer, NotReceived) else "unanswered"


@contextmanager
def open_ways(opened: Opened, body: str, to: int | None) -> Iterator[Ways]:
    """The ways to a body, closed afterwards. Raises Fault for a body or a way that does not exist."""
    from connectors.directory import Directory
    from connectors.keyring import Keyring

    own_urn = opened.house.bodies.get(opened.house.bureau).urn
    directory = Directory(opened.house.bodies, Keyring(opened.settings.keys).of, opened.settings.sandbox_base, opened.now, own_urn)
    try:
        yield Ways(opened, directory, body, to)
    finally:
        directory.close()
