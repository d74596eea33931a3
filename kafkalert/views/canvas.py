"""A grid of characters with a style each, on which pictures are drawn: what lies outside of it is cut."""

from collections.abc import Iterator, Sequence
from itertools import groupby, pairwise
from typing import Final

from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style

from kafkalert.model.printable import escaped

_STYLES: dict[str, Style] = {"": Style.null()}
_FILLER: Final = ""
"""The second cell of a character that is two cells wide."""
_BLOCKS: Final = " ▁▂▃▄▅▆▇█"


def style_of(name: str) -> Style:
    """Return a style by its words, which are colours of the terminal's own sixteen, bold, dim and reverse."""
    if name not in _STYLES:
        _STYLES[name] = Style.parse(name)
    return _STYLES[name]


class Canvas:
    """So many columns and rows. Text is made printable before it is put."""

    def __init__(self, width: int, height: int) -> None:
        self.width, self.height = max(0, width), max(0, height)
        self._cells = [[(" ", "")] * self.width for _ in range(self.height)]

    def put(self, x: int, y: int, text: str, style: str = "") -> int:
        """Write `text` from column `x` of row `y` on; returns the column behind it, cut or not."""
        if not 0 <= y < self.height:
            return x + len(text)
        row, width = self._cells[y], self.width
        if text.isascii() and text.isprintable():
            for place, character in enumerate(text[: max(0, width - x)], x):
                if place >= 0:
                    row[place] = (character, style)
            return x + len(text)
        for character in escaped(text):
            size = cell_len(character)
            if size and x >= 0 and x + size <= width:
                row[x] = (character, style)
                if size == 2:  # noqa: PLR2004 - as wide as characters get
                    row[x + 1] = (_FILLER, style)
            x += size
        return x

    def put_right(self, right: int, y: int, text: str, style: str = "") -> None:
        """Write `text` so that it ends before column `right`."""
        self.put(right - cell_len(text), y, text, style)

    def fill(self, y: int, style: str) -> None:
        """Give a whole row a style, behind what stands there."""
        if 0 <= y < self.height:
            self._cells[y] = [(character, f"{own} {style}".strip()) for character, own in self._cells[y]]

    def line(self, y: int) -> list[Segment]:
        """Return one row as runs of equal style."""
        return [
            Segment("".join(character for character, _ in cells), style_of(style))
            for style, cells in groupby(self._cells[y], key=lambda cell: cell[1])
        ]

    def lines(self) -> Iterator[list[Segment]]:
        """Yield every row."""
        for y in range(self.height):
            yield self.line(y)

    def row_key(self, y: int) -> Sequence[tuple[str, str]]:
        """Return what a row shows, to be compared: rows that are equal need not be drawn again."""
        return self._cells[y]

    def plain(self) -> str:
        """Return all of it without styles."""
        rows = ("".join(character for character, _ in row).rstrip() for row in self._cells)
        return "\n".join(rows)


def sparkline(numbers: Sequence[float | None], width: int, top: float | None = None) -> str:
    """Return numbers as blocks, the newest at the right; blank where there is none. Each block is the most of its part.

    `top`: what a full block stands for; by default the largest of the numbers.
    """
    if width <= 0:
        return ""
    bounds = [place * len(numbers) // width for place in range(width + 1)]
    parts = [numbers[begin : max(begin + 1, end)] for begin, end in pairwise(bounds)]
    tops = [max((number for number in part if number is not None), default=None) for part in parts]
    most = top or max((number for number in tops if number is not None), default=0.0)
    return "".join(_block(number, most) for number in tops)


def _block(number: float | None, most: float) -> str:
    if number is None:
        return " "
    if most <= 0:
        return _BLOCKS[1]
    return _BLOCKS[min(8, max(1, round(8 * number / most)))]


def folded(text: str, width: int, rows: int) -> list[str]:
    """Return `text` in lines of at most `width`, broken between words, at most `rows`; what is left out ends in `…`."""
    lines: list[str] = []
    for word in text.split():
        if lines and len(lines[-1]) + 1 + len(word) <= width:
            lines[-1] += f" {word}"
        else:
            lines.append(word[:width])
    if len(lines) > rows:
        lines = [*lines[: rows - 1], f"{lines[rows - 1][: max(0, width - 1)]}…"]
    return lines
