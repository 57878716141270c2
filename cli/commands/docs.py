"""`tonglu docs`: the documentation drawn from the configuration, written or checked."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from cli.faults import FOUND, GOOD, Fault
from cli.shell import say

OUT = Path("docs/generated")
# A file is ours, and may be taken away when it is no longer drawn, only if it says so near its beginning.
_MARK, _NEAR = b"tonglu docs", 1000


def register(app: typer.Typer, command: type) -> None:
    """Add this command to the application."""
    app.command("docs", cls=command, help="依配置生成说明：路线图（整张和每个分支各一张 SVG，可打印 A3）、期限表、“这件事去哪里”、“谁在什么时候做什么”。\n\n"
                "配置改了就重新运行。加 --check 只核对，不写：有过时的文件逐个列出，结束状态为 1。\n\n"
                "例：tonglu docs\n\n例：tonglu docs --check\n\n例：tonglu docs --out 说明")(docs)


def docs(
    out: Annotated[Path, typer.Option(help="写到哪个目录")] = OUT,
    check: Annotated[bool, typer.Option("--check", help="只核对目录里的文件是否与配置一致，不写")] = False,
) -> int:
    from cli.opening import open_house, open_settings
    from config.areas import load_areas
    from rules.drawing.pages import pages

    settings = open_settings()
    house = open_house(settings)
    areas = load_areas(Path(settings.config_dir) / "areas.yaml")
    if out.exists() and not out.is_dir():
        raise Fault(f"{out} 是一个文件，不是目录", "用 --out 指定一个目录")
    drawn: set[Path] = set()
    changed = 0
    try:
        for name, text in pages(house, areas):
            path = out.joinpath(*name.split("/"))
            drawn.add(path)
            new = text.encode("utf-8")
            old = path.read_bytes() if path.is_file() else None
            if old == new:
                continue
            changed += 1
            if check:
                print(f"{'过时' if old is not None else '缺少'}：{path}")
                continue
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(new)
            print(f"写入：{path}")
        for path in _left_over(out, drawn):
            changed += 1
            print(f"{'多余' if check else '删除'}：{path}")
            if not check:
                path.unlink()
    except OSError as error:
        raise Fault(f"读写 {error.filename or out} 失败（{error.strerror}）", "检查目录的权限和剩余空间，或用 --out 换一个目录") from None
    if check and changed:
        say(f"{len(drawn)} 个文件中有 {changed} 个与配置不一致。修正：运行 tonglu docs 重新生成")
        return FOUND
    say(f"{len(drawn)} 个文件" + ("都与配置一致" if check or not changed else f"，改动 {changed} 个") + f"：{out}")
    return GOOD


def _left_over(out: Path, drawn: set[Path]) -> list[Path]:
    """Files that an earlier run wrote and this one does not draw."""
    found = []
    for path in sorted(out.rglob("*")):
        if path.suffix in (".md", ".svg") and path not in drawn and path.is_file():
            with path.open("rb") as file:
                if _MARK in file.read(_NEAR):
                    found.append(path)
    return found
