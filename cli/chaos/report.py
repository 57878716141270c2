"""What a run of chaos ends with: a table for the operator, and the page of the documentation."""

from __future__ import annotations

import signal
from pathlib import Path

from rich.console import Console
from rich.table import Table

from cli.chaos.dice import Fault
from cli.chaos.run import Outcome
from cli.lapse.account import CHECKS, FAMILIES
from cli.lapse.installation import Installation
from cli.lapse.marked import write_between

BEGIN, END = "<!-- chaos: begin -->", "<!-- chaos: end -->"
_PROCESS_ZH = {"worker": "工作进程一", "worker-2": "工作进程二", "gateway": "网关", "sandbox": "沙箱（对方）", "prefect": "流程服务", "postgresql": "数据库",
               "backend": "数据库单个进程"}
_FAULT_ZH = {"lost_request": "请求丢失", "lost_reply": "办妥而回执丢失", "cut_reply": "回执截断", "delayed": "延误", "doubled": "重复", "held_back": "乱序"}
_ACT_ZH = {"storm": "网络恶化", "full-disk": "磁盘写满", "wrong-clock": "对方时钟错误", "away": "对方停机", "freeze": "进程停顿", "drop-prefect": "流程服务的数据库被删"}
_EN = {
    "handoff-not-held": "every hand-off we have a receipt for is a case at its body", "message-not-held": "every message we have a receipt for is at its body",
    "undelivered-untold": "what was given up has a duty", "message-under-way": "nothing is left queued, on the wire or in doubt",
    "callback-lost": "every message a body has our receipt for is in our inbox", "callback-unapplied": "nothing in the inbox waits",
    "quarantine-untold": "what was quarantined has a duty", "intake-lost": "every petition answered for is in the ledger under its number",
    "case-doubled": "no hand-off is a case at two bodies", "case-unknown": "no case at a body that we do not know",
    "message-reissued": "no message went out under two ids", "message-unknown": "no message at a body that we do not know",
    "callback-applied-twice": "no message of a body was applied twice", "petition-doubled": "no petition was registered twice",
    "petition-without-holder": "every petition has a holder", "petition-without-date": "every petition has a next due date",
    "handoff-without-holder": "every hand-off has a holder and a date", "clock-not-rung": "no clock past its time is still open",
    "clock-not-journalled": "every clock that ran out stands in the journal once", "clock-without-effect": "something came of every clock that ran out",
    "duty-not-rung": "no overdue duty is left lying", "journal-flaw": "the journal verifies", "ledger-unequal": "both ledgers are equal, line by line and body by body",
}


def show(outcome: Outcome, console: Console) -> None:
    """Print the account in Chinese."""
    kills = Table(title=f"强行终止 {outcome.kills} 次（kill -9）")
    phases = sorted({phase for _, phase in outcome.deeds.kills})
    kills.add_column("进程")
    for phase in phases:
        kills.add_column({"alone": "单独", "together": "同时", "running": "运行中", "at start": "刚启动"}.get(phase, phase), justify="right")
    for name in sorted({name for name, _ in outcome.deeds.kills}):
        kills.add_row(_PROCESS_ZH.get(name, name), *(str(outcome.deeds.kills[name, phase]) for phase in phases))
    console.print(kills)
    migrated = "，".join(f"{({'process': '进程', 'backend': '数据库单个进程', 'server': '数据库'})[one]} {count}" for one, count in sorted(outcome.migrated.kills.items()))
    console.print(f"升级 {outcome.migrated.ledgers} 个旧版账本，途中强行终止：{migrated or '无'}", highlight=False)
    for line, zh in (("outward", "我方→对方"), ("homeward", "对方→我方")):
        seen = outcome.faults[line]
        told = "，".join(f"{word} {seen.get(fault, 0)}" for fault, word in _FAULT_ZH.items())
        console.print(f"{zh} {seen.get('requests', 0)} 次请求：{told}", highlight=False)
    console.print("其他：" + ("，".join(f"{_ACT_ZH[one]} {count}" for one, count in sorted(outcome.deeds.others.items())) or "无"), highlight=False)
    for one, why in outcome.deeds.cannot.items():
        console.print(f"[yellow]{_ACT_ZH[one]}在本机做不到[/]：{why}")
    counts = outcome.account.counts
    console.print(f"登记 {counts['petitions']}，转送 {counts['handoffs']}，文书 {counts['messages_out']}（试投 {counts['attempts']} 次），回告 {counts['messages_in']}，"
                  f"时钟走过 {outcome.virtual_days:.1f} 天", highlight=False)
    console.print("经办人员办理待办：" + str(sum(outcome.acts.values())) + f" 次，因数据库中断重来 {outcome.trouble['acts_of_people_broken_off']} 次", highlight=False)
    table = Table(title="核对双方账目")
    table.add_column("项")
    table.add_column("破例", justify="right")
    for family, zh in FAMILIES.items():
        table.add_row(zh, str(outcome.account.family(family)), style="red" if outcome.account.family(family) else None)
    console.print(table)
    for check, breach in outcome.account.broken():
        console.print(f"  [red]{check.zh}：{breach.count}[/]，如 {'、'.join(breach.examples)}", highlight=False)
    for flaw in [*outcome.migrated.flaws, *outcome.flaws]:
        console.print(f"  [red]{flaw}[/]", highlight=False)
    console.print("[green]没有一处破例[/]" if outcome.good else f"[red]未通过[/]；重演：tonglu chaos --seed {outcome.wishes.seed}（其余参数照旧）")


