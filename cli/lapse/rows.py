"""The rows of the outage matrix: which part is away, how it goes, for how long."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from cli.lapse.installation import LapseError

CALLBACKS, BUSY = "callbacks", "busy"
_S10, _M5, _H6, _D3 = timedelta(seconds=10), timedelta(minutes=5), timedelta(hours=6), timedelta(days=3)
_LENGTHS = {"10s": (_S10, "10 s", "10 秒"), "5min": (_M5, "5 min", "5 分钟"), "6h": (_H6, "6 h", "6 小时"), "3d": (_D3, "3 days", "3 天")}
# How far time moves at once while it lasts and afterwards.
_GRAINS = {_S10: timedelta(seconds=2), _M5: timedelta(seconds=30), _H6: timedelta(minutes=30), _D3: timedelta(hours=3)}


@dataclass(frozen=True, slots=True)
class Row:
    """One outage.

    Attributes:
        code: for --rows. service: the process that is held down; `callbacks`: a partner's calls that all get lost; `busy`: partners that answer 503 and say when to come again.
        length: virtual time it stays away; 0: it is started again at once. kill: by SIGKILL, else politely.
    """

    code: str
    service: str
    length: timedelta
    kill: bool
    en: str
    zh: str

    @property
    def grain(self) -> timedelta:
        """How far time moves at once."""
        return _GRAINS.get(self.length, timedelta(seconds=30))


def _rows() -> list[Row]:
    found = []
    whole = {"partner": ("sandbox", "Partners away", "各单位系统停机"), "prefect": ("prefect", "Prefect's server away", "流程服务 Prefect 停机"),
             "gateway": ("gateway", "Gateway away while partners call", "网关停机，各单位仍在回告"), "worker": ("worker", "Worker away", "常驻工作进程停机")}
    for name, (service, en, zh) in whole.items():
        found += [Row(f"{name}-{short}", service, length, True, f"{en}, {l_en}", f"{zh} {l_zh}") for short, (length, l_en, l_zh) in _LENGTHS.items()]
    found += [
        Row("postgresql-restart", "postgresql", timedelta(0), False, "PostgreSQL restarted", "数据库 PostgreSQL 重启"),
        Row("postgresql-kill", "postgresql", timedelta(0), True, "PostgreSQL killed (SIGKILL) and restarted", "数据库 PostgreSQL 被强行终止后重启"),
    ]
    found += [Row(f"postgresql-{short}", "postgresql", _LENGTHS[short][0], True, f"PostgreSQL away, {_LENGTHS[short][1]}", f"数据库 PostgreSQL 停机 {_LENGTHS[short][2]}")
              for short in ("10s", "5min")]
    found.append(Row("busy-6h", BUSY, _H6, False, "Partners answer 503 with Retry-After, 6 h", "各单位系统只答 503（附重试时间）6 小时"))
    found.append(Row("callbacks-3d", CALLBACKS, _D3, False, "Every callback lost, 3 days", "所有回告丢失 3 天"))
    return found


ROWS: Sequence[Row] = tuple(_rows())


def chosen(wanted: str) -> list[Row]:
    """The rows named in a list with commas; a name without its length means all of its lengths. Empty: all. Raises LapseError, naming what there is."""
    names = [name.strip() for name in wanted.split(",") if name.strip()]
    for name in names:
        if not any(_named(row, name) for row in ROWS):
            raise LapseError(f"没有名为 {name} 的停机情形；可用：{'、'.join(row.code for row in ROWS)}，或只写前半，如 partner")
    return [row for row in ROWS if not names or any(_named(row, name) for name in names)]


def _named(row: Row, name: str) -> bool:
    return name in (row.code, row.code.partition("-")[0])
