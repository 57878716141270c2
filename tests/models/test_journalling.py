"""What of a partner's words the journal may hold: numbers of cases and papers, never a sentence, however short."""

from __future__ import annotations

import pytest

from models.journalling import safe


@pytest.mark.parametrize("number", [
    "（2026）澜01民初12号", "(2026)labour_arbitration-990102收字第0001号-1", "东屿区住建局信访答复〔2026〕15号", "国办发〔2026〕3号", "A-2026/17", "20260302000123",
])
def test_numbers_of_cases_and_papers_are_kept(number: str) -> None:
    assert safe("partner_case_no", number) == number
    assert safe("document_no", number) == number


@pytest.mark.parametrize("text", [
    "信访人欧阳试探举报其单位领导贪污", "欧阳试探的案件", "欧阳试探19900000731", "证件990102198001017313号", "不予受理，理由见1号文", "已转2科。", "2026 年", "", "1" * 61,
])
def test_sentences_and_what_names_a_person_are_not(text: str) -> None:
    assert safe("partner_case_no", text) is None
    assert safe("document_no", text) is None
