"""The bodies: the sample city is sound, and every way to break the file is named."""

from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path

import pytest
import yaml

import config
from config.bodies import Bodies, load_bodies
from config.source import ConfigError
from connectors.wire.ids import code_of

FILE = Path(config.__file__).parent / "bodies.yaml"


@pytest.fixture(scope="module")
def city() -> Bodies:
    return load_bodies(FILE)


def test_the_sample_city_has_every_kind_at_every_seat(city: Bodies) -> None:
    for division in ("990100", "990102", "990103"):
        for kind in ("bureau", "joint_conference", "government", "court", "procuratorate", "discipline", "police"):
            assert city.find(kind, division), (kind, division)
        for kind in ("labour_arbitration", "reconsideration"):
            assert city.find(kind, division), (kind, division)
    assert city.find("land_arbitration", "990103")
    assert city.find("organisation", "990100")
    assert len({b.sector for b in city if b.kind == "agency"}) >= 8


def test_names_codes_and_urns(city: Bodies) -> None:
    assert city.get("agency-housing-990102").urn == "urn:xf:agency:housing:990102"
    assert city.get("court-990100").urn == "urn:xf:court:990100"
    assert len({b.urn for b in city}) == len(city)
    assert "court-990100" in city
    assert "court-000000" not in city
    with pytest.raises(KeyError):
        city.get("court-000000")


def test_partners_are_on_the_wire_and_our_own_are_at_the_desk(city: Bodies) -> None:
    for body in city:
        if body.kind in ("bureau", "government", "joint_conference", "mediation") or not body.lasts:
            assert body.connector.kind == "desk"
        else:
            assert body.connector.options["url"] == "{sandbox}/" + body.code


def test_chains_run_in_both_lines(city: Bodies) -> None:
    assert city.above("agency-housing-990102") == {
        "government-990102",
        "agency-housing-990100",
        "government-990100",
        "government-990000",
    }
    assert city.above("court-990102") == {"court-990100", "court-990000"}
    assert "police-990103" in city.below("government-990103")
    assert "police-990103" in city.below("police-990100")
    assert "court-990103" not in city.below("government-990103")
    assert [p.code for p in city.lineage("990103100")] == ["990103100", "990103", "990100", "990000", "000000"]
    assert city.lineage("123456") == ()


def broken(tmp_path: Path, change: Callable[[dict[str, list[dict[str, object]]]], None]) -> str:
    data = yaml.safe_load(FILE.read_text(encoding="utf-8"))
    change(data)
    path = tmp_path / "bodies.yaml"
    path.write_text(yaml.safe_dump(data, allow_unicode=True), encoding="utf-8")
    with pytest.raises(ConfigError) as caught:
        load_bodies(path)
    text = path.read_text(encoding="utf-8").splitlines()
    assert all(1 <= p.line <= len(text) for p in caught.value.problems)
    return str(caught.value)


def body(data: dict[str, list[dict[str, object]]], code: str) -> dict[str, object]:
    return next(b for b in data["bodies"] if b["code"] == code)


def place(data: dict[str, list[dict[str, object]]], code: str) -> dict[str, object]:
    return next(p for p in data["divisions"] if p["code"] == code)


