"""Bodies that say the case is not theirs: one is right, one is not (信访工作条例 art 23(3): within five working
days, with reasons)."""

from datetime import timedelta
from typing import ClassVar

from pydantic import Field

from connectors.wire.events import urn_of
from sandbox import texts
from sandbox.desk import Desk
from sandbox.manners.base import Manner, Options


class ObjectsOptions(Options):
    """`object_days` after signing, in plain days; `suggested_body`: the code of the body it points to."""

    object_days: float = Field(2, ge=0)
    suggested_body: str | None = None


class ObjectsRightly(Manner[ObjectsOptions]):
    """Objects with a reason that holds and names the right body. Upheld, its side ends; rejected, it goes on."""

    name: ClassVar[str] = "objects_rightly"
    line: ClassVar[str] = "确无管辖权：五个工作日内提出异议并指明应受理单位"
    options_type: ClassVar[type[Options]] = ObjectsOptions
    reason_code: ClassVar[str] = "no-jurisdiction"
    reason: ClassVar[str] = "所涉事项依职权划分不属于本机关管辖，建议改送有权处理的机关、单位。"

    def after_signing(self, desk: Desk) -> None:
        """Plan the objection instead of the acceptance."""
        desk.later("object", timedelta(days=self.options.object_days))

    def do_object(self, desk: Desk) -> None:
        """异议, then wait for the decision: nothing is planned until it comes."""
        suggested = self.options.suggested_body
        data = texts.objection(self.reason_code, self.reason, None if suggested is None else urn_of(suggested))
        if self.say(desk, "handoff.objected", data):
            desk.cancel()


class ObjectsWrongly(ObjectsRightly):
    """Objects with a reason that does not hold. Rejected, it signs off on its duty and accepts."""

    name: ClassVar[str] = "objects_wrongly"
    line: ClassVar[str] = "无理推诿：提出不成立的异议，被驳回后受理"
    reason_code: ClassVar[str] = "hard-to-handle"
    reason: ClassVar[str] = "该事项时间久远、涉及面广，本机关办理确有困难。"


class Disputes(ObjectsRightly):
    """Objects on a ground on which both bodies may be right. Escalated, it waits for the ruling and obeys it."""

    name: ClassVar[str] = "disputes"
    line: ClassVar[str] = "与他单位职责交叉：提出异议，待协调裁定后照办"
    reason_code: ClassVar[str] = "overlapping-duties"
    reason: ClassVar[str] = "所涉事项与其他单位职责交叉，请协调确定受理单位。"
