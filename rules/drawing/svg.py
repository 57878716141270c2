"""A sheet of SVG: shapes and lines of text, written in the order in which they are drawn. The same calls give the same bytes."""

from __future__ import annotations

from xml.sax.saxutils import escape, quoteattr

FONT = "'Noto Sans CJK SC','Source Han Sans SC','PingFang SC','Microsoft YaHei','SimHei',sans-serif"


def number(value: float) -> str:
    """A coordinate, two decimals at most: 12, 12.5."""
    return f"{value:.2f}".rstrip("0").rstrip(".")


class Canvas:
    """Collects elements. Units are those of the view box; text is placed by its baseline."""

    def __init__(self) -> None:
        self._under: list[str] = []
        self._over: list[str] = []

    def rect(self, x: float, y: float, width: float, height: float, fill: str, stroke: str = "none", *, radius: float = 0, line: float = 1, dash: str = "", **data: str) -> None:
        """A rectangle. `data`: attributes `data-…` for whoever reads the file."""
        self._over.append(
            f'<rect x="{number(x)}" y="{number(y)}" width="{number(width)}" height="{number(height)}" fill="{fill}" stroke="{stroke}"'
            + (f' stroke-width="{number(line)}"' if stroke != "none" else "") + (f' rx="{number(radius)}"' if radius else "")
            + (f' stroke-dasharray="{dash}"' if dash else "") + _data(data) + "/>"
        )

    def text(self, x: float, y: float, words: str, size: float, fill: str = "#1f2328", *, bold: bool = False, **data: str) -> None:
        """One line of text from x on, baseline y."""
        self._over.append(f'<text x="{number(x)}" y="{number(y)}" font-size="{number(size)}" fill="{fill}"' + (' font-weight="700"' if bold else "")
                          + _data(data) + f">{escape(words)}</text>")

    def wire(self, points: list[tuple[float, float]], colour: str, *, line: float = 1.6, head: bool = False, **data: str) -> None:
        """A line through the points, beneath everything; `head`: with an arrow head at its end, in the direction of its last stretch."""
        path = "M" + " L".join(f"{number(x)} {number(y)}" for x, y in points)
        self._under.append(f'<path d="{path}" fill="none" stroke="{colour}" stroke-width="{number(line)}" stroke-linejoin="round"{_data(data)}/>')
        if head:
            (x0, _), (x, y) = points[-2], points[-1]
            back = -7 if x > x0 else 7
            self._under.append(f'<path d="M{number(x)} {number(y)} l{back} -4 l0 8 Z" fill="{colour}"/>')

    def dot(self, x: float, y: float, colour: str, radius: float = 2.6) -> None:
        """A dot: a port, or a place where wires join."""
        self._over.append(f'<circle cx="{number(x)}" cy="{number(y)}" r="{number(radius)}" fill="{colour}"/>')

    def document(self, width: float, height: float, title: str, paper: tuple[int, int]) -> str:
        """The whole file, ending in a newline. `paper`: its size in millimetres when printed."""
        head = (f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {number(width)} {number(height)}" width="{paper[0]}mm" height="{paper[1]}mm" '
                f'font-family={quoteattr(FONT)} role="img">')
        return "\n".join([head, f"<title>{escape(title)}</title>", "<!-- 由 tonglu docs 依配置生成，请勿手改。 -->", f'<rect width="{number(width)}" height="{number(height)}" fill="#ffffff"/>',
                          *self._under, *self._over, "</svg>", ""])


def _data(data: dict[str, str]) -> str:
    return "".join(f" data-{name.replace('_', '-')}={quoteattr(value)}" for name, value in data.items())
