"""`tonglu petition NO`: one case from the ledger, its whole road."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from cli.commands.showing import as_json, body_name, deadline, local, table
from cli.commands.words import actor_zh, detail_zh, state_zh
from cli.faults import GOOD, Fault
from cli.shell import say
from rules.words import ADOPTED_ZH, KLASS_ZH, PROPOSAL_ZH, STAGE_ZH, act_zh

if TYPE_CHECKING:
    from cli.opening import Opened
    from models.db import Connection

_PETITION = """select petition_no, state, holder, next_due, klass, branch, division, channel, received_at, registered_at, closed_at, outcome, flags, facts,
                 open_handoff, stage, answered_on, parent_petition_no, first_petition_no from petition where petition_no = %s"""
_PARTS = {
    "handoffs": """select handoff_id, body, way, basis, state, holder, next_due, round, partner_case_no, issued_at, delivered_at, accepted_at, closed_at, outcome, flags
                   from handoff where petition_no = %s order by handoff_id""",
    "duties": "select duty_id, kind, zh, holder, due_at, closed_at, closed_by, escalations from duty where petition_no = %s order by duty_id",
    "proposals": "select proposal_id, kind, to_body, ground, issued_at, feedback_due, adopted, feedback_on from proposal where petition_no = %s order by proposal_id",
    "parts": "select petition_no, state from petition where parent_petition_no = %s order by petition_no",
    "clocks": """select key, owes, "limit", basis, label, started_at, due_at, paused_at, provisional from clock
                 where petition_no = %s and state = 'OPEN' order by due_at""",
    "messages": """select message_id, handoff_id, body, message, sequence, state, attempts, created_at, receipted_at from outbox
                   where petition_no = %s order by created_at, sequence""",
    "timeline": """select seq, at, actor, act, handoff_id, from_state, to_state, holder, next_due, detail from journal
                   where petition_no = %s order by seq""",
}


# What of a body's message a clerk reads, in its words.
_SAID_ZH = {"office": "承办机构", "partner_case_no": "案号", "told_on": "告知日", "reason": "理由", "legal_basis": "依据", "remedy": "救济途径", "note": "说明", "items": "所需材料",
            "outcome_code": "结果", "document_no": "文号", "opinion": "意见", "agreed_on": "协议日", "opened_on": "听证开始", "closed_on": "听证结束"}


def register(app: typer.Typer, command: type) -> None:
    """Add this command to the application."""
    app.command("petition", cls=command, help="一件信访事项的全程：现状、持有者、期限、转送件、待办、流转记录。\n\n默认不显示个人信息；"
                "--reveal 会解密并显示信访人、标题和正文，只在确有需要时使用。\n\n例：tonglu petition XF99010020260316000001")(petition)


def petition(
    number: Annotated[str, typer.Argument(metavar="编号", help="XF 加 20 位数字")],
    reveal: Annotated[bool, typer.Option("--reveal", help="解密并显示个人信息和正文（会醒目提示）")] = False,
    json: Annotated[bool, typer.Option("--json", help="输出 JSON（不含个人信息）")] = False,
) -> int:
    from cli.opening import open_all

    if json and reveal:
        raise Fault("--json 不能与 --reveal 同用", "去掉其中一个")
    with open_all() as opened, opened.database.transaction() as connection:
        found = read(connection, number)
        if json:
            as_json(found)
            return GOOD
        _show(opened, found)
        if reveal:
            _reveal(opened, connection, number)
    return GOOD


def read(connection: Connection, number: str) -> dict[str, Any]:
    """Everything about a petition that is not personal. Raises Fault for an unknown number."""
    own = _rows(connection, _PETITION, number)
    if not own:
        raise Fault(f"没有编号为 {number[:30]} 的信访事项", "核对编号（XF 加 20 位数字），或用 tonglu petitions 查找")
    return {**own[0], **{name: _rows(connection, sql, number) for name, sql in _PARTS.items()}}


def _rows(connection: Connection, sql: str, number: str) -> list[dict[str, Any]]:
    cursor = connection.execute(sql, (number,))
    names = [column.name for column in cursor.description or ()]
    return [dict(zip(names, row, strict=True)) for row in cursor]


def _show(opened: Opened, found: dict[str, Any]) -> None:
    house, now = opened.house, opened.now()
    print(f"编号：{found['petition_no']}")
    open_handoff = next((h for h in found["handoffs"] if h["handoff_id"] == found["open_handoff"]), None)
    state = state_zh(house, "petition", found["state"]) + (f"（{state_zh(house, 'handoff', open_handoff['state'])}）" if open_handoff else "")
    print(f"现状：{state}    类别：{KLASS_ZH.get(found['klass'], found['klass'])} {found['branch']}    属地：{found['division']}    渠道：{found['channel']}")
    if found["holder"]:
        print(f"持有者：{body_name(house, found['holder'])}    下一期限：{deadline(found['next_due'], now)}")
    else:
        print(f"办结：{local(found['closed_at'])}    结果：{found['outcome'] or '—'}")
    total = ((found["closed_at"] or now) - found["received_at"]).days
    print(f"收到：{local(found['received_at'])}    登记：{local(found['registered_at'])}    总用时：{total} 天")
    if found["stage"] != "handling" or found["answered_on"]:
        answered = f"    书面答复：{found['answered_on']}（信访人可在三十日内请求复查、复核）" if found["answered_on"] and found["branch"] == "B3.6" else ""
        print(f"程序：{STAGE_ZH[found['stage']]}{answered}")
    for name, zh in (("parent_petition_no", "拆自"), ("first_petition_no", "关联")):
        if found[name]:
            print(f"{zh}：{found[name]}")
    if found["parts"]:
        print("拆分为：" + "、".join(p["petition_no"] for p in found["parts"]))
    if found["handoffs"]:
        table("转送件", ("编号", "单位", "方式", "状态", "案号", "期限", "标记"), [
            (h["handoff_id"], body_name(house, h["body"]), h["way"], state_zh(house, "handoff", h["state"]), h["partner_case_no"] or "", deadline(h["next_due"], now),
             "、".join(h["flags"])) for h in found["handoffs"]])
    if found["clocks"]:
        table("在走的期限", ("期限", "应由", "长度", "依据", "届满", "说明"), [
            (house.roads.clock(c["key"]).zh, body_name(house, c["owes"]), c["limit"], c["basis"], "已暂停" if c["paused_at"] else deadline(c["due_at"], now),
             c["label"] + ("，暂定" if c["provisional"] else "")) for c in found["clocks"]])
    if found["proposals"]:
        table("建议", ("编号", "种类", "对象", "情形", "反馈期限", "采纳"), [
            (p["proposal_id"], PROPOSAL_ZH.get(p["kind"], p["kind"]), body_name(house, p["to_body"]), p["ground"], deadline(p["feedback_due"], now) if not p["adopted"] else "",
             ADOPTED_ZH.get(p["adopted"], "待反馈")) for p in found["proposals"]])
    duties = [d for d in found["duties"] if d["closed_at"] is None]
    if duties:
        table("待办", ("编号", "事项", "应由", "期限", "升级"), [(d["duty_id"], d["zh"], body_name(house, d["holder"]), deadline(d["due_at"], now), d["escalations"]) for d in duties])
    table("流转记录", ("序", "时间", "谁", "何事", "状态", "细节"), [
        (j["seq"], local(j["at"]), actor_zh(j["actor"], house), act_zh(j["act"]),
         state_zh(house, "handoff" if j["handoff_id"] else "petition", j["to_state"]), detail_zh(j["detail"], house)) for j in found["timeline"]], right=("序",))


def _reveal(opened: Opened, connection: Connection, number: str) -> None:
    from models import store
    from models.unheeded import unheeded

    sql = """select p.subject_sealed, p.text_sealed, r.sealed from petition p left join petitioner r using (petition_no) where petition_no = %s"""
    row = connection.execute(sql, (number,)).fetchone()
    if row is None:
        return
    say("！！！ 以下为个人信息，仅限经办需要：不得截图、转发或留在屏幕上 ！！！")
    person = opened.sealer.open_json(row[2], f"petitioner:{number}") if row[2] else None
    names = {"name": "姓名", "phone": "电话", "address": "住址", "id_no": "证件号"}
    said = {k: v for k, v in (person or {}).items() if v and k != "representatives"}
    print("信访人：" + ("，".join(f"{names.get(k, k)} {v}" for k, v in said.items()) if said else "匿名"))
    for each in (person or {}).get("representatives", ()):
        print("代表：" + "，".join(f"{names.get(k, k)} {v}" for k, v in each.items() if v))
    print("标题：" + opened.sealer.open_text(row[0], f"petition.subject:{number}"))
    print("正文：" + opened.sealer.open_text(row[1], f"petition.text:{number}"))
    for seq, words in store.notes(connection, number, opened.sealer):
        print(f"第{seq}条经办意见：{words}")
    for kept in unheeded(connection, number, opened.sealer):
        told = "；".join(f"{_SAID_ZH[name]} {value}" for name, value in kept.data.items() if name in _SAID_ZH and value)
        print(f"未据以办理的来文（{local(kept.received_at)}，{body_name(opened.house, kept.body)}，{act_zh(kept.message)}）：{told or '没有文字'}")
    say("！！！ 个人信息到此为止 ！！！")
