"""The sheets show exactly what the YAML holds, and can be read: nothing overlaps, every wire arrives where its row says."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from config.roadmap import SAME, Machine
from rules.drawing.branches import BRANCHES, Road
from rules.drawing.diagram import lay_out
from rules.drawing.layout import columns
from rules.drawing.nodes import Cell, Node, Row
from rules.drawing.sheets import block, sheet
from rules.drawing.words import HOLDER_ZH
from rules.house import load_house
from tests.rules.sheet_reading import Area, Sheet, faults
from tests.rules.test_drawing_current import FOLDER, drawn

HOUSE = load_house(FOLDER, "bureau-990100")
ROADS, CLOCKS = HOUSE.roads.file, HOUSE.roads.clocks_file
MACHINES: tuple[tuple[str, Machine], ...] = (("petition", ROADS.petition), ("handoff", ROADS.handoff))


def edges_of(read: Sheet) -> Counter[tuple[str, str, str]]:
    """Edge, from and to of each act on a sheet; an act must stand in the box that it leaves."""
    found: Counter[tuple[str, str, str]] = Counter()
    for words in read.words:
        if "edge" in words.data:
            machine = words.data["edge"].partition(".")[0]
            assert read.box_of(words) == f"{machine}.{words.data['from']}"
            found[words.data["edge"], words.data["from"], words.data["to"]] += 1
    return found


def beside(x: float, box: Area) -> bool:
    """Whether this is the left or the right border of a box; coordinates are written with two decimals."""
    return min(abs(x - box.left), abs(x - box.right)) < 0.02


def check_wires(read: Sheet) -> int:
    """Every act that moves has a port beside it, from which wires lead to its target's box. Returns how many there are."""
    count = 0
    for words in read.words:
        goes = words.data.get("to", SAME)
        if "edge" not in words.data or goes in (SAME, words.data["from"]):
            continue
        machine = words.data["edge"].partition(".")[0]
        home, target = read.boxes[f"{machine}.{words.data['from']}"], read.boxes[f"{machine}.{goes}"]
        middle = (words.area.top + words.area.bottom) / 2
        ports = [dot for dot in read.dots if beside(dot[0], home) and abs(dot[1] - middle) < 4]
        assert len(ports) == 1, words.text
        ends = read.reached(ports[0], goes)
        assert any(beside(x, target) and target.top < y < target.top + 20 and (x, y) != ports[0] for x, y in ends), words.text
        count += 1
    return count


def test_the_whole_sheet_has_every_state_and_every_edge_as_often_as_the_yaml() -> None:
    read = Sheet(drawn()["road-map.svg"])
    assert read.boxes.keys() == {f"{name}.{key}" for name, machine in MACHINES for key in machine.states} | CLOCKS.rungs.keys()
    wanted = Counter((f"{name}.{edge.message}", start, edge.to) for name, machine in MACHINES for edge in machine.edges for start in edge.from_)
    assert edges_of(read) == wanted
    assert check_wires(read) == sum(count for (_, start, to), count in wanted.items() if to not in (SAME, start))


def test_the_whole_sheet_names_in_each_box_its_holder_and_clocks_and_in_the_ladder_every_clock() -> None:
    read = Sheet(drawn()["road-map.svg"])
    told: dict[str | None, list[str]] = {}
    for words in read.words:
        told.setdefault(read.box_of(words), []).append(words.text)
    for name, machine in MACHINES:
        for key, state in machine.states.items():
            said = told[f"{name}.{key}"]
            assert said[:2] == [state.zh, key]
            assert ("终结" in said) == state.end
            assert ("起点" in said) == (key == machine.start)
            assert state.end or f"在谁手里：{HOLDER_ZH[state.holder or '']}" in said
            assert all(CLOCKS.clocks[clock].zh in said for clock in state.clocks)
    ladder = Counter(words.data["clock"] for words in read.words if "clock" in words.data and read.box_of(words) is None)
    assert ladder == Counter(CLOCKS.clocks.keys())


@pytest.mark.parametrize("name", [name for name in drawn() if name.endswith(".svg")])
def test_every_sheet_can_be_read(name: str) -> None:
    read = Sheet(drawn()[name])
    assert faults(read) == []
    # A3, upright or broad; on it the letters of acts and tables (12.5 units) are at least 4.5 points high.
    wide, tall = read.paper.right, read.paper.bottom
    assert max(wide, tall) / min(wide, tall) == pytest.approx(420 / 297, rel=0.01)
    assert 12.5 * 420 / max(wide, tall) / 25.4 * 72 > 4.5


@pytest.mark.parametrize("branch", BRANCHES)
def test_a_branch_shows_the_states_and_edges_that_can_occur_in_it(branch: str) -> None:
    read = Sheet(drawn()[f"branches/{branch}.svg"])
    road = next(Road(HOUSE, each) for each in BRANCHES if each == branch)
    assert read.boxes.keys() == {f"{name}.{key}" for name, machine in MACHINES for key in machine.states if key in road.states[name]}
    wanted = Counter(
        (f"{name}.{edge.message}", start, edge.to) for name, machine in MACHINES for edge in machine.edges if road.occurs(edge) for start in edge.from_ if start in road.states[name]
    )
    assert edges_of(read) == wanted
    check_wires(read)


# Random maps: whatever an operator draws, the sheet stays readable.
KEYS = "ABCDEFGHIJ"


@st.composite
def maps(draw: st.DrawFn) -> tuple[list[Node], int]:
    keys = KEYS[: draw(st.integers(1, len(KEYS)))]
    nodes = []
    for key in keys:
        goes = draw(st.lists(st.one_of(st.none(), st.sampled_from(keys)), max_size=7))
        words = draw(st.sampled_from(["步", "转送给承办单位", "handoff.something", "一步 step（长），说明"]))
        rows = tuple(
            Row((Cell(words, data={"edge": f"m.{i}", "from": key, "to": to or SAME}),), None if to == key else to) for i, to in enumerate(goes)
        )
        nodes.append(Node(key, (Row((Cell(key),)),) * draw(st.integers(1, 2)), rows, "#fff", "#000", data={"state": f"m.{key}"}))
    return nodes, draw(st.integers(1, 5))


@settings(max_examples=80, deadline=None)
@given(maps())
def test_any_map_can_be_drawn(made: tuple[list[Node], int]) -> None:
    nodes, count = made
    ends = frozenset(node.key for node in nodes[1:] if not node.targets)
    text = sheet("图", "说明", [block("一", lay_out(columns(nodes, nodes[0].key, ends, count)))])
    read = Sheet(text)
    assert read.boxes.keys() == {f"m.{node.key}" for node in nodes}
    assert faults(read) == []
    assert check_wires(read) == sum(row.goes is not None for node in nodes for row in node.rows)
