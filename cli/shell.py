"""How the command line speaks: Chinese help and errors, one line with the cure, exit status 0, 1 or 2, no traceback unless asked for."""

from __future__ import annotations

import sys
import traceback
from collections.abc import Sequence
from typing import Any, NoReturn

import typer
from typer import rich_utils
from typer.core import TyperCommand, TyperGroup

from cli.faults import BAD, GOOD, Fault

rich_utils.COMMANDS_PANEL_TITLE = "命令"
rich_utils.OPTIONS_PANEL_TITLE = "选项"
rich_utils.ARGUMENTS_PANEL_TITLE = "参数"
rich_utils.DEFAULT_STRING = "[默认：{}]"
rich_utils.REQUIRED_LONG_STRING = "[必填]"

DEBUG = "--debug"
INTERRUPTED = 130
# Errors of the house whose words are made for the operator: Chinese, with the cure, nothing personal, no secret.
_SPOKEN = {
    "config.source.ConfigError", "connectors.keyring.KeyMissing", "gateway.clients.ClientsError", "runtime.postgres.PostgresError",
    "runtime.places.PlaceError", "runtime.pgbinaries.BinariesError", "runtime.pgcluster.ClusterError", "runtime.timesource.TimeSourceError",
    "runtime.child.ChildError", "runtime.supervisor.SupervisorError", "rules.limits.LimitError", "cli.stack.StackError", "cli.lapse.installation.LapseError",
    "models.seal.SealError", "connectors.directory.Unreachable", "connectors.registry.BadConnector", "flows.context.LedgerAway", "flows.deploy.BadDefinitions",
    "flows.server.VersionsDiffer", "gateway.main.CannotStart",
}

# What typer and pydantic say of a value, as the operator reads it.
_WORDS = {
    " is not one of ": " 不在允许之列：",
    "Input should be greater than or equal to": "应不小于",
    "Input should be less than or equal to": "应不大于",
    "Input should be a valid integer, unable to parse string as an integer": "应为整数",
}


def say(text: str) -> None:
    """A line to the error stream, where errors and progress belong."""
    print(text, file=sys.stderr, flush=True)


class Command(TyperCommand):
    """One command, with its help in Chinese."""

    def get_help_option(self, ctx: Any) -> Any:
        """The `--help` option, described in Chinese."""
        return _in_chinese(super().get_help_option(ctx))

    def get_usage(self, ctx: Any) -> str:
        """The usage line."""
        return super().get_usage(ctx).replace("Usage:", "用法：", 1)


class Commands(TyperGroup):
    """All commands; where every error ends as one Chinese line and an exit status."""

    def get_help_option(self, ctx: Any) -> Any:
        """The `--help` option, described in Chinese."""
        return _in_chinese(super().get_help_option(ctx))

    def get_usage(self, ctx: Any) -> str:
        """The usage line."""
        return super().get_usage(ctx).replace("Usage:", "用法：", 1)

    def main(self, args: Sequence[str] | None = None, prog_name: str | None = None, **extra: Any) -> NoReturn:  # type: ignore[override]
        """Run, and end the process with 0 (good), 1 (found something wrong) or 2 (bad usage or configuration)."""
        given = list(sys.argv[1:] if args is None else args)
        debug = DEBUG in given
        extra.pop("standalone_mode", None)
        try:
            result = super().main(args=[a for a in given if a != DEBUG], prog_name=prog_name or "tonglu", standalone_mode=False, **extra)
            code = result if isinstance(result, int) else GOOD
            if code == INTERRUPTED:
                say("已中断")  # typer has turned Ctrl-C into a status before we see it
        except KeyboardInterrupt:
            say("已中断")
            code = INTERRUPTED
        except BrokenPipeError:
            sys.stderr.close()
            code = GOOD
        except Exception as error:  # noqa: BLE001  (here every error becomes a line and a status)
            if debug:
                traceback.print_exc()
            code = _tell(error)
        sys.exit(code)


def _in_chinese(option: Any) -> Any:
    if option is not None:
        option.help = "显示本说明"
    return option


def _tell(error: Exception) -> int:
    kind = type(error).__name__
    if kind == "NoArgsIsHelpError":
        print(error)
        return GOOD
    if isinstance(error, typer.Abort):
        say("已取消，什么也没有改变")
        return BAD
    if isinstance(error, Fault):
        say(f"错误：{error}")
        return error.code
    if hasattr(error, "format_message"):
        say(f"错误：{_usage(error)}。修正：加 --help 看用法和例子")
        return BAD
    if {f"{c.__module__}.{c.__name__}" for c in type(error).__mro__} & _SPOKEN:
        say(f"错误：{error}")
        return BAD
    if type(error).__module__.split(".")[0] == "psycopg" and kind in ("OperationalError", "ConnectionTimeout", "PoolTimeout", "AdminShutdown"):
        say(f"错误：连不上数据库（{kind}）。修正：检查 TONGLU_DATABASE_URL 和数据库是否在运行；加 {DEBUG} 看详情")
        return BAD
    # The message may quote a row of the ledger, so only its kind is shown.
    say(f"错误：程序内部错误（{kind}）。修正：加 {DEBUG} 重试并把输出交给维护人员（其中可能有个人信息，注意保密）")
    return BAD


def _usage(error: Any) -> str:
    kind, param = type(error).__name__, getattr(error, "param", None)
    name = "/".join(getattr(param, "opts", None) or []) if param is not None else ""
    if param is not None and not name.startswith("-"):
        name = str(getattr(param, "metavar", None) or getattr(param, "human_readable_name", "") or name)
    message = str(error.format_message())
    if kind == "NoSuchOption":
        near = "、".join(getattr(error, "possibilities", None) or [])
        return f"没有选项 {error.option_name}" + (f"，是否想写 {near}" if near else "")
    if kind == "MissingParameter":
        return f"缺少 {name}"
    if kind == "BadParameter":
        words = str(error.message).removeprefix("Value error, ").rstrip(".")
        for english, chinese in _WORDS.items():
            words = words.replace(english, chinese)
        return f"{name or '参数'} 的值不合要求（{words}）"
    if "requires an argument" in message:
        return f"选项 {error.option_name} 后面缺少值"
    if "No such command" in message:
        return f"没有命令 {message.split(chr(39))[1] if chr(39) in message else ''}".rstrip()
    if "unexpected extra argument" in message:
        return "多了参数：" + message.partition("(")[2].partition(")")[0]
    return message
