"""What the bureau knows of a petition when it decides where it goes. Nothing here names a petitioner."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from config.bodies import Code, Division, Level, Slug
from config.source import Strict

Klass = Literal["suggestion", "accusation", "claim"]
Organ = Literal["court", "procuratorate", "police"]
Channel = Literal["letter", "visit", "online", "phone", "fax"]
AccusedLevel = Level
Branch = Literal[
    "B1",
    "B2a",
    "B2b",
    "B2c",
    "B3.1a",
    "B3.1b",
    "B3.1c",
    "B3.1d",
    "B3.2",
    "B3.3",
    "B3.4",
    "B3.5",
    "B3.6",
]
ACCUSING = "accuse_"
"""Every situation that accuses somebody begins so, and no other does (routing.yaml is refused otherwise): a guard knows one without the table."""
PetitionNo = Annotated[str, Field(pattern=r"^XF[0-9]{20}$")]


class Facts(Strict):
    """Facts of one petition; what is not known is None. Values are codes, never text of the petition.

    `accusation`: `discipline` (纪检监察), `law` (another body's: police, market ...), `cadre` (干部问题).
    `accused`: whether the accused is an `official` body or person, or `private`; `accused_body` is the accused body or
    the body in which the accused serves, `accused_level` its level (`township` for towns and villages).
    `decided_by`: the body whose decision is appealed. `stage`: how far a suit has gone.
    `situation`: a named situation of routing.yaml, which implies other facts. `complained_of`: the body a claim complains
    of. `joint`: number of petitioners of a joint petition. `simple`: candidate for 简易办理, which also wants `first_time`.
    `several_bodies`: more than one body has a part in it (信访工作条例 art 24). `reviewed`: 复核 is done (art 36(3)).
    """

    klass: Klass | None = None
    branch: Branch | None = None
    situation: Slug | None = None
    art31: Annotated[int, Field(ge=1, le=6)] | None = None
    organ: Organ | None = None
    stage: Literal["first", "retrial", "enforcement"] | None = None
    arbitration: Literal["labour", "land", "personnel", "commercial"] | None = None
    expropriation: bool | None = None
    appeal: Literal["party", "supervision", "personnel"] | None = None
    procedure: Literal["reconsideration", "ruling", "confirmation", "licensing", "penalty"] | None = None
    duty: Literal["punish", "protect"] | None = None
    accusation: Literal["discipline", "law", "cadre"] | None = None
    accused: Literal["official", "private"] | None = None
    accused_body: Code | None = None
    accused_level: AccusedLevel | None = None
    decided_by: Code | None = None
    complained_of: Code | None = None
    sector: Slug | None = None
    division: Division | None = None
    level: Level | None = None
    channel: Channel | None = None
    grave: bool | None = None
    important: bool | None = None
    several_bodies: bool | None = None
    joint: Annotated[int, Field(ge=2, le=99_999)] | None = None
    simple: bool | None = None
    first_time: bool | None = None
    in_litigation: bool | None = None
    concluded: bool | None = None
    reviewed: bool | None = None
    pending_elsewhere: PetitionNo | None = None


NAMES: dict[str, str] = {
    "klass": "类别",
    "branch": "分支",
    "situation": "情形",
    "art31": "第三十一条第几项",
    "organ": "政法机关",
    "stage": "诉讼阶段",
    "arbitration": "仲裁种类",
    "expropriation": "涉土地征收补偿",
    "appeal": "申诉种类",
    "procedure": "行政程序",
    "duty": "请求履职",
    "accusation": "检举控告性质",
    "accused": "被检举控告方",
    "accused_body": "被检举控告单位",
    "accused_level": "被检举控告方层级",
    "decided_by": "作出原决定的机关",
    "complained_of": "被反映的机关",
    "sector": "领域",
    "division": "属地",
    "level": "层级",
    "channel": "渠道",
    "grave": "重大紧急",
    "important": "重要事项",
    "several_bodies": "涉及多个机关",
    "joint": "共同信访人数",
    "simple": "可简易办理",
    "first_time": "初次信访",
    "in_litigation": "已在诉讼中",
    "concluded": "已依法终结",
    "reviewed": "已经复核",
    "pending_elsewhere": "已由他处受理",
}
"""Each fact's name for clerks."""

VALUES: dict[str, str] = {
    "suggestion": "建议意见",
    "accusation": "检举控告",
    "claim": "申诉求决",
    "court": "法院",
    "procuratorate": "检察院",
    "police": "公安",
    "first": "起诉与上诉",
    "retrial": "申请再审",
    "enforcement": "执行",
    "labour": "劳动争议",
    "land": "农村土地承包",
    "personnel": "人事争议",
    "commercial": "商事",
    "party": "党员申诉",
    "supervision": "监察复审",
    "reconsideration": "行政复议",
    "ruling": "行政裁决",
    "confirmation": "行政确认",
    "licensing": "行政许可",
    "penalty": "行政处罚",
    "punish": "查处违法行为",
    "protect": "保护人身权或财产权",
    "discipline": "违纪和职务违法犯罪",
    "law": "其他违法",
    "cadre": "干部问题",
    "official": "公职方",
    "private": "非公职方",
    "nation": "国家级",
    "province": "省级",
    "city": "市级",
    "district": "区级",
    "township": "乡镇及村级",
    "letter": "来信",
    "visit": "走访",
    "online": "网上",
    "phone": "电话",
    "fax": "传真",
    "known": "已知",
    "absent": "未知",
}
"""A value's name for clerks; values that are not here are shown as they are."""


def shown(value: object) -> str:
    """A fact's value as a clerk reads it: `True` is 是, `claim` is 申诉求决, a code stays a code."""
    if isinstance(value, bool):
        return "是" if value else "否"
    return VALUES.get(str(value), str(value))
