"""A sheet to hang on the wall: title, key, both machines, the ladder, and for one branch what is special to it. A3 on paper."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from config.roadmap import ClocksFile, Edge, RoadMapFile
from rules.drawing.asked import answers
from rules.drawing.diagram import Diagram, lay_out, put
from rules.drawing.ladder import ladder_table
from rules.drawing.layout import columns
from rules.drawing.machines import GREY, LimitText, machine_nodes, whole_limit
from rules.drawing.measure import text_width
from rules.drawing.nodes import ROW, Cell
from rules.drawing.panels import Block, panel
from rules.drawing.phrases import Phrases
from rules.drawing.svg import Canvas
from rules.drawing.words import ARBITER_ZH, HOLDER_GROUND, HOLDER_ZH, WRITER_COLOUR, WRITER_SIGN, WRITER_ZH

EDGE = 40.0
APART = 50.0
_KEY = 1000.0
"""The key of colours and signs needs this width."""
_HEAD = EDGE + 74 + 5 * ROW
"""Where the blocks begin, below title and key."""
A3 = (297, 420)
COLUMNS = 4


def whole_sheet(say: Phrases) -> str:
    """The whole road map."""
    roads, clocks = say.roads, say.house.roads.clocks_file
    blocks = [
        block("一、信访事项：每件事项在哪一步", machine_diagram("petition", roads, clocks, whole_limit)),
        block("二、转送件：事项转出以后，由承办单位和信访部门交替推进", machine_diagram("handoff", roads, clocks, whole_limit)),
        block("三、逾期以后：逐级升到有人负责为止", lay_out(ladder_table(clocks))),
    ]
    rows = [(each.question, each.answer) for each in answers(say)]
    blocks.append(panel("四、常问", (("问", 30), ("答", 100)), rows, max(each[2] for each in blocks)))
    return sheet("路线图", "每个状态恰有一个持有者和一个最近期限；每条线只有一个书写者；逾期逐级升级，最后总有一群人负责。", blocks)


def machine_diagram(name: str, roads: RoadMapFile, clocks: ClocksFile, limit: LimitText, states: Sequence[str] | None = None,
                    occurs: Callable[[Edge], bool] = lambda edge: True) -> Diagram:
    """One machine, or what of it occurs."""
    machine = roads.petition if name == "petition" else roads.handoff
    nodes = machine_nodes("petition" if name == "petition" else "handoff", roads, clocks, limit, states, occurs)
    ends = frozenset(key for key, state in machine.states.items() if state.end)
    return lay_out(columns(nodes, machine.start, ends, COLUMNS))


def block(heading: str, diagram: Diagram) -> Block:
    """A diagram under its heading."""
    return heading, diagram.draw, diagram.width, diagram.height


def sheet(title: str, about: str, left: Sequence[Block], right: Sequence[Block] = (), top: Sequence[Block] = ()) -> str:
    """All blocks on one sheet of A3 proportions, upright or broad as suits them: `top` over the whole width, then two columns side by side."""
    canvas = Canvas()
    wide = max(each[2] for each in left)
    y = _stack(canvas, EDGE, _title(canvas, title, about), top)
    _stack(canvas, EDGE, y, left)
    _stack(canvas, EDGE + wide + APART, y, right)
    width, height, paper = _paper(left, right, top, 2 * EDGE + text_width(about, 14))
    return canvas.document(width, height, title, paper)


def paper_width(left: Sequence[Block], right: Sequence[Block], top: Sequence[Block]) -> float:
    """The longer side of the paper, in units of the sheet: the less, the larger the letters in print."""
    return max(_paper(left, right, top)[:2])


def _paper(left: Sequence[Block], right: Sequence[Block], top: Sequence[Block], least: float = 0) -> tuple[float, float, tuple[int, int]]:
    """Width and height of the sheet, and the paper in millimetres."""
    blocks = max(each[2] for each in left) + (APART + max(each[2] for each in right) if right else 0)
    whole = max(2 * EDGE + blocks, least, _KEY)
    tall = _HEAD + _height(top) + max(_height(left), _height(right)) + EDGE - 2 * ROW
    paper = A3 if tall > whole else (A3[1], A3[0])
    width = max(whole, tall * paper[0] / paper[1])
    return width, width * paper[1] / paper[0], paper


def _height(blocks: Sequence[Block]) -> float:
    return sum(each[3] + 4.1 * ROW for each in blocks)


def _title(canvas: Canvas, title: str, about: str) -> float:
    y = EDGE + 16
    put(canvas, EDGE, y, Cell(title, 34, bold=True))
    y += 34
    put(canvas, EDGE, y, Cell(about, 14, GREY))
    y += 24
    _key(canvas, EDGE, y)
    return _HEAD


def _stack(canvas: Canvas, x: float, y: float, blocks: Sequence[Block]) -> float:
    for heading, draw, _, height in blocks:
        put(canvas, x, y, Cell(heading, 20, bold=True))
        y += 1.6 * ROW
        draw(canvas, x, y)
        y += height + 2.5 * ROW
    return y


def _key(canvas: Canvas, x: float, y: float) -> None:
    for cell in [Cell("框的底色＝在谁手里：", 12, GREY)]:
        put(canvas, x, y, cell)
        x += cell.width
    for holder, colour in HOLDER_GROUND.items():
        canvas.rect(x, y - 7, 18, 14, colour, "#8c959f")
        word = Cell(HOLDER_ZH[holder], 12)
        put(canvas, x + 22, y, word)
        x += 34 + word.width
    x = EDGE
    y += 1.5 * ROW
    words = [Cell("行首方块＝谁来写这一步：", 12, GREY)]
    for writer in WRITER_SIGN:
        words += [Cell(WRITER_SIGN[writer], 11, WRITER_COLOUR[writer], chip=True), Cell(f"{WRITER_ZH[writer]}　", 12)]
    words += [Cell("粗框＝起点或终结；“限”＝在此运行的期限；同色的线通向同一状态。", 12, GREY)]
    for cell in words:
        put(canvas, x, y, cell)
        x += cell.width
    put(canvas, EDGE, y + 1.5 * ROW, Cell(ARBITER_ZH, 12, GREY))
