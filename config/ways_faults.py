"""What can be wrong with the ways to a body (its connector and its fallbacks), each fault with its line and its cure, in Chinese for the operator."""

from __future__ import annotations

import difflib
from collections.abc import Iterator
from urllib.parse import urlsplit

from config.body import HTTP_OPTIONS, SANDBOX, Body, Connector
from config.source import Located, Problem


def ways_faults(body: Body, i: int, located: Located) -> Iterator[Problem]:
    """Every fault of the ways to the `i`-th body of the file."""
    if body.connector.kind == "desk" and body.fallbacks:
        what = f"{body.code} 由人在本系统办理（desk），不会送不到，不需要备用通道"
        yield located.problem(what, "删除 fallbacks；有自己系统的单位，把 connector 改为其系统的连接方式", "bodies", i, "fallbacks")
    for n, way in enumerate(body.ways):
        at: tuple[str | int, ...] = ("bodies", i, "connector") if n == 0 else ("bodies", i, "fallbacks", n - 1)
        if n > 0 and way.kind == "desk":
            what = f"{body.code} 的备用通道 {n} 写成 desk：无人在本系统中替该单位收件，写了等于没有送达"
            yield located.problem(what, "删除这一条；系统都送不到时由经办人人工送达（tonglu byhand）", *at)
        if way.kind == "http":
            yield from _http_faults(body, way, located, at)
        same = next((m for m, other in enumerate(body.ways[:n]) if (other.kind, other.options) == (way.kind, way.options)), None)
        if same is not None:
            other = "connector" if same == 0 else f"备用通道 {same}"
            yield located.problem(f"{body.code} 的备用通道 {n} 与{other}完全相同，走不通的路再走一遍", "改成另一个地址，或删除这一条", *at)


def _http_faults(body: Body, way: Connector, located: Located, at: tuple[str | int, ...]) -> Iterator[Problem]:
    for name in sorted(way.options.keys() - set(HTTP_OPTIONS)):
        near = difflib.get_close_matches(name, HTTP_OPTIONS, n=1)
        cure = f"是否想写 {near[0]}？" if near else ""
        yield located.problem(f"{body.code} 的连接选项 {name} 不存在", f"{cure}可用的有：{'、'.join(HTTP_OPTIONS)}", *at)
    url = str(way.options.get("url", "")).strip()
    if not url:
        yield located.problem(f"{body.code} 的连接方式 http 缺少网址", f'写 options: {{url: "{SANDBOX}/{body.code}"}}', *at)
    elif not _whole(url.replace(SANDBOX, "http://sandbox", 1) if url.startswith(SANDBOX) else url):
        # The address is not shown: somebody may have written a password into it.
        what = f"{body.code} 的网址不完整，或带有用户名、密码、“?”或“#”"
        yield located.problem(what, "写成 https://court.example/xf 这样的地址；密钥用 tonglu keys 管理，不写在网址里", *at)


def _whole(url: str) -> bool:
    try:
        parts = urlsplit(url)
        usable = parts.port is None or parts.port > 0
    except ValueError:
        return False
    extra = parts.query or parts.fragment or parts.username or parts.password
    return parts.scheme in ("http", "https") and bool(parts.hostname) and usable and not extra
