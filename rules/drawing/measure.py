"""How wide a text is on paper, without a font at hand: estimates that rather err on the wide side."""

from __future__ import annotations

from collections.abc import Iterator

_NARROW = frozenset("ijlI.,:;'|!()[] ")
_WIDE = frozenset("mwMW@%")
# What may not begin a line in Chinese.
_HELD = frozenset("，。；：、）》】”％·")
# What may not end one.
_OPENING = frozenset("（《【“")


def text_width(text: str, size: float) -> float:
    """The width of one line in the unit of `size` (the font's em): one em for every character that is not ASCII, a share of it for Latin ones."""
    return sum(map(_ems, text)) * size


def _ems(sign: str) -> float:
    if not sign.isascii():
        return 1.0
    if sign in _NARROW:
        return 0.36
    if sign in _WIDE:
        return 0.95
    return 0.72 if sign.isupper() else 0.6


def wrap(text: str, size: float, width: float) -> tuple[str, ...]:
    """The text in lines no wider than `width`. Chinese breaks anywhere but before closing and after opening punctuation; Latin words and numbers stay whole where they fit."""
    lines: list[str] = []
    line = ""
    for piece in _pieces(text, size, width):
        if line and text_width(line + piece.rstrip(" "), size) > width:
            lines.append(line.rstrip(" "))
            line = piece.lstrip(" ")
        else:
            line += piece
    return (*lines, line.rstrip(" ")) if line.strip() or not lines else tuple(lines)


def _pieces(text: str, size: float, width: float) -> Iterator[str]:
    """The text cut where a line may break."""
    piece = ""
    for sign in text:
        together = sign in _HELD or piece[-1:] in _OPENING or (sign.isascii() and sign != " " and piece[-1:].isascii() and piece[-1:] != " ")
        if piece and (not together or text_width(piece + sign, size) > width):
            yield piece
            piece = ""
        piece += sign
    if piece:
        yield piece
