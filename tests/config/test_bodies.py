"""The bodies: the sample city is sound, and every way to break the file is named."""

from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

import config
from config.bodies import Bodies, Body, load_bodies
from config.source import ConfigError

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
        if body.kind in ("bureau", "government", "joint_conference"):
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
    assert [p.code for p in city.lineage("990103")] == ["990103", "990100", "990000"]
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


@pytest.mark.parametrize(
    ("change", "part"),
    [
        (lambda d: d["bodies"].append(dict(d["bodies"][3])), "机关代码 discipline-990000 重复"),
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
        (lambda d: d["divisions"][1].update(superior="999999"), "上级区划 999999 不存在"),
        (lambda d: d["divisions"][0].update(superior="990100"), "层级不高于"),
        (lambda d: d["divisions"].append(dict(d["divisions"][0])), "行政区划 990000 重复"),
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


def test_a_merged_body_hands_its_powers_on(city: Bodies) -> None:
    merged = city.get("agency-housing-990102").model_copy(update={"successor": "agency-urban_management-990102"})
    bodies = Bodies([], [*(b for b in city if b.code != merged.code), merged])
    assert bodies.current(merged.code).code == "agency-urban_management-990102"
    assert bodies.find("agency", "990102", "housing") is None
    assert isinstance(bodies.get(merged.code), Body)
