"""`tonglu suggest`: from a file, from standard input, for a registered petition; and every bad input said in Chinese."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.conftest import Tonglu
from tests.models.ledger import PERSON, Ledger

LETTER = f"本人{PERSON['name']}，住{PERSON['address']}。物业公司乱收费，业委会要求公开账目被拒绝，请求查处。"


def test_a_letter_from_a_file(tonglu: Tonglu, tmp_path: Path) -> None:
    file = tmp_path / "letter.txt"
    for encoding in ("utf-8", "utf-8-sig", "gb18030"):
        file.write_text(LETTER, encoding=encoding)
        ran = tonglu.run("suggest", "--subject", "物业公司乱收费", "--text-file", file)
        assert ran.code == 0, ran.err
        assert "城乡建设（urban_rural）" in ran.out
        assert "申诉求决（claim）" in ran.out
        assert "须人工确认" in ran.out
        assert "物业公司（标题）" in ran.out
        assert PERSON["name"] not in ran.out + ran.err
    told = tonglu.run("suggest", "--subject", "物业公司乱收费", "--text-file", file, "--json").json
    assert told["area"]["value"] == "urban_rural"
    assert told["division"]["value"] == "990102"
    assert {"word", "part", "start", "end", "weight"} == set(told["area"]["words"][0])
    assert told["warnings"] == []


def test_a_subject_alone_and_standard_input(tonglu: Tonglu) -> None:
    assert "交通运输" in tonglu.run("suggest", "--subject", "公交车班次太少").out
    ran = subprocess.run([sys.executable, "-m", "cli.main", "suggest", "--text-file", "-"], input=LETTER.encode(), capture_output=True, check=False,
                         env={**tonglu.env, "PATH": "", "PYTHONPATH": str(Path(__file__).resolve().parents[2])})
    assert ran.returncode == 0, ran.stderr.decode()
    assert "物业公司（正文）" in ran.stdout.decode()


def test_an_accusation_is_warned_of_and_no_class_proposed(tonglu: Tonglu) -> None:
    ran = tonglu.run("suggest", "--subject", "反映局长受贿")
    assert ran.code == 0
    assert "请人工甄别" in ran.out
    assert tonglu.run("suggest", "--subject", "反映局长受贿", "--json").json["klass"] is None


def test_a_registered_petition_shows_words_and_no_text(tonglu: Tonglu, ledger: Ledger) -> None:
    number = ledger.register(facts={"klass": "claim", "division": "990102"})
    ran = tonglu.run("suggest", number)
    assert ran.code == 0, ran.err
    assert "供暖（标题）" in ran.out
    for personal in (*PERSON.values(), "多次反映无果", "虚构小区供暖的诉求"):
        assert personal not in ran.out + ran.err


def test_nothing_is_recorded(tonglu: Tonglu, ledger: Ledger) -> None:
    number = ledger.register(facts={"klass": "claim", "division": "990102"})
    before = tonglu.run("petition", number, "--json").out
    tonglu.run("suggest", number)
    assert tonglu.run("petition", number, "--json").out == before


@pytest.mark.parametrize(
    ("content", "said"),
    [(b"", "都是空的"), (b" \n ", "都是空的"), (b"\x89PNG\r\n\x1a\n\x00\x00", "不是纯文本"), (b"PK\x03\x04\x14\x00", "不是纯文本"), (b"\xff" * 50, "不是纯文本"),
     ("长" * 70_000, "超过 200 KB"), ("长" * 60_000, "超过 50000 字")],
    ids=["empty", "blank", "image", "archive", "bytes", "huge", "long"],
)
def test_what_is_no_letter_is_refused_with_the_cure(tonglu: Tonglu, tmp_path: Path, content: bytes | str, said: str) -> None:
    file = tmp_path / "letter.txt"
    file.write_bytes(content.encode() if isinstance(content, str) else content)
    ran = tonglu.run("suggest", "--text-file", file)
    assert ran.code == 2
    assert said in ran.err
    assert "修正：" in ran.err
    assert ran.err.count("\n") == 1


@pytest.mark.parametrize(
    ("args", "said"),
    [
        ((), "没有给出内容"),
        (("XF99010020260302999999", "--subject", "标题"), "不能与"),
        (("XF99010020260302999999",), "没有编号为"),
        (("--text-file", "没有的文件.txt"), "读不了"),
        (("--text-file", "."), "读不了"),
    ],
)
def test_wrong_usage_is_said(tonglu: Tonglu, args: tuple[str, ...], said: str) -> None:
    ran = tonglu.run("suggest", *args)
    assert ran.code == 2
    assert said in ran.err
    assert "修正：" in ran.err


def test_a_faulty_lexicon_is_named_by_line(tonglu: Tonglu, tmp_path: Path) -> None:
    from tests.cli.conftest import REPO

    folder = tmp_path / "config"
    folder.mkdir()
    for file in (REPO / "config").glob("*.yaml"):
        (folder / file.name).write_text(file.read_text(encoding="utf-8"), encoding="utf-8")
    path = folder / "lexicon.yaml"
    path.write_text(path.read_text(encoding="utf-8").replace("area: urban_rural", "area: moon", 1), encoding="utf-8")
    ran = tonglu.run("suggest", "--subject", "停水", TONGLU_CONFIG_DIR=str(folder))
    assert ran.code == 2
    assert "lexicon.yaml:" in ran.err
    assert "领域 moon 不存在" in ran.err
