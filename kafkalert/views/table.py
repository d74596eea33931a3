"""A table that fits: the essential columns in one line each, others where there is room."""

from collections.abc import Collection, Iterable, Sequence

from rich import box
from rich.cells import cell_len
from rich.table import Table
from rich.text import Text

from kafkalert.views.screen import Screen

ROOM = 24
"""Columns that an inessential text wants at least; it is folded there rather than left out."""
_BETWEEN = 3
"""Columns of a terminal between two of a table, by its box."""

Rows = Sequence[Sequence[Text]]


def fitted(screen: Screen, names: Sequence[str], rows: Rows, *, right: Collection[str], spare: Sequence[str]) -> Table:
    """Return the table of `rows`, whose columns are called `names`, as wide as `screen` at most.

    Args:
        screen: where it is shown; off a terminal nothing is left out.
        names: of the columns.
        rows: their cells.
        right: the columns of numbers.
        spare: the columns that may be left out, the first of them first. The others stay whole if that is possible.
    """
    widths = {name: max([cell_len(name), *(row[place].cell_len for row in rows)]) for place, name in enumerate(names)}
    least = {name: max(min(width, ROOM), cell_len(name)) if name in spare else width for name, width in widths.items()}
    shown = list(names)
    for name in spare:
        if _total(least[column] for column in shown) <= screen.width:
            break
        if name in shown:
            shown.remove(name)
    whole = _total(least[column] for column in shown) <= screen.width
    table = Table(box=box.SIMPLE_HEAD if screen.is_terminal else None, pad_edge=False, header_style="bold")
    for name in shown:
        table.add_column(
            name.replace("_", " "),
            justify="right" if name in right else "left",
            overflow="fold",
            no_wrap=whole and name not in spare,
            min_width=max(map(cell_len, name.replace("_", " ").split()), default=0),
        )
    places = [names.index(name) for name in shown]
    for row in rows:
        table.add_row(*(row[place] for place in places))
    return table


def _total(widths: Iterable[int]) -> int:
    return sum(width + _BETWEEN for width in widths)
