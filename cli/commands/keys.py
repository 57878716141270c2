"""`tonglu keys`: the secrets of bodies, the tokens of the bureau's own systems, the key of personal fields."""

from __future__ import annotations

from typing import Annotated

import typer

from cli.faults import GOOD, Fault
from cli.shell import Commands, say

Which = Annotated[str, typer.Argument(metavar="机关代码", help="例如 court-990100")]


def register(app: typer.Typer, command: type) -> None:
    """Add these commands to the application."""
    group = typer.Typer(cls=Commands, no_args_is_help=True, help="密钥：机关签名密钥、业务系统令牌、个人信息密钥。", add_completion=False, rich_markup_mode="rich")
    group.command("ensure", cls=command, help="补齐缺少的密钥（已有的不动）：每个联网机关的签名密钥和个人信息密钥。")(ensure)
    group.command("rotate", cls=command, help="轮换一个机关的签名密钥：新旧同时有效，待对方换用新密钥后再 retire。\n\n例：tonglu keys rotate court-990100")(rotate)
    group.command("retire", cls=command, help="停用一个机关的旧密钥，只留最新的。先确认对方已换用新密钥。")(retire)
    group.command("client-add", cls=command, help="给信访部门自己的业务系统发一个令牌，只显示这一次。\n\n例：tonglu keys client-add front-desk")(client_add)
    group.command("client-remove", cls=command, help="收回一个业务系统的令牌，立即失效。\n\n例：tonglu keys client-remove front-desk")(client_remove)
    app.add_typer(group, name="keys")


def ensure() -> int:
    from cli.opening import open_house, open_settings
    from connectors.keyring import Keyring
    from models.seal import sealer_for

    settings = open_settings()
    house = open_house(settings)
    ring = Keyring(settings.keys)
    codes = [b.code for b in house.bodies if b.connector.kind != "desk"]
    missing = [code for code in codes if not ring.path(code).exists()]
    ring.ensure(codes)
    sealer = sealer_for(settings.field_keys, settings.keys, create=True)
    print(f"机关密钥：新建 {len(missing)} 个，共 {len(codes)} 个；个人信息密钥：{sealer.newest}")
    return GOOD


def rotate(body: Which) -> int:
    from cli.opening import open_house, open_settings
    from connectors.keyring import Keyring

    settings = open_settings()
    _known(body, open_house(settings).bodies)
    keys = Keyring(settings.keys).rotate(body)
    print(f"{body}：已加入新密钥，现有 {len(keys.to_body)} 个同时有效。下一步：把新密钥交给对方，对方换用后运行 tonglu keys retire {body}")
    return GOOD


def retire(body: Which) -> int:
    from cli.opening import open_house, open_settings
    from connectors.keyring import Keyring

    settings = open_settings()
    _known(body, open_house(settings).bodies)
    Keyring(settings.keys).retire(body)
    print(f"{body}：旧密钥已停用，只留最新的一个")
    return GOOD


def client_add(name: Annotated[str, typer.Argument(metavar="系统名称", help="小写字母、数字、- 和 _")]) -> int:
    from cli.opening import open_settings
    from gateway.clients import add_client

    token = add_client(open_settings().keys, name)
    say("令牌只显示这一次，请立即交给该系统保管；再次运行会换成新的令牌：")
    print(token)
    return GOOD


def client_remove(name: Annotated[str, typer.Argument(metavar="系统名称", help="发令牌时所用的名称")]) -> int:
    from cli.opening import open_settings
    from gateway.clients import remove_client

    if not remove_client(open_settings().keys, name):
        raise Fault("没有这个系统的令牌", "名称见密钥目录中的 clients.json")
    print(f"{name}：令牌已收回，立即失效")
    return GOOD


def _known(body: str, bodies: object) -> None:
    if body not in bodies:  # type: ignore[operator]
        raise Fault(f"机关目录中没有 {body[:80]}", "用 tonglu bodies 查看代码")
