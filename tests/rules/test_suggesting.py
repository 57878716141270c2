"""What is proposed for invented petitions: right, with words that stand there, and never an accusation or a refusal."""

from __future__ import annotations

from dataclasses import fields
from functools import lru_cache
from pathlib import Path
from typing import get_args, get_type_hints

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import config
from config.bodies import Bodies, load_bodies
from config.lexicon import Lexicon, load_lexicon
from config.routing import load_routing
from rules.suggesting import Proposal, SuggestError, Suggestions, suggest
from rules.suggesting.proposing import LONGEST

FOLDER = Path(config.__file__).parent
FACTS = ("klass", "situation", "sector", "area", "division")


@lru_cache(maxsize=1)
def installed() -> tuple[Lexicon, Bodies]:
    bodies = load_bodies(FOLDER / "bodies.yaml")
    return load_lexicon(FOLDER, bodies), bodies


def ask(subject: str, text: str = "") -> Suggestions:
    return suggest(subject, text, *installed())


def value(proposal: Proposal[str] | None) -> str | None:
    return proposal.value if proposal else None


@pytest.mark.parametrize(
    ("subject", "text", "area", "sector"),
    [
        ("小区物业公司乱涨物业费", "业委会没有同意，物业公司就贴出通知。", "urban_rural", "housing"),
        ("安置房过渡费停发", "拆迁时签的协议，过渡费两年没有发了。", "urban_rural", "housing"),
        ("夜市占道经营没人管", "流动摊贩把人行道全占了，垃圾满地。", "urban_rural", "urban_management"),
        ("化工厂夜里排放废气", "刺鼻的气味让全村人睡不着觉。", "environment", "ecology"),
        ("工地夜间施工噪音扰民", "到凌晨两点还在打桩，老人无法入睡。", "environment", "ecology"),
        ("出租车拒载还不打表", "高铁站的出租车司机开口就要五十元。", "transport", "transport"),
        ("请求增开一趟公交线路", "村里到县城每天只有两趟班车。", "transport", "transport"),
        ("健身房卷款跑路", "会员卡还有一年，商家关门，退款电话没人接。", "commerce_tourism", "market"),
        ("景区强制购物", "导游不让游客下车，不买就不给吃饭。", "commerce_tourism", "culture_tourism market"),
        ("县医院误诊耽误手术", "医生说是胃炎，转院以后才知道要住院开刀。", "health", "health"),
        ("独生子女费没有发", "计生办说要等通知，等了三年。", "health", "health"),
        ("学校强制学生补课收费", "班主任在家长会上收补课费。", "education_culture", "education"),
        ("图书馆周末不开门", "文化馆也是常年锁着，市民没有看书的地方。", "education_culture", "culture_tourism"),
        ("拖欠农民工工资", "包工头欠我们十三人的工资不给。", "labour_social", "human_resources"),
        ("社保断缴怎么补缴", "单位改制后养老保险一直没有人管。", "labour_social", "human_resources"),
        ("低保申请没有结果", "民政局说材料在村里，村里说早就交了。", "civil_affairs", "civil_affairs"),
        ("退伍军人优抚金没到账", "退役军人的待遇应该按月发放。", "civil_affairs", "veterans civil_affairs"),
        ("村里承包地被收回", "承包经营权证还在我手上，村委会就把地给了别人。", "agriculture", "agriculture"),
        ("征地补偿款不到位", "占了我们的基本农田，土地征收的手续也没有见过。", "natural_resources", "natural_resources"),
        ("派出所办不了落户", "户口迁移跑了四次。", "justice_order", ""),
        ("银行理财产品到期不兑付", "存款变成了理财，本息都拿不回来。", "economy", "finance"),
        ("宽带被运营商私自换套餐", "中国移动的营业厅说话费不能退。", "science_it", "industry"),
    ],
)
def test_areas_and_who_answers(subject: str, text: str, area: str, sector: str) -> None:
    found = ask(subject, text)
    assert value(found.area) == area
    held = {body.sector for body in installed()[1]}
    assert value(found.sector) == next((s for s in sector.split() if s in held), None)
    for name in FACTS:
        proposal = getattr(found, name)
        for span in proposal.words if proposal else ():
            content = subject if span.part == "subject" else text
            assert content[span.start : span.end].startswith(span.word.split("…")[0])


@pytest.mark.parametrize(
    ("subject", "text", "situation"),
    [
        ("工厂欠薪", "老板拖欠我们三个月工资，打电话不接。", "wage_arrears"),
        ("工伤认定拖了半年", "车间里被机器压伤，申请工伤认定没有下文。", "work_injury_finding"),
        ("法院判了对方还是不还钱", "判决生效八个月，申请执行以后没有执行到位。", "judgment_unenforced"),
        ("派出所不予立案", "我的车被砸，派出所给了不予立案通知书。", "police_not_filing"),
        ("楼顶违章建筑", "邻居在顶楼违规搭建两间房。", "illegal_building"),
        ("对党纪处分不服", "给我党内警告的依据是错的，请求复查申诉。", "party_penalty_appeal"),
        ("孩子入学没有学位", "学区划分改了，小升初不知道去哪里。", "school_admission"),
        ("房产证办不下来", "小区交房六年，开发商没有办证。", "house_certificate"),
        ("随便说几句", "今天天气很好。", None),
    ],
)
def test_situations(subject: str, text: str, situation: str | None) -> None:
    assert value(ask(subject, text).situation) == situation


