"""`tonglu docs`: writes what is missing or stale, says what it wrote, checks without writing, clears away what is no longer drawn."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner

from cli.main import app

REPO = Path(__file__).resolve().parents[2]


def run(*args: str | Path, config: Path) -> tuple[int, str, str]:
    result = CliRunner().invoke(app, ["docs", *map(str, args)], env={"TONGLU_CONFIG_DIR": str(config), "TONGLU_BUREAU": "bureau-990100"})
    return result.exit_code, result.stdout, result.stderr


@pytest.fixture(scope="module")
def config(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A configuration of our own, as an operator has one."""
    return Path(shutil.copytree(REPO / "config", tmp_path_factory.mktemp("city") / "config"))


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory, config: Path) -> Path:
    out = tmp_path_factory.mktemp("docs") / "说明 generated"
    code, told, _ = run("--out", out, config=config)
    assert code == 0
    assert told.count("写入：") == len([path for path in out.rglob("*") if path.is_file()]) > 40
    return out


@pytest.fixture
def out(made: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(made, tmp_path / "out"))


def test_a_second_run_changes_nothing(out: Path, config: Path) -> None:
    assert run("--out", out, config=config)[:2] == (0, "")
    code, told, said = run("--out", out, "--check", config=config)
    assert (code, told) == (0, "")
    assert "都与配置一致" in said


def test_check_names_what_is_stale_missing_or_left_over_and_writes_nothing(out: Path, config: Path) -> None:
    (out / "who.md").write_text("旧", "utf-8")
    (out / "road-map.svg").unlink()
    (out / "branches" / "B9.svg").write_text("<svg><!-- 由 tonglu docs 依配置生成 --></svg>", "utf-8")
    (out / "手记.md").write_text("自己写的", "utf-8")
    before = {path: path.read_bytes() for path in out.rglob("*") if path.is_file()}
    code, told, said = run("--out", out, "--check", config=config)
    assert code == 1
    assert sorted(told.split()) == sorted([f"过时：{out / 'who.md'}", f"缺少：{out / 'road-map.svg'}", f"多余：{out / 'branches' / 'B9.svg'}"])
    assert "运行 tonglu docs" in said
    assert {path: path.read_bytes() for path in out.rglob("*") if path.is_file()} == before
    assert run("--out", out, config=config)[0] == 0
    assert run("--out", out, "--check", config=config)[0] == 0
    assert (out / "手记.md").read_text("utf-8") == "自己写的"
    assert not (out / "branches" / "B9.svg").exists()


def test_a_changed_limit_makes_its_pages_stale_and_no_other(out: Path, config: Path, tmp_path: Path) -> None:
    changed = Path(shutil.copytree(config, tmp_path / "changed"))
    clocks = (changed / "clocks.yaml").read_text("utf-8")
    before, sign, after = clocks.partition("\n  sign:")
    (changed / "clocks.yaml").write_text(before + sign + re.sub(r"limit: [0-9]+wd", "limit: 9wd", after, count=1), "utf-8")
    code, told, _ = run("--out", out, "--check", config=changed)
    assert code == 1
    assert f"过时：{out / 'clocks.md'}" in told
    assert f"过时：{out / 'road-map.svg'}" in told
    assert "bodies.md" not in told


def test_bad_input_is_told_with_its_cure(tmp_path: Path, config: Path) -> None:
    file = tmp_path / "file"
    file.write_text("", "utf-8")
    code, _, said = run("--out", file, config=config)
    assert code == 2
    assert "不是目录" in said
    assert "--out" in said
    code, _, said = run("--out", file / "below", config=config)
    assert code == 2
    assert "修正" in said
    code, told, said = run("--out", tmp_path / "none", config=tmp_path / "nowhere")
    assert code == 2
    assert told == ""
    assert not (tmp_path / "none").exists()
