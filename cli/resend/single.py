"""Sending one message again: what the body may hold is said and asked before anything is done."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cli.commands.showing import body_name, local
from cli.faults import FOUND, GOOD, Fault
from cli.resend.acting import By, confirm, send_again
from cli.resend.ways import Ways, asked, open_ways
from cli.shell import say
from rules.resending import decide
from rules.taxonomy import OUTBOX_ZH, way_zh
from rules.words import MESSAGE_ZH

if TYPE_CHECKING:
    from cli.opening import Opened
    from connectors.base import Answer
    from models.resending import Candidate

STOP_ZH = {
    "erased": "内容已依规定清除", "silenced": "该单位已不应再收到此件（属被检举控告一方，或已收回）", "on-paper": "此件已改为人工送达，不再经系统投递",
    "sending": "正在发送", "receipted": "对方已给出回执",
}
HAS_SAID = {"no": "对方应未持有：此前的尝试都确定没有送到", "maybe": "对方可能已持有：此前的尝试没有得到确切答复", "yes": "对方已持有：已有其回执"}
PHONE = "电话核实；对方确认没有收到的，加 --not-held --reason 何人何时怎样核实"


def resend_one(opened: Opened, message_id: str, way: int | None, not_held: bool, by: By, dry_run: bool) -> int:
    """Say, ask, decide, and (unless `dry_run`) act. Returns the exit status. Raises Fault."""
    from models import resending

    with opened.database.transaction() as connection:
        found = resending.one(connection, message_id, opened.now())
        if found is None:
            raise Fault("没有这个编号的文书", "用 tonglu attempts 信访事项编号 查看其文书编号")
    name = body_name(opened.house, found.body)
    print(f"{found.petition_no} 第 {found.sequence} 号文书（{MESSAGE_ZH.get(found.message, found.message)}），{name}，{way_zh(found.way)}，"
          f"现状：{OUTBOX_ZH.get(found.state, found.state)}，已试 {found.attempts} 次")
    tell_standing(opened, found.body, found.way if way is None else way)
    if found.stop:
        say("不重发：" + _stopped(found))
        return FOUND
    print("对方不可能已持有：还没有发出过" if found.attempts == 0 and found.has == "no" else HAS_SAID[found.has])
    with open_ways(opened, found.body, way) as ways:
        answer = _ask(ways, found)
        return _act(ways, found, answer, not_held, by, dry_run)


def _stopped(found: Candidate) -> str:
    if found.stop == "receipted":
        return f"对方已于 {local(found.receipted_at)} 给出回执"
    if found.stop == "sending":
        return f"正在发送，最迟 {local(found.lease_until)} 有结果，请稍后再看"
    return f"{STOP_ZH[found.stop]}。修正：改由人工核实，见 tonglu duties"


def _ask(ways: Ways, found: Candidate) -> Answer | None:
    if not found.attempts:
        return None
    for answers in ways.ask([found]):
        for _, answer in answers:
            return answer
    return None


def _act(ways: Ways, found: Candidate, answer: Answer | None, not_held: bool, by: By, dry_run: bool) -> int:
    from connectors.base import Delivered
    from models.resending import Order

    opened, said = ways.opened, asked(answer)
    step = decide(found.has, said, same_system=ways.same_system(found), safe_twice=ways.idempotent(found), not_held=not_held)
    code = answer.code if answer is not None else ""
    if step == "confirm" and isinstance(answer, Delivered):
        word = "对方已持有（与“没有收到”的说法不符，以对方系统为准）" if not_held else "对方已持有"
        if dry_run:
            print(f"（--dry-run）{word}：会补登回执，不重发")
        else:
            confirm(opened, [(found, answer)])
            print(f"{word}：已补登回执，没有重发")
        return GOOD
    if said == "not-held":
        print("已按编号询问：对方没有此件，可以重发")
    elif step == "by-word":
        print("按编号问不到" + (f"（{code}）" if code else "") + "；依经办人的核实，按没有收到重发")
    elif step == "other-system":
        say(f"不重发：可能已持有，而{way_zh(ways.goes(found))}通向另一个系统，会成为两件。修正：{PHONE}")
        return FOUND
    elif step == "ask-by-phone":
        say("不重发：对方可能已持有，" + (f"问不到（{code}）" if said == "unanswered" else "不能按编号询问") + f"，也不按编号去重。修正：稍后再试，或{PHONE}")
        return FOUND
    elif said == "unanswered":
        print(f"问不到对方是否已持有（{code}）" + ("；对方按编号去重，原编号重发不会重复" if found.has == "maybe" else ""))
    by_way = "" if ways.goes(found) == found.way else f"，改走{way_zh(ways.goes(found))}"
    if dry_run:
        print(f"（--dry-run）会以原编号、原内容排入重发{by_way}")
        return GOOD
    order = Order(found.message_id, found.handoff_id, step in ("send-sure", "by-word"), step == "by-word", found.attempts)
    going, refused = send_again(opened, [order], ways.to, by)
    if found.message_id not in going:
        say("不重发：" + (refused.get(found.message_id) or "其间已有回执，或正在发送，请再看一次"))
        return FOUND
    print(f"已以原编号、原内容排入重发{by_way}，由常驻工作进程发出")
    return GOOD


def tell_standing(opened: Opened, body: str, way: int | None) -> None:
    """Say it where a body is suspended by hand, or this way of it (None: any) is left alone: what goes again will wait for that."""
    from cli.commands.suspending import in_words
    from models import breaker

    with opened.database.transaction() as connection:
        for one in breaker.standing(connection, opened.now(), [body]):
            if one.suspended or one.token_at is not None or way is None or one.way == way:
                say(f"注意：{body_name(opened.house, body)}{in_words(one)}；重发的文书要等到那时")