def test_a_sector_never_contradicts_the_situation_beside_it() -> None:
    table = load_routing(FOLDER / "routing.yaml", installed()[1])
    found = suggest("派出所不予立案", "小区物业费的事打起来，派出所给了不予立案通知书。", *installed(), table)
    assert value(found.situation) == "police_not_filing"
    assert found.sector is None  # the situation is the police's, whatever the quarrel was about
    found = suggest("工厂欠薪", "老板拖欠我们三个月工资。", *installed(), table)
    assert value(found.situation) == "wage_arrears"
    assert value(found.sector) == "human_resources"
    assert found.situation is not None
    assert found.situation.zh == table.situations["wage_arrears"].zh


def test_classes_are_told_apart_and_nothing_is_said_where_nothing_speaks() -> None:
    assert value(ask("关于公园增加座椅的建议", "建议在湖边加几张长椅。").klass) == "suggestion"
    assert value(ask("请求退还押金", "要求赔偿损失，多次反映无果。").klass) == "claim"
    empty = ask("你好", "今天下雨了。")
    assert [getattr(empty, name) for name in FACTS] == [None] * 5
    assert empty.warnings == ()


def test_a_word_in_the_subject_weighs_more_than_in_the_text() -> None:
    above, below = ask("供水", "物业费"), ask("物业费", "供水")
    assert above.area is not None
    assert above.area.words[0].part == "subject"
    assert below.area is not None
    assert below.area.words[0].word == "物业费"


def test_a_school_that_only_says_where_is_not_what_the_matter_is() -> None:
    assert value(ask("幼儿园旁边的化工厂排放废气", "学校门口就是烟囱，刺鼻难闻。").area) == "environment"


# ---- what is never proposed -------------------------------------------------------------------------------------------


def test_the_answer_has_no_place_for_an_accusation_or_a_refusal() -> None:
    hints = get_type_hints(Suggestions)
    proposal = next(arm for arm in get_args(hints["klass"]) if arm is not type(None))
    assert set(get_args(get_args(proposal)[0])) == {"suggestion", "claim"}
    assert {f.name for f in fields(Suggestions)} == {*FACTS, "warnings"}


@pytest.mark.parametrize(
    ("subject", "text", "kind"),
    [
        ("反映村主任套取补助款", "村主任冒用他人名义领取补助。", "accusation_official"),
        ("反映验收人员收受购物卡", "开发商给验收人员送了购物卡。", "accusation_official"),
        ("反映局长受贿", "请求查处。", "accusation_official"),
        ("举报黑作坊", "无证经营，请求查处。", "accusation_law"),
        ("路修到一半停工", "另外我看到施工方给街道干部送了红包。", "accusation_official"),
    ],
)
def test_an_accusation_is_only_warned_of(subject: str, text: str, kind: str) -> None:
    found = ask(subject, text)
    assert kind in {caution.kind for caution in found.warnings}
    assert all("甄别" in c.zh and c.words and c.basis for c in found.warnings if c.kind.startswith("accusation"))
    assert found.klass is None
    assert found.situation is None
    if kind == "accusation_official":
        assert found.sector is None  # the agency of the matter may be the accused


def test_a_denied_accusation_is_none() -> None:
    assert ask("请求修路", "不是举报谁，只是请求把路修好。").warnings == ()


def test_danger_is_warned_of() -> None:
    assert [c.kind for c in ask("化工厂泄漏", "十几人中毒送到医院。").warnings] == ["grave"]


PIECES = [w for t in installed()[0].file.topics.values() for w in t.strong[:3]] + ["。", "，", "的", "我们", "不是", "旁", "请求", "建议", "东屿区", "西岭区", "澜川市"]
ACCUSING = [*installed()[0].file.warnings["accusation_official"].strong, *installed()[0].file.warnings["accusation_law"].strong]
LETTER = st.lists(st.sampled_from(PIECES), max_size=25).map("".join)


@settings(deadline=None)
@given(LETTER, LETTER)
def test_any_letter_gets_a_sound_answer_twice_the_same(subject: str, text: str) -> None:
    if not (subject + text).strip():
        return
    found = ask(subject, text)
    assert ask(subject, text) == found
    lexicon, bodies = installed()
    for name in FACTS:
        proposal = getattr(found, name)
        if proposal is None:
            continue
        assert getattr(lexicon.file.counting.threshold, name) - 0.001 <= proposal.confidence < 1
        assert proposal.words
        assert proposal.zh
        assert list(proposal.words) == sorted(proposal.words, key=lambda s: -s.weight)
        for span in proposal.words:
            content = subject if span.part == "subject" else text
            if "…" not in span.word:
                assert content[span.start : span.end] == span.word
    if found.sector is not None:
        assert any(body.sector == found.sector.value for body in bodies)
    if found.division is not None:
        assert bodies.place(found.division.value) is not None


@settings(deadline=None)
@given(LETTER, LETTER, st.sampled_from(ACCUSING))
def test_no_letter_with_an_accusing_word_gets_a_class_or_a_situation(subject: str, text: str, word: str) -> None:
    found = ask(subject, f"{text}。{word}")
    assert any(caution.kind.startswith("accusation") for caution in found.warnings)
    assert found.klass is None
    assert found.situation is None


# ---- bad input --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("subject", "text", "said"),
    [("", "", "都是空的"), (" \n", "\t", "都是空的"), ("标题", "长" * LONGEST, "超过"), ("标题", "正\0文", "空字符")],
)
def test_what_cannot_be_read_is_refused_in_chinese_with_the_cure(subject: str, text: str, said: str) -> None:
    with pytest.raises(SuggestError, match=said) as caught:
        ask(subject, text)
    assert "修正：" in str(caught.value)
    assert "长长" not in str(caught.value)


def test_a_letter_at_the_limit_is_read() -> None:
    assert value(ask("物业费", "物业公司" + "长" * (LONGEST - 7)).area) == "urban_rural"
