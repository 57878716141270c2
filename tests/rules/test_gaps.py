"""What an operator chose where the law is silent is what the guards do."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

import config
from rules.edge_guards import GUARDS, Mark, No, Situation
from rules.house import load_house

CN = ZoneInfo("Asia/Shanghai")
HOUSE = load_house(Path(config.__file__).parent, "bureau-990100")
ENDS = dt.datetime(2026, 4, 2, tzinfo=CN)


def asked(stage: str, heard: dt.datetime, reason: str, late_remedy: bool) -> Situation:
    return Situation("bureau-990100", "agency-housing-990100", {}, {"late_reason": reason} if reason else {}, 1, (), (), (), None, HOUSE.bodies, heard_at=heard, branch="B3.6",
                     stage=stage, remedy_ends=ENDS, late_remedy=late_remedy)


@pytest.mark.parametrize(("guard", "stage"), [("review_open", "handling"), ("rereview_open", "review")])
def test_a_late_request_is_let_in_with_a_reason_or_refused(guard: str, stage: str) -> None:
    late, in_time = ENDS, ENDS - dt.timedelta(seconds=1)
    assert GUARDS[guard](asked(stage, in_time, "", True)) is None
    assert GUARDS[guard](asked(stage, in_time, "", False)) is None
    assert GUARDS[guard](asked(stage, late, "住院", True)) == Mark("late-remedy")
    without = GUARDS[guard](asked(stage, late, "", True))
    refused = GUARDS[guard](asked(stage, late, "住院", False))
    assert isinstance(without, No)
    assert "写明理由" in without.why
    assert isinstance(refused, No)
    assert "不予受理" in refused.why
    assert "写明理由" not in refused.why