def stay(installation: Installation, console: Console) -> None:
    """Let the installation run until Ctrl-C, for whoever wants to look."""
    console.print("\n一切仍在运行，可在浏览器中查看；按 Ctrl-C 停止")
    for address in installation.stack.addresses():
        console.print(f"  {address.zh}：{address.url}")
    # Also for SIGINT: a shell that starts us in the background has it ignored.
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda *_: installation.supervisor.ask_to_stop())
    installation.supervisor.wait()


def markdown(outcome: Outcome) -> str:
    """The run as a section of the documentation."""
    wishes, counts = outcome.wishes, outcome.account.counts
    phases = ("alone", "together", "running", "at start")
    lines = [
        f"Made by `tonglu chaos --seed {wishes.seed} --handoffs {wishes.handoffs} --minutes {wishes.minutes:g} --kills {wishes.kills} --days {wishes.days:g} "
        f"--migrations {wishes.migrations}{'' if wishes.wire == 1 else f' --wire {wishes.wire:g}'}`: **{'no breach' if outcome.good else 'BREACHES'}**.", "",
        f"{outcome.kills} kills with SIGKILL ({outcome.deeds.kills.total()} of the running product, {outcome.migrated.kills.total()} during migrations); "
        f"{counts['handoffs']} hand-offs, {counts['messages_out']} messages out in {counts['attempts']} tries, {counts['messages_in']} messages in; "
        f"{sum(outcome.acts.values())} acts of the bureau's people; "
        f"{outcome.virtual_days:.1f} days of the installation's time in {sum(outcome.seconds.values()) / 60:.0f} minutes.", "",
        "| killed | alone | several at once | running, then again at its start: first | second |", "|---|---|---|---|---|",
    ]
    names = sorted({name for name, _ in outcome.deeds.kills})
    lines += [f"| {name} | " + " | ".join(str(outcome.deeds.kills[name, phase]) for phase in phases) + " |" for name in names]
    lines += ["", f"Migrations of {outcome.migrated.ledgers} old ledgers, killed in their middle: "
              + (", ".join(f"{one} {count}" for one, count in sorted(outcome.migrated.kills.items())) or "none") + ".", "",
              "| line | requests | " + " | ".join(fault.value.replace("_", " ") for fault in Fault) + " | nobody there | hung up |", f"|{'---|' * (len(Fault) + 4)}"]
    for name, zh in (("outward", "product to bodies"), ("homeward", "bodies to product")):
        seen = outcome.faults[name]
        lines.append(f"| {zh} | {seen.get('requests', 0)} | " + " | ".join(str(seen.get(fault.value, 0)) for fault in Fault)
                     + f" | {seen.get('nobody_there', 0)} | {seen.get('hung_up', 0)} |")
    acts = {name.replace("-", " "): count for name, count in sorted(outcome.deeds.others.items())}
    trouble = {name.replace("_", " "): count for name, count in outcome.trouble.items()}
    lines += ["", "Besides: " + (", ".join(f"{name} {count}" for name, count in acts.items()) or "nothing") + f". Long steps of time: {outcome.steps['long']}, over "
              f"{outcome.steps['requests_under_way_at_a_long_step']} requests under way.", "",
              "What it did to messages: " + ", ".join(f"{name} {count}" for name, count in trouble.items()) + ".", "", "| invariant | breaches |", "|---|---|"]
    lines += [f"| {_EN.get(check.code, check.code)} | {outcome.account.breaches[check.code].count} |" for check in CHECKS]
    lines += [f"| killed migrations leave the old version or the new, whole | {len(outcome.migrated.flaws)} |",
              f"| everything else that a run must do (come to rest, hand everything in, open no case twice) | {len(outcome.flaws)} |"]
    for one, why in outcome.deeds.cannot.items():
        lines += ["", f"Not possible where this was run: {one} ({why})."]
    return "\n".join(lines)


def write_report(path: Path, outcome: Outcome) -> None:
    """Put the section between the marks of a Markdown file. Raises LapseError where it has no marks, OSError where it cannot be written."""
    write_between(path, BEGIN, END, markdown(outcome))
