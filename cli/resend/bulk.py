"""Sending many messages to one body again: what it may hold is counted, asked and shown before anything is done."""

from __future__ import annotations

import sys
import time
from collections import Counter
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

import typer

from cli.commands.showing import body_name, table
from cli.faults import FOUND, GOOD, Fault
from cli.resend.acting import By, confirm, send_again
from cli.resend.single import PHONE, STOP_ZH, tell_standing
from cli.resend.ways import Ways, asked, open_ways
from cli.shell import say
from rules.resending import Step, decide
from rules.taxonomy import HAS_ZH, OUTBOX_ZH, way_zh

if TYPE_CHECKING:
    from cli.opening import Opened
    from connectors.base import Answer, Delivered
    from models.resending import Candidate

STEP_ZH: dict[Step, str] = {
    "confirm": "对方已持有，补登回执，不重发", "send": "重发（先按编号询问）", "send-sure": "重发（确未持有）", "by-word": "重发（依经办人核实）",
    "ask-by-phone": "不重发：问不到，也不按编号去重", "other-system": "不重发：可能已持有，而通道通向另一系统",
}
_GOING: tuple[Step, ...] = ("send", "send-sure", "by-word")
_TOLD_EVERY_S = 2.0


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which messages: to `body`, written from `since` on and before `until` (aware; None: no bound), in these states; to go by `way` (None: their own)."""

    body: str
    since: datetime | None
    until: datetime | None
    states: tuple[str, ...]
    way: int | None


def resend_many(opened: Opened, wanted: Wanted, not_held: bool, by: By, *, dry_run: bool, yes: bool) -> int:
    """Count, ask, show, have it confirmed, act. Returns the exit status: 1 where something asked for will not go. Raises Fault."""
    from models import resending

    with open_ways(opened, wanted.body, wanted.way) as ways:
        with opened.database.transaction() as connection:
            found = resending.find(connection, wanted.body, wanted.since, wanted.until, wanted.states, opened.now())
        name = body_name(opened.house, wanted.body)
        if not found:
            print(f"{name}：没有符合条件的文书")
            return GOOD
        tell_standing(opened, wanted.body, wanted.way)
        _count(name, found)
        going = [c for c in found if not c.stop]
        answers = _ask(ways, [c for c in going if c.has == "maybe"])
        steps: dict[str, Step] = {}
        for c in going:
            steps[c.message_id] = decide(c.has, asked(answers.get(c.message_id)), same_system=ways.same_system(c), safe_twice=ways.idempotent(c), not_held=not_held)
        _show(found, steps, answers)
        if dry_run:
            print("（--dry-run）什么也没有改变；除按编号询问外没有发出什么")
            return GOOD
        todo = [c for c in going if steps[c.message_id] in (*_GOING, "confirm")]
        if todo and not yes:
            _consent(name, len(todo), wanted.way)
        return _act(ways, found, steps, answers, by)


def _count(name: str, found: list[Candidate]) -> None:
    counts = Counter((c.state, c.stop or c.has) for c in found)
    table(f"{name}：{len(found)} 件", ("现状", "对方是否持有", "件数"), [
        (OUTBOX_ZH.get(state, state), STOP_ZH.get(what) or HAS_ZH[what], n) for (state, what), n in sorted(counts.items())], right=("件数",))


def _ask(ways: Ways, maybe: list[Candidate]) -> dict[str, Answer]:
    answers: dict[str, Answer] = {}
    if not maybe:
        return answers
    say(f"对方可能已持有 {len(maybe)} 件，逐件按编号询问……")
    told = time.monotonic()
    for part in ways.ask(maybe):
        answers |= {c.message_id: answer for c, answer in part}
        if time.monotonic() - told > _TOLD_EVERY_S:
            told = time.monotonic()
            say(f"已询问 {len(answers)}/{len(maybe)}")
    codes = Counter(a.code for a in answers.values() if asked(a) == "unanswered")
    if codes:
        say("没有问到：" + "，".join(f"{n} 件（{code}）" for code, n in codes.most_common()))
    return answers


def _show(found: list[Candidate], steps: dict[str, Step], answers: dict[str, Answer]) -> None:
    if answers:
        zh = {"held": "对方答：已持有", "not-held": "对方答：没有此件", "unanswered": "没有问到"}
        said = Counter(zh[asked(a)] for a in answers.values())
        print("；".join(f"{word} {n} 件" for word, n in said.most_common()))
    counts = Counter(STEP_ZH[step] for step in steps.values()) + Counter("不重发：" + STOP_ZH[c.stop] for c in found if c.stop)
    table("将会怎样", ("处置", "件数"), sorted(counts.items()), right=("件数",))
    numbers = [c for c in found if c.stop in ("erased", "silenced", "on-paper") or steps.get(c.message_id) in ("ask-by-phone", "other-system")]
    for c in numbers[:20]:
        say(f"{c.petition_no} 第 {c.sequence} 号文书 {c.message_id}：{STOP_ZH.get(c.stop) or STEP_ZH[steps[c.message_id]]}")
    if len(numbers) > 20:
        say(f"……另有 {len(numbers) - 20} 件不重发")
    if any(step in ("ask-by-phone", "other-system") for step in steps.values()):
        say(f"修正：{PHONE}")


def _consent(name: str, count: int, way: int | None) -> None:
    if not sys.stdin.isatty():
        raise Fault("批量重发须先确认", "先加 --dry-run 查看；确定的再加 --yes")
    by_way = "" if way is None else f"，改走{way_zh(way)}"
    typer.confirm(f"对{name}的 {count} 件照此办理{by_way}？", abort=True)


def _act(ways: Ways, found: list[Candidate], steps: dict[str, Step], answers: dict[str, Answer], by: By) -> int:
    from connectors.base import Delivered
    from models.resending import Order

    opened = ways.opened
    held: list[tuple[Candidate, Delivered]] = []
    orders: list[Order] = []
    for c in found:
        step, answer = steps.get(c.message_id), answers.get(c.message_id)
        if step == "confirm" and isinstance(answer, Delivered):
            held.append((c, answer))
        elif step in _GOING:
            orders.append(Order(c.message_id, c.handoff_id, step in ("send-sure", "by-word"), step == "by-word", c.attempts))
    progress = _Progress(len(held) + len(orders))
    entered = confirm(opened, held, progress)
    going, refused = send_again(opened, orders, ways.to, by, progress)
    print(f"补登回执 {entered} 件；排入重发 {len(going)} 件" + ("" if ways.to is None else f"，走{way_zh(ways.to)}"))
    for message_id, why in list(refused.items())[:20]:
        say(f"{message_id}：{why}")
    meanwhile = len(orders) - len(going) - len(refused)
    if meanwhile:
        say(f"{meanwhile} 件其间已有回执或正在发送，没有再动")
    return GOOD if len(held) + len(orders) == len(found) and not refused else FOUND


class _Progress:
    """Says now and then how far long work has come."""

    def __init__(self, total: int) -> None:
        self.total, self.done, self._told = total, 0, time.monotonic()

    def __call__(self, more: int) -> None:
        self.done += more
        if time.monotonic() - self._told > _TOLD_EVERY_S:
            self._told = time.monotonic()
            say(f"已办 {self.done}/{self.total}")
