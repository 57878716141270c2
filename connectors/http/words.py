"""Outcome codes in the words an operator reads: what is wrong, and what to do about it."""

from __future__ import annotations

from collections.abc import Mapping

_WORDS: Mapping[str, str] = {
    "receipted": "已送达，回执有效",
    "not-received": "对方未收到；将以同一编号重发",
    "dns": "找不到对方主机；请核对地址中的主机名",
    "connect-failed": "连不上对方；请核对地址和端口，确认对方服务已启动",
    "connect-timeout": "连接对方超时；请核对地址并检查网络是否放行",
    "certificate": "对方证书不可信；请核对主机名，或在 ca_file 中配置其签发机构",
    "tls": "与对方建立加密连接失败；请核对双方的 TLS 设置",
    "read-timeout": "已发出，对方迟迟不答复；请联系对方查看其服务",
    "connection-lost": "已发出，答复前连接中断；是否收到待查询",
    "redirect": "地址被转向别处；请把配置改为最终地址",
    "bad-signature": "对方不认我方签名；请核对发往对方的密钥，并检查两边时钟相差是否超过五分钟",
    "not-allowed": "对方不允许我方访问；请联系对方开通",
    "unknown-body": "对方地址上没有该单位；请核对 base_url",
    "unknown-handoff": "对方不认此件；请核对是否发错单位",
    "wrong-recipient": "对方称收件单位有误；请核对该单位的代码与地址",
    "bad-event": "对方称消息格式有误；请技术人员查看对方给出的理由",
    "key-reused": "对方存有同一编号的另一消息；请技术人员核查",
    "illegal-transition": "对方称当前状态不允许此步骤；请核对双方状态",
    "in-progress": "对方正在处理同一消息；稍后再试",
    "already-processed": "对方称已处理，但尚未取得回执；待查询",
    "receipt-missing": "对方答复成功但没有回执；是否收到待查询",
    "receipt-unreadable": "对方的回执无法读取；请联系对方技术人员",
    "receipt-misplaced": "对方的回执属于另一消息；请联系对方技术人员",
    "receipt-digest": "对方收存的内容与发出的不一致；请立即联系对方核查",
    "receipt-signature-missing": "对方的回执没有签名；请联系对方技术人员",
    "receipt-signature-malformed": "对方回执的签名无法读取；请联系对方技术人员",
    "receipt-signature-stale": "对方回执的时间相差过大；请检查两边时钟",
    "receipt-signature-mismatch": "对方回执的签名不对；请核对对方发来的密钥",
    "answer-misplaced": "对方的答复对不上我方的询问；请联系对方技术人员",
    "answer-forged": "对方答复的签名不对；请核对对方发来的密钥，并检查两边时钟",
    "bad-page": "对方补发的消息无法读取；请联系对方技术人员",
    "bad-ledger": "对方的台账无法读取；请联系对方技术人员",
    "endless-pages": "对方的分页没有尽头；请联系对方技术人员",
    "too-long": "读取对方台账用时过长，本次到此为止；如持续出现，请联系对方技术人员",
}
_FAULTS: Mapping[str, str] = {
    "too-large": "对方的答复过长",
    "too-slow": "对方的答复迟迟不完",
    "cut-off": "对方的答复中途断开",
    "encoded": "对方擅自压缩了答复",
}
_STATUSES: Mapping[int, str] = {
    401: "对方不认我方签名；请核对密钥和时钟",
    403: "对方不允许我方访问；请联系对方开通",
    404: "地址上没有该接口；请核对 base_url",
    408: "对方等候超时；稍后再试",
    410: "对方已停用该地址；请联系对方取得新地址",
    413: "对方嫌消息过大；请把大件改为附件",
    429: "对方要求放慢；稍后再试",
    503: "对方暂停服务；稍后再试",
}


def in_chinese(code: str) -> str:
    """The words for an outcome's `code`; a code it does not know is shown as it stands."""
    if code in _WORDS:
        return _WORDS[code]
    head, _, rest = code.partition("-")
    if head in ("receipt", "answer") and rest in _FAULTS:
        return f"{_FAULTS[rest]}；请联系对方技术人员"
    if head == "http" and rest.isdigit():
        return _STATUSES.get(int(rest), f"对方答复 HTTP {rest}；如持续出现，请联系对方技术人员")
    return f"对方答复异常（{code}）；请联系对方技术人员"
