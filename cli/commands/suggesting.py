"""`tonglu suggest`: what a petition's words suggest to the clerk. It proposes, it records nothing, it decides nothing."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cli.commands.showing import as_json, table
from cli.faults import GOOD, Fault

if TYPE_CHECKING:
    from collections.abc import Iterable

    from rules.house import House
    from rules.suggesting import Span, Suggestions

LARGEST = 200_000
"""Bytes of a text file; the longest letter the rules read fits in it in either encoding."""
FACT_ZH = {"klass": "类别", "situation": "情形", "sector": "承办部门", "area": "内容领域", "division": "属地"}


def register(app: typer.Typer, command: type) -> None:
    """Add this command to the application."""
    app.command("suggest", cls=command, help="按标题和正文建议事实：类别、情形、承办部门、内容领域、属地，各附依据的词和把握。只供参考，不登记、不决定；"
                "检举控告和不予受理从不建议，只提示人工甄别。\n\n例：tonglu suggest --subject 物业公司乱收费 --text-file 来信.txt\n\n"
                "例：tonglu suggest XF99010020260316000001")(suggest)


def suggest(
    number: Annotated[str, typer.Argument(metavar="[编号]", help="已登记的信访事项：XF 加 20 位数字；只显示匹配到的词，不显示正文")] = "",
    subject: Annotated[str, typer.Option(help="标题")] = "",
    text_file: Annotated[str, typer.Option(help="正文的纯文本文件（UTF-8 或 GB18030）；- 为标准输入")] = "",
    json: Annotated[bool, typer.Option("--json", help="输出 JSON")] = False,
) -> int:
    from cli.opening import open_house, open_settings

    if number and (subject or text_file):
        raise Fault("编号不能与 --subject、--text-file 同用", "只保留其中一种")
    if number:
        house, found = _of_petition(number)
    else:
        if not subject and not text_file:
            raise Fault("没有给出内容", "写 --subject 标题、--text-file 正文文件，或写信访事项编号")
        house = open_house(open_settings())
        found = _ask(house, subject, _read(text_file) if text_file else "")
    if json:
        as_json(_plain(found))
    else:
        _show(found)
    return GOOD


def _ask(house: House, subject: str, text: str) -> Suggestions:
    from cli.opening import open_settings
    from config.lexicon import load_lexicon
    from rules.suggesting import SuggestError
    from rules.suggesting import suggest as ask

    lexicon = load_lexicon(Path(open_settings().config_dir), house.bodies, house.table)
    try:
        return ask(subject, text, lexicon, house.bodies, house.table)
    except SuggestError as error:
        raise Fault(str(error)) from None


def _of_petition(number: str) -> tuple[House, Suggestions]:
    from cli.opening import open_all

    with open_all() as opened, opened.database.transaction() as connection:
        row = connection.execute("select subject_sealed, text_sealed from petition where petition_no = %s", (number,)).fetchone()
        if row is None:
            raise Fault(f"没有编号为 {number[:30]} 的信访事项", "核对编号（XF 加 20 位数字），或用 tonglu petitions 查找")
        subject = opened.sealer.open_text(row[0], f"petition.subject:{number}")
        return opened.house, _ask(opened.house, subject, opened.sealer.open_text(row[1], f"petition.text:{number}"))


def _read(name: str) -> str:
    """The text of a file or of standard input. Raises Fault: missing, too large, no text."""
    shown = "标准输入" if name == "-" else name
    try:
        if name == "-":
            raw = sys.stdin.buffer.read(LARGEST + 1)
        else:
            with Path(name).open("rb") as file:
                raw = file.read(LARGEST + 1)
    except OSError as error:
        raise Fault(f"读不了 {shown}（{error.strerror}）", "检查路径和权限") from None
    if len(raw) > LARGEST:
        raise Fault(f"{shown} 超过 {LARGEST // 1000} KB，不像一封来信", "摘录反映的事项后重试")
    for encoding in ("utf-8-sig", "gb18030"):
        try:
            text = raw.decode(encoding)
        except UnicodeDecodeError:
            continue
        if any(char < " " and char not in "\t\r\n\f" for char in text):
            break
        return text
    raise Fault(f"{shown} 不是纯文本（可能是 Word、PDF 或图片）", "另存为 UTF-8 编码的纯文本后重试")


def _show(found: Suggestions) -> None:
    rows = []
    for name, zh in FACT_ZH.items():
        proposal = getattr(found, name)
        if proposal is None:
            rows.append((zh, "（不建议）", "", ""))
        else:
            rows.append((zh, f"{proposal.zh}（{proposal.value}）", f"{proposal.confidence:.0%}", _words(proposal.words)))
    table("按标题和正文的建议", ("事实", "建议", "把握", "依据的词"), rows, right=("把握",))
    for caution in found.warnings:
        print(f"注意：{caution.zh}（{caution.basis}）。依据的词：{_words(caution.words)}")
    print("以上仅供经办人参考，须人工确认；没有登记任何内容")


def _words(spans: Iterable[Span]) -> str:
    from rules.suggesting.answer import PART_ZH

    return "、".join(f"{span.word}（{PART_ZH[span.part]}）" for span in spans)


def _plain(found: Suggestions) -> dict[str, Any]:
    def spans(words: Iterable[Span]) -> list[dict[str, Any]]:
        return [{"word": w.word, "part": w.part, "start": w.start, "end": w.end, "weight": w.weight} for w in words]

    facts = {}
    for name in FACT_ZH:
        proposal = getattr(found, name)
        facts[name] = proposal and {"value": proposal.value, "zh": proposal.zh, "confidence": proposal.confidence, "words": spans(proposal.words)}
    return {**facts, "warnings": [{"kind": c.kind, "zh": c.zh, "basis": c.basis, "words": spans(c.words)} for c in found.warnings]}
