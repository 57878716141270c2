"""How the command speaks: help that teaches, one Chinese line for every error, exit status 0, 1 or 2."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.cli.conftest import REPO, Tonglu

COMMANDS = ["demo", "up", "work", "gateway", "deploy", "lookup", "import", "petition", "petitions", "duties", "urge", "decide", "rule", "review", "followup",
            "withdraw", "send", "guide", "close", "route", "due", "suspend", "resume", "suspensions", "resend", "reconcile", "check", "bodies", "verify"]


@pytest.fixture
def alone(tmp_path: Path) -> Tonglu:
    """An installation without a ledger."""
    made = Tonglu(tmp_path, "postgresql://nobody@127.0.0.1:1/none")
    made.env["TONGLU_CLOCK"] = ""
    return made


@pytest.mark.parametrize("command", [[name] for name in COMMANDS] + [["db", "upgrade"], ["db", "status"], ["keys", "rotate"], ["duty", "done"]])
def test_every_command_explains_itself_in_chinese(alone: Tonglu, command: list[str]) -> None:
    ran = alone.run(*command, "--help")
    assert ran.code == 0
    assert "用法：" in ran.out
    assert re.search("[\u4e00-\u9fff]{4,}", ran.out)


def test_the_command_alone_teaches(alone: Tonglu) -> None:
    ran = alone.run()
    assert ran.code == 0
    for word in ("tonglu demo", "tonglu db upgrade", "结束状态"):
        assert word in ran.out


@pytest.mark.parametrize(
    ("args", "word"),
    [
        (["nonsense"], "没有命令 nonsense"),
        (["petitions", "--nonsense"], "没有选项 --nonsense"),
        (["petition"], "缺少 编号"),
        (["due", "--from", "2026-01-05"], "--clock 须写其中一个"),
        (["due", "--from", "2026-01-05", "--limit"], "缺少值"),
        (["due", "--from", "5 Jan", "--limit", "5wd"], "写成 2026-02-13"),
        (["due", "--from", "2026-01-05", "--limit", "soon"], "5wd"),
        (["decide", "x", "maybe", "--reason", "y"], "upheld"),
        (["decide", "x", "upheld", "--reason", "y"], "--material"),
        (["review", "x", "accepted"], "--told-on"),
        (["route"], "事实=值"),
        (["route", "klass=none"], "claim"),
        (["route", "colour=red"], "klass"),
        (["bodies", "--kind", "school"], "court"),
        (["petition", "a", "b"], "多了参数"),
        (["petitions", "--limit", "0"], "应不小于 1"),
        (["petitions", "--limit", "x"], "应为整数"),
        (["keys", "rotate", "court-1"], "tonglu bodies"),
        (["import", "nothing.xlsx"], "缺少 --mapping"),
        (["petition", "XF1"], "TONGLU_DATABASE_URL"),
    ],
)
def test_a_wrong_call_is_one_chinese_line_with_the_cure(alone: Tonglu, args: list[str], word: str) -> None:
    ran = alone.run(*args)
    assert ran.code == 2
    assert word in ran.err
    assert "修正：" in ran.err
    assert len(ran.err.strip().splitlines()) == 1
    assert "Traceback" not in ran.err


def test_a_traceback_only_with_debug(alone: Tonglu) -> None:
    assert "Traceback" in alone.run("petition", "XF1", "--debug").err


def test_bad_settings_and_bad_configuration_name_the_place(alone: Tonglu, tmp_path: Path) -> None:
    ran = alone.run("check", TONGLU_BATCH_SIZE="many")
    assert (ran.code, "TONGLU_BATCH_SIZE" in ran.err) == (2, True)
    ran = alone.run("check", TONGLU_CLOCK="sundial")
    assert (ran.code, "TONGLU_CLOCK" in ran.err) == (2, True)
    folder = tmp_path / "config"
    folder.mkdir()
    for file in (REPO / "config").glob("*.yaml"):
        (folder / file.name).write_text(file.read_text(encoding="utf-8"), encoding="utf-8")
    clocks = (folder / "clocks.yaml").read_text(encoding="utf-8")
    (folder / "clocks.yaml").write_text(clocks.replace("limit: 2wd", "limit: soon", 1), encoding="utf-8")
    ran = alone.run("check", TONGLU_CONFIG_DIR=str(folder))
    assert ran.code == 2
    assert re.search(r"clocks\.yaml:\d+: ", ran.err)


def test_a_ledger_that_was_never_made_is_told_how(tonglu: Tonglu, empty_database: str) -> None:
    ran = tonglu.run("petitions", TONGLU_DATABASE_URL=empty_database)
    assert (ran.code, "tonglu db upgrade" in ran.err) == (2, True)
    ran = tonglu.run("db", "status", TONGLU_DATABASE_URL=empty_database)
    assert (ran.code, "tonglu db upgrade" in ran.err) == (1, True)
    assert tonglu.run("db", "upgrade", TONGLU_DATABASE_URL=empty_database).code == 0
    assert tonglu.run("db", "status", TONGLU_DATABASE_URL=empty_database).code == 0
    assert tonglu.run("petitions", TONGLU_DATABASE_URL=empty_database).code == 0


def test_a_lost_key_is_not_silently_made_anew(tonglu: Tonglu) -> None:
    ran = tonglu.run("petitions", TONGLU_FIELD_KEYS="")
    assert (ran.code, "恢复密钥文件" in ran.err) == (2, True)
    assert not (tonglu.folder / "keys" / "field.keys").exists()


def test_keys_are_made_rotated_and_retired(alone: Tonglu) -> None:
    assert "新建" in alone.run("keys", "ensure", TONGLU_FIELD_KEYS="").out
    assert "新建 0 个" in alone.run("keys", "ensure", TONGLU_FIELD_KEYS="").out
    assert "现有 2 个" in alone.run("keys", "rotate", "court-990100").out
    assert alone.run("keys", "retire", "court-990100").code == 0
    ran = alone.run("keys", "client-add", "front-desk")
    assert ran.out.startswith("tlc_")
    assert "只显示这一次" in ran.err
    assert alone.run("keys", "client-add", "前台").code == 2
    assert "已收回" in alone.run("keys", "client-remove", "front-desk").out
    assert alone.run("keys", "client-remove", "front-desk").code == 2


@pytest.mark.parametrize(
    ("name", "value", "word"),
    [
        ("TONGLU_DATABASE_URL", "mysql://u:pw-secret@h/x", "postgresql://"),
        ("TONGLU_DATA_DIR", "here", "绝对路径"),
        ("TONGLU_GATEWAY_PORT", "pw-secret", "TONGLU_GATEWAY_PORT"),
        ("TONGLU_BUREAU", "court-990100", "不是信访部门"),
    ],
)
def test_a_wrong_setting_is_named_and_not_shown(alone: Tonglu, name: str, value: str, word: str) -> None:
    ran = alone.run("check", **{name: value})
    assert (ran.code, word in ran.err, "pw-secret" in ran.err) == (2, True, False)
