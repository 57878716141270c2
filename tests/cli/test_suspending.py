"""`suspend`, `resume`, `suspensions`, and how `bodies` shows what stands in the way of sending."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest

from models import breaker, outbox
from rules.breaker import Seen
from tests.cli.conftest import Tonglu
from tests.models.ledger import COURT, Ledger


@pytest.mark.guarantee("F29")
def test_a_body_is_suspended_and_resumed_with_a_reason_and_it_is_kept_who_did_so(tonglu: Tonglu, ledger: Ledger) -> None:
    ledger.send()
    ran = tonglu.run("suspend", COURT, "--until", "2026-03-20T09:00", "--reason", "对方系统升级", "--by", "1024")
    assert ran.code == 0, ran.err
    assert f"tonglu resume {COURT}" in ran.out
    with ledger.transaction() as connection:
        assert outbox.bodies_due(connection, ledger.now) == []
    shown = tonglu.run("bodies", "--kind", "court", "--load").out
    for word in ("人工暂停投递，至 2026-03-20 09:00", "1024：对方系统升级"):
        assert word in shown
    assert "已恢复" in tonglu.run("resume", COURT, "--reason", "升级完毕").out
    assert "并未暂停" in tonglu.run("resume", COURT, "--reason", "升级完毕").out
    with ledger.transaction() as connection:
        assert [w.body for w in outbox.bodies_due(connection, ledger.now)] == [COURT]
    assert "直到恢复为止" in tonglu.run("suspend", COURT, "--reason", "对方搬迁").out
    told = json.loads(tonglu.run("suspensions", COURT, "--json").out)
    assert [(a["act"], a["by"], a["reason"]) for a in told] == [("suspend", "", "对方搬迁"), ("resume", "", "升级完毕"), ("suspend", "1024", "对方系统升级")]
    lines = tonglu.run("suspensions").out
    assert "未写明" in lines
    assert "1024" in lines


@pytest.mark.parametrize(("args", "word"), [
    (["suspend", COURT, "--until", "2020-01-01", "--reason", "升级"], "将来"), (["suspend", "court-1", "--reason", "升级"], "tonglu bodies"),
    (["suspend", COURT], "--reason"), (["suspend", COURT, "--reason", " "], "--reason"), (["suspend", COURT, "--until", "soon", "--reason", "升级"], "写成"),
    (["resume", "court-1", "--reason", "x"], "tonglu bodies"), (["resume", COURT], "--reason"), (["suspensions", "court-1"], "tonglu bodies")])
def test_what_says_too_little_is_refused_with_the_cure(tonglu: Tonglu, args: list[str], word: str) -> None:
    ran = tonglu.run(*args)
    assert (ran.code, word in ran.err) == (2, True), ran.err


@pytest.mark.guarantee("F10", "M11")
def test_an_open_breaker_is_shown_with_its_cause_and_next_probe_and_resume_does_not_close_it(tonglu: Tonglu, ledger: Ledger) -> None:
    ledger.send()
    with ledger.transaction() as connection:
        breaker.learn(connection, COURT, [(0, Seen("endpoint", "m", "w1", "http-401"))], ledger.now)
    shown = tonglu.run("bodies", "--kind", "court", "--load").out
    for word in ("接口不通", "http-401", "请核对密钥和时钟", "试投一件"):
        assert word in shown
    assert tonglu.run("suspend", COURT, "--reason", "查密钥").code == 0
    ran = tonglu.run("resume", COURT, "--reason", "查完")
    assert "已恢复" in ran.out
    assert "接口不通" in ran.out
    with ledger.transaction() as connection:
        assert outbox.bodies_due(connection, ledger.now) == []
    told = next(b for b in json.loads(tonglu.run("bodies", "--kind", "court", "--load", "--json").out) if b["code"] == COURT)
    assert [(s["breaker"], s["cause"], s["suspended"]) for s in told["standing"]] == [("OPEN", "http-401", False)]
    with ledger.transaction() as connection:
        [probe] = outbox.claim(connection, COURT, 5, "w1", ledger.now + timedelta(minutes=1), timedelta(minutes=3), ledger.sealer)
    assert "正在试投一件" in tonglu.run("bodies", "--kind", "court", "--load").out
    assert probe.body == COURT


def test_the_rate_of_a_body_is_shown(tonglu: Tonglu) -> None:
    folder = tonglu.folder / "config"
    copy_config(folder)
    path = folder / "bodies.yaml"
    lines = path.read_text().splitlines()
    at = next(i for i, line in enumerate(lines) if f"code: {COURT}" in line)
    line = next(i for i in range(at, at + 20) if "connector:" in lines[i])
    lines.insert(line, " " * (len(lines[line]) - len(lines[line].lstrip())) + "rate: {per_minute: 30, burst: 5}")
    path.write_text("\n".join(lines) + "\n")
    tonglu.env["TONGLU_CONFIG_DIR"] = str(folder)
    assert "每分钟 30 件，一次至多 5 件" in tonglu.run("bodies", "--kind", "court").out
    told = next(b for b in json.loads(tonglu.run("bodies", "--kind", "court", "--json").out) if b["code"] == COURT)
    assert told["rate"] == {"each_second": 0.5, "burst": 5}


def copy_config(folder: object) -> None:
    import shutil
    from pathlib import Path

    import config

    shutil.copytree(Path(config.__file__).parent, str(folder), ignore=shutil.ignore_patterns("*.py", "__pycache__"))
