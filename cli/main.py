"""`tonglu`: the one command. Each command is a small file in cli/commands, which imports what it needs only when it runs."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from cli.commands import (
    acts,
    attempts,
    bodies,
    chaos,
    database,
    delivery,
    docs,
    duties,
    importing,
    keys,
    lists,
    outages,
    petition_acts,
    petitions,
    resending,
    routing,
    running,
    suggesting,
    suspending,
)
from cli.commands import check as check_command
from cli.commands import due as due_command
from cli.shell import Command, Commands

HELP = """通路：信访事项转送、交办的流转与督办。

每件信访事项在办结之前，随时有且只有一个持有者和一个下一期限。

第一次使用：

  tonglu demo                         看一遍：虚构的城市，一个月的流转在一分钟内走完

  tonglu db upgrade                   建立账本

  tonglu check                        检查配置：每条路都通到人

  tonglu import 来件.xlsx --mapping config/imports/teddy2020c_messages.yaml --dry-run

  tonglu up                           启动全部服务

结束状态：0 正常；1 发现问题；2 用法或配置有误。设置用环境变量 TONGLU_*（见 docs/cli.md）。
"""

app = typer.Typer(cls=Commands, help=HELP, no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False, rich_markup_mode="rich")


@app.callback()
def _options(debug: Annotated[bool, typer.Option("--debug", help="出错时显示详情（其中可能有个人信息）；可写在任何位置")] = False) -> None:
    for stream in (sys.stdout, sys.stderr):
        # A C locale would make every Chinese line an error.
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(encoding="utf-8", errors="replace")


_PANELS = (
    ("运行", (running, importing, outages, chaos)),
    ("查看", (petitions, lists, duties, attempts)),
    ("经办", (petition_acts, acts)),
    ("规则", (routing, suggesting, due_command, check_command, docs, bodies)),
    ("运维", (suspending, resending, delivery, keys, database)),
)
for _panel, _modules in _PANELS:
    for _module in _modules:
        _commands, _groups = len(app.registered_commands), len(app.registered_groups)
        _module.register(app, Command)
        for _command in app.registered_commands[_commands:]:
            _command.rich_help_panel = _panel
        for _group in app.registered_groups[_groups:]:
            _group.rich_help_panel = _panel

if __name__ == "__main__":
    app()
