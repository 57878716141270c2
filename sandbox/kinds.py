"""What a body of a kind calls things and how long it may take: the little of the law an invented body needs to sound
right.

The limits are those the road map's clocks use (config/clocks.yaml, statutes.md); a slow body stays just inside them.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Kind:
    """`accept_days`, `result_days`, `extension_days`: limits in calendar days, the last 0 where the law knows no
    extension."""

    office: str
    role: str
    procedure: str
    accept_days: int
    result_days: int
    extension_days: int
    decline_basis: str
    remedy: str
    remedy_limit: str


_KINDS = {
    "court": Kind(
        "立案庭",
        "立案法官",
        "民事诉讼立案",
        7,
        180,
        180,
        "《中华人民共和国民事诉讼法》第一百二十六条",
        "可向上一级人民法院提起上诉",
        "裁定送达之日起10日内",
    ),
    "procuratorate": Kind(
        "控告申诉检察部门",
        "接访检察官",
        "控告申诉检察",
        7,
        90,
        0,
        "《人民检察院信访工作规定》",
        "可向上一级人民检察院申诉",
        "收到答复之日起30日内",
    ),
    "discipline": Kind(
        "信访室",
        "信访室承办人",
        "检举控告受理",
        14,
        90,
        0,
        "《纪检监察机关处理检举控告工作规则》",
        "可向上一级纪检监察机关反映",
        "收到告知之日起30日内",
    ),
    "police": Kind(
        "信访科",
        "值班民警",
        "治安及刑事案件审查",
        15,
        30,
        30,
        "《公安机关办理行政案件程序规定》",
        "可申请刑事复议或行政复议",
        "收到通知之日起7日内",
    ),
    "labour": Kind(
        "立案受理处",
        "仲裁员",
        "劳动人事争议仲裁",
        5,
        45,
        15,
        "《劳动争议调解仲裁法》第二十九条",
        "可就该劳动争议事项向人民法院提起诉讼",
        "收到决定之日起15日内",
    ),
    "land": Kind(
        "仲裁办公室",
        "仲裁员",
        "农村土地承包仲裁",
        5,
        60,
        30,
        "《农村土地承包经营纠纷调解仲裁法》第二十二条",
        "可向人民法院提起诉讼",
        "收到通知之日起30日内",
    ),
    "reconsideration": Kind(
        "行政复议机构",
        "复议承办人",
        "行政复议",
        5,
        60,
        30,
        "《中华人民共和国行政复议法》第三十条",
        "可向人民法院提起行政诉讼",
        "收到决定之日起15日内",
    ),
    "agency": Kind(
        "办公室",
        "信访专员",
        "信访程序",
        15,
        60,
        30,
        "《信访工作条例》第三十一条",
        "可请求复查",
        "收到书面答复之日起30日内",
    ),
}


def kind_of(body: str) -> Kind:
    """The kind of a body by its code (`court-990100`, `labour_arbitration-990100`); what no row knows is an agency."""
    return next((kind for name, kind in _KINDS.items() if body.startswith(name)), _KINDS["agency"])
