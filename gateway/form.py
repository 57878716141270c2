"""The form on which a system of the bureau hands in a petition, and what is wrong with it, field by field, in Chinese."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic_core import ErrorDetails

from config.bodies import Bodies
from config.facts import NAMES, VALUES, Channel, Facts
from connectors.wire.times import parse_time

# Control signs have no place in a letter, and as JSON escapes they would swell a message to the body past what the wire carries.
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
_AHEAD = timedelta(minutes=5)
MOST_REPRESENTATIVES = 5


class Person(BaseModel):
    """信访人. What is not known is left out."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)
    name: Annotated[str, Field(min_length=1, max_length=60)]
    phone: Annotated[str, Field(min_length=1, max_length=40)] | None = None
    address: Annotated[str, Field(min_length=1, max_length=200)] | None = None
    id_no: Annotated[str, Field(min_length=1, max_length=40)] | None = None


class Joint(BaseModel):
    """共同信访: how many people ask, and who speaks for them (at most five, 信访工作条例 art 20(3))."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)
    people: Annotated[int, Field(ge=2, le=99_999)]
    representatives: Annotated[list[Person], Field(max_length=MOST_REPRESENTATIVES)] = []


class PetitionForm(BaseModel):
    """One petition. `origin_ref` is the system's own number for it; `received_at` RFC 3339 with offset; no petitioner: anonymous."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)
    origin_ref: Annotated[str, Field(min_length=1, max_length=120, pattern=r"^\S+$", examples=["QT-2026-000123"])]
    channel: Channel
    received_at: Annotated[str, Field(examples=["2026-03-02T09:30:00+08:00"])]
    subject: Annotated[str, Field(min_length=1, max_length=300)]
    text: Annotated[str, Field(min_length=1, max_length=50_000)]
    petitioner: Person | None = None
    joint: Joint | None = None
    facts: Facts = Facts()

    @property
    def sealed(self) -> dict[str, Any] | None:
        """Everything about people, as it is kept sealed; None for an anonymous petition."""
        if self.petitioner is None:
            return None
        people = {} if self.joint is None else {"representatives": [each.model_dump(exclude_none=True) for each in self.joint.representatives]}
        return {**self.petitioner.model_dump(exclude_none=True), **people}


FIELDS = {
    "origin_ref": "来源编号", "channel": "渠道", "received_at": "收到时间", "subject": "标题", "text": "正文", "petitioner": "信访人", "facts": "事实要素",
    "name": "姓名", "phone": "电话", "address": "地址", "id_no": "证件号码", "joint": "共同信访", "people": "人数",
    "representatives": "代表",
}


class BadForm(Exception):
    """A form that cannot be taken; `errors` lists {field, what}, naming fields and the form wanted, never what was written."""

    def __init__(self, errors: list[dict[str, str]]) -> None:
        super().__init__(f"{len(errors)} field(s)")
        self.errors = errors


def read(value: dict[str, Any], bodies: Bodies, now: datetime) -> tuple[PetitionForm, datetime]:
    """The form and its `received_at` in UTC. Raises BadForm with every fault."""
    try:
        form = PetitionForm.model_validate(value, strict=True)
    except ValidationError as error:
        raise BadForm([_told(detail) for detail in error.errors(include_url=False, include_input=False)]) from None
    received = parse_time(form.received_at)
    errors = list(_beyond_form(form, received, bodies, now))
    if errors or received is None:
        raise BadForm(errors)
    return form, received