@pytest.mark.parametrize(
    ("change", "part"),
    [
        (lambda d: d["bodies"].append(dict(body(d, "discipline-990000"))), "机关代码 discipline-990000 重复"),
        (lambda d: body(d, "court-990102").update(superior="court-123456"), "上级 court-123456 不存在"),
        (lambda d: body(d, "court-990102").update(led_by=["court-123456"]), "领导机关 court-123456 不存在"),
        (lambda d: body(d, "court-990000").update(superior="court-990102"), "上级关系成环"),
        (lambda d: body(d, "government-990100").update(led_by=["bureau-990102"]), "上级关系成环"),
        (lambda d: body(d, "court-990102").update(kind="police"), "与 kind、sector、division 不一致"),
        (lambda d: body(d, "court-990102").update(sector="housing"), "不应写领域"),
        (lambda d: body(d, "agency-housing-990102").pop("sector"), "缺少领域"),
        (lambda d: body(d, "court-990102").update(profile="tribunal"), "profile"),
        (lambda d: body(d, "court-990102").update(level="city"), "与区划的层级 district 不一致"),
        (lambda d: body(d, "court-990102").update(division="990109"), "区划 990109 不存在"),
        (lambda d: body(d, "court-990102").update(code="Court 1"), "格式不对"),
        (lambda d: body(d, "court-990102").update(name="澜川市民政局"), "已用于"),
        (lambda d: body(d, "court-990102").update(connector={"kind": "http"}), "缺少网址"),
        (lambda d: body(d, "court-990102").update(connector={"kind": "pigeon"}), "'desk'、'http'"),
        (lambda d: body(d, "court-990102").update(connector={"kind": "http", "options": {"url": "ftp://court.example"}}), "网址不完整"),
        (lambda d: body(d, "court-990102").update(connector={"kind": "http", "options": {"url": "court.example/xf"}}), "网址不完整"),
        (lambda d: body(d, "court-990102").update(connector={"kind": "http", "options": {"url": "https://u:p@court.example"}}), "密码"),
        (lambda d: body(d, "court-990102").update(connector={"kind": "http", "options": {"url": "https://court.example:0x"}}), "网址不完整"),
        (lambda d: body(d, "court-990102")["connector"]["options"].update(red_timeout=3), "是否想写 read_timeout"),  # type: ignore[index]
        (lambda d: body(d, "court-990102").update(name="法"), "字数不少于 2"),
        (lambda d: body(d, "court-990102").update(successor="court-123456"), "职权承继机关 court-123456 不存在"),
        (
            lambda d: (
                body(d, "court-990102").update(successor="court-990103"),
                body(d, "court-990103").update(successor="court-990102"),
            ),
            "职权承继关系成环",
        ),
        (lambda d: d["bodies"].remove(body(d, "bureau-990103")), "西岭区没有信访部门"),
        (lambda d: d["bodies"].remove(body(d, "joint_conference-990103")), "没有信访工作联席会议"),
        (lambda d: d["bodies"].remove(body(d, "bureau-000000")), "示例国没有信访部门"),
        (lambda d: place(d, "990102").update(superior="999999"), "上级区划 999999 不存在"),
        (lambda d: place(d, "990000").update(superior="990100"), "层级不高于"),
        (lambda d: place(d, "990000").update(superior="990102"), "层级不高于"),
        (lambda d: d["divisions"].append(dict(place(d, "990000"))), "行政区划 990000 重复"),
        (lambda d: place(d, "000000").update(code="100000"), "不像国家级区划"),
        (lambda d: place(d, "990000").update(code="990001"), "不像省级区划"),
        (lambda d: place(d, "990000").update(code="000100"), "不像省级区划"),
        (lambda d: place(d, "990100").update(code="990101"), "不像市级区划"),
        (lambda d: place(d, "990100").update(code="990000"), "不像市级区划"),
        (lambda d: place(d, "990103").update(code="990200"), "不像区级区划"),
        (lambda d: place(d, "990103").update(code="990103001"), "写六位数字"),
        (lambda d: place(d, "990103100").update(code="990104"), "写九位"),
        (lambda d: place(d, "990103100").update(code="990103000"), "末三位不能是 000"),
        (lambda d: place(d, "990103100").update(code="99010310"), "格式不对"),
        (lambda d: place(d, "990103100").update(superior="990102"), "前6位不同"),
        (lambda d: place(d, "990103").update(code="990203"), "前4位不同"),
        (lambda d: place(d, "990100").update(code="980100"), "前2位不同"),
        (lambda d: place(d, "990103100").update(superior="990000"), "不能直接隶属于澜江省"),
        (lambda d: place(d, "990100").update(superior="000000"), "不能直接隶属于示例国"),
        (lambda d: place(d, "990103100").pop("superior"), "没有写上级区划"),
        (lambda d: d["bodies"].append(dict(body(d, "bureau-990103"), code="bureau-990103100", division="990103100", level="township")), "六位区划"),
        (lambda d: body(d, "government-990103").update(superior="government-990103100"), "层级低于它"),
        (lambda d: body(d, "bureau-990103").update(led_by=["government-990103", "government-990103"]), "写了两次"),
        (lambda d: body(d, "agency-food_drug-990102").pop("since"), "没有写承继之日"),
        (lambda d: body(d, "agency-food_drug-990102").pop("successor"), "没有承继机关"),
        (lambda d: body(d, "agency-food_drug-990102").update(abolished="2020-01-01"), "同时写了承继机关和撤销日期"),
        (lambda d: body(d, "agency-food_drug-990102").update(since="2019-3-1"), "不是日期"),
        (lambda d: body(d, "agency-food_drug-990102").update(since="2019-02-30"), "应为日期"),
        (lambda d: body(d, "agency-food_drug-990102").update(since=20190301), "20190301 不是日期"),
        (lambda d: body(d, "agency-food_drug-990102").update(since=True), "不是日期"),
        (lambda d: body(d, "agency-market-990102").update(abolished="2018-01-01"), "在 2019-03-01 已不存在（2018-01-01 起）"),
        (
            lambda d: body(d, "police-990100").update(successor="government-990100", since="2030-01-01"),
            "police-990102 的上级 police-990100 的职权归 government-990100，而它没有写在上级或领导机关中",
        ),
    ],
)
def test_a_broken_file_is_refused_by_name(tmp_path: Path, change: Callable[[dict[str, list[dict[str, object]]]], None], part: str) -> None:
    assert part in broken(tmp_path, change)


