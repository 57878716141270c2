"""What can become of one try to deliver: the classes of handoff-protocol 1.8, named once."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, get_args

Klass = Literal["delivered", "weak", "not-processed", "ambiguous", "message-refused", "endpoint-fault", "own-fault"]
"""`not-processed`: surely not taken, for now; `ambiguous`: may have been taken; `message-refused`: this message never; `endpoint-fault`: the other side's
address, keys or certificate; `own-fault`: ours, before a byte went out."""
KLASSES: tuple[Klass, ...] = get_args(Klass)

KLASS_ZH: Mapping[str, str] = {
    "delivered": "已送达", "weak": "弱回执（待夜间对账证实）", "not-processed": "确未受理，稍后再投", "ambiguous": "存疑：可能已收到",
    "message-refused": "对方拒收此件", "endpoint-fault": "对方接口有误", "own-fault": "我方配置有误", "": "未分类",
}

Has = Literal["no", "maybe", "yes"]
"""Whether the body has a message: surely not, perhaps, confirmed by its receipt."""
HAS_ZH: Mapping[str, str] = {"no": "确未持有", "maybe": "可能已持有", "yes": "已确认持有"}

OUTBOX_ZH: Mapping[str, str] = {
    "QUEUED": "待发", "SENDING": "发送中", "RECEIPTED": "已回执", "WEAK_RECEIPT": "无签名回执", "RETRY_WAIT": "待重试", "UNKNOWN": "不明", "DEAD": "送不到",
}
"""Delivery states of a message (handoff-protocol 1.2)."""


def way_zh(way: int) -> str:
    """Which of a body's ways, as a clerk reads it: 0 is its connector, the others its fallbacks."""
    return "主通道" if way == 0 else f"备用通道 {way}"