def _beyond_form(form: PetitionForm, received: datetime | None, bodies: Bodies, now: datetime) -> Iterator[dict[str, str]]:
    if received is None:
        yield _error("received_at", "应为带时区的时刻，例如 2026-03-02T09:30:00+08:00")
    elif received > now + _AHEAD:
        yield _error("received_at", "晚于现在；请核对时刻和时区")
    texts = {"origin_ref": form.origin_ref, "subject": form.subject, "text": form.text}
    if form.petitioner is not None:
        texts |= {f"petitioner.{name}": value for name, value in form.petitioner.model_dump(exclude_none=True).items()}
    for at, each in enumerate(form.joint.representatives if form.joint is not None else ()):
        texts |= {f"joint.representatives.{at}.{name}": value for name, value in each.model_dump(exclude_none=True).items()}
    for name, text in texts.items():
        if _CONTROL.search(text):
            yield _error(name, "含有控制字符；请删去，只留文字、换行和制表符")
        elif not text.strip():
            yield _error(name, "不能是空白")
    yield from _jointly(form)
    facts = form.facts
    if facts.channel is not None and facts.channel != form.channel:
        yield _error("facts.channel", "与 channel 不一致；请删去 facts 中的渠道，或改正")
    if facts.division is not None and bodies.place(facts.division) is None:
        yield _error("facts.division", "区划不在机关目录中；请用目录中的六位代码（乡镇为九位）")
    for name in ("accused_body", "decided_by", "complained_of"):
        code = getattr(facts, name)
        if code is not None and code not in bodies:
            yield _error(f"facts.{name}", "单位不在机关目录中；请用目录中的代码，或留空")


def _jointly(form: PetitionForm) -> Iterator[dict[str, str]]:
    joint = form.joint
    if joint is None:
        return
    if form.petitioner is None:
        yield _error("petitioner", "共同信访须写明牵头的信访人")
    if form.facts.joint is not None and form.facts.joint != joint.people:
        yield _error("facts.joint", "与 joint.people 不一致；请删去 facts 中的人数，或改正")
    if len(joint.representatives) > joint.people:
        yield _error("joint.representatives", "代表多于信访人数；请核对")
    if form.channel == "visit" and not joint.representatives:
        yield _error("joint.representatives", "多人走访提出共同事项的，应推选代表，不超过五人（信访工作条例第二十条第三款）")


_KINDS = {
    "missing": "缺少",
    "extra_forbidden": "不认识的字段；请删去",
    "string_type": "应为文字",
    "int_type": "应为整数",
    "bool_type": "应为 true 或 false",
    "model_type": "应为对象",
    "model_attributes_type": "应为对象",
    "dict_type": "应为对象",
}


def _told(detail: ErrorDetails) -> dict[str, str]:
    kind, ctx = detail["type"], detail.get("ctx", {})
    at = [part for part in detail["loc"] if not (isinstance(part, str) and ("[" in part or part in ("Person", "Facts", "Joint")))]
    if kind == "extra_forbidden":
        # A name that somebody made up may say anything; only where it stands is told.
        return _error(".".join(map(str, at[:-1])) or "（最外层）", "有不认识的字段；字段见 /docs，请删去其余")
    what = _KINDS.get(kind)
    if kind == "literal_error":
        words = re.findall(r"'([^']+)'", str(ctx.get("expected", "")))
        what = "应为其中之一：" + "、".join(f"{word}（{VALUES[word]}）" if word in VALUES else word for word in words)
    elif kind == "string_too_short":
        what = f"至少 {ctx.get('min_length')} 个字"
    elif kind == "string_too_long":
        what = f"至多 {ctx.get('max_length')} 个字"
    elif kind == "string_pattern_mismatch":
        what = f"格式不对，应符合 {ctx.get('pattern')}"
    elif kind == "too_long":
        what = f"至多 {ctx.get('max_length')} 人（信访工作条例第二十条第三款）"
    elif kind in ("greater_than_equal", "less_than_equal"):
        what = f"应{'不小于' if 'ge' in ctx else '不大于'} {ctx.get('ge', ctx.get('le'))}"
    return _error(".".join(map(str, at)) or "（最外层）", what or "不合要求；形式见 /docs")


def _error(field: str, what: str) -> dict[str, str]:
    name = field.rsplit(".", 1)[-1]
    zh = FIELDS.get(name) or NAMES.get(name)
    return {"field": field, "what": f"{zh}：{what}" if zh else what}