def test_the_line_named_is_the_line_at_fault(tmp_path: Path) -> None:
    text = FILE.read_text(encoding="utf-8").replace("superior: court-990100", "superior: court-990199", 1)
    path = tmp_path / "bodies.yaml"
    path.write_text(text, encoding="utf-8")
    line = next(i for i, t in enumerate(text.splitlines(), 1) if "court-990199" in t)
    with pytest.raises(ConfigError, match=rf"^bodies\.yaml:{line}: court-990102 的上级 court-990199 不存在"):
        load_bodies(path)


OLD, NEW, ENDED = "agency-food_drug-990102", "agency-market-990102", "agency-township_enterprises-990103"
DAY = date(2019, 3, 1)


def test_a_merged_body_hands_its_powers_on_from_that_day(city: Bodies) -> None:
    assert holder(city, OLD) == NEW
    assert holder(city, OLD, DAY) == NEW
    assert holder(city, OLD, DAY - timedelta(days=1)) == OLD
    assert city.find("agency", "990102", "food_drug") is None
    assert city.find("agency", "990102", "food_drug", DAY - timedelta(days=1)) == city.get(OLD) == city.seat("agency", "990102", "food_drug")
    assert city.family(OLD) == city.family(NEW) == {OLD, NEW}
    assert city.family("court-990102") == {"court-990102"}
    with pytest.raises(KeyError):
        city.family("court-123456")


def test_an_abolished_body_leaves_its_powers_to_nobody_and_the_government_says_to_whom(city: Bodies) -> None:
    assert holder(city, ENDED) is None
    assert holder(city, ENDED, date(2024, 3, 31)) == ENDED
    assert holder(city, ENDED, date(2024, 4, 1)) is None
    for code, chooser in ((ENDED, "government-990103"), ("government-990102", "government-990100"), ("government-990103200", "government-990103")):
        found = city.designator(code)
        assert found is not None
        assert found.code == chooser
    assert city.designator("government-990000") is None


def holder(bodies: Bodies, code: str, on: date | None = None) -> str | None:
    body = bodies.current(code, on)
    return None if body is None else body.code


def test_a_government_that_was_merged_designates_through_its_successor(city: Bodies) -> None:
    changes = {
        "government-990103": {"successor": "government-990102", "since": date(2030, 1, 1)},
    }
    bodies = Bodies(city.places, [b.model_copy(update=changes.get(b.code, {})) for b in city])
    for on, chooser in ((date(2029, 12, 31), "government-990103"), (date(2030, 1, 1), "government-990102"), (None, "government-990102")):
        found = bodies.designator(ENDED, on)
        assert found is not None
        assert found.code == chooser


@pytest.mark.parametrize(
    ("codes", "common"),
    [
        (("agency-housing-990102", "agency-market-990103"), "government-990100"),
        (("agency-housing-990102", "agency-housing-990103"), "agency-housing-990100"),
        (("agency-housing-990102", "police-990102"), "government-990102"),
        (("police-990102", "police-990103"), "police-990100"),
        (("agency-housing-990102", "agency-housing-990100"), "government-990100"),
        (("court-990102", "court-990103"), "court-990100"),
        (("court-990102", "police-990102"), None),
        (("government-990103100", "agency-housing-990103"), "government-990103"),
        (("court-990102",), "court-990100"),
        (("court-990000",), None),
        ((), None),
    ],
)
def test_the_common_superior_of_a_dispute(city: Bodies, codes: tuple[str, ...], common: str | None) -> None:
    for ordered in (codes, codes[::-1]):
        found = city.common_superior(ordered)
        assert (None if found is None else found.code) == common
    with pytest.raises(KeyError):
        city.common_superior([*codes, "court-123456"])


def test_a_common_superior_that_is_gone_stands_for_its_successor(city: Bodies) -> None:
    changes = {"police-990100": {"successor": "government-990100", "since": date(2030, 1, 1)}}
    bodies = Bodies(city.places, [b.model_copy(update=changes.get(b.code, {})) for b in city])
    both = ("police-990102", "police-990103")
    for on, code in ((date(2029, 12, 31), "police-990100"), (date(2030, 1, 1), "government-990100"), (None, "government-990100")):
        found = bodies.common_superior(both, on)
        assert found is not None
        assert found.code == code


def test_townships_sit_under_their_district(city: Bodies) -> None:
    assert city.leads("government-990102", "government-990102100")
    assert city.leads("government-990100", "government-990102100")
    assert not city.leads("government-990103", "government-990102100")
    assert city.get("government-990102100").urn == "urn:xf:government:990102100"
    assert code_of(city.get("government-990102100").urn) == "government-990102100"
    assert city.find("bureau", "990102100") is None


def test_a_city_without_districts_may_have_townships(tmp_path: Path) -> None:
    data = yaml.safe_load(FILE.read_text(encoding="utf-8"))
    data["divisions"].append({"code": "990100200", "name": "某镇", "level": "township", "superior": "990100"})
    path = tmp_path / "bodies.yaml"
    path.write_text(yaml.safe_dump(data, allow_unicode=True), encoding="utf-8")
    assert [p.code for p in load_bodies(path).lineage("990100200")][:2] == ["990100200", "990100"]


def test_a_district_merged_whole_needs_no_bureau_of_its_own(tmp_path: Path) -> None:
    data = yaml.safe_load(FILE.read_text(encoding="utf-8"))
    for kind in ("bureau", "joint_conference"):
        body(data, f"{kind}-990103").update(successor=f"{kind}-990102", since="2030-01-01")
    path = tmp_path / "bodies.yaml"
    path.write_text(yaml.safe_dump(data, allow_unicode=True), encoding="utf-8")
    assert holder(load_bodies(path), "bureau-990103") == "bureau-990102"
