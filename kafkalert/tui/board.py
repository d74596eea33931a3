"""The widget on which pictures are shown: only rows that have changed are drawn."""

from textual.geometry import Region
from textual.strip import Strip
from textual.widget import Widget

from kafkalert.views.canvas import Canvas


class Board(Widget, can_focus=True):
    """Shows a canvas."""

    DEFAULT_CSS = "Board { width: 1fr; height: 1fr; }"

    def __init__(self) -> None:
        super().__init__()
        self._canvas = Canvas(0, 0)

    def show(self, canvas: Canvas) -> None:
        """Show another picture; rows that are as they were are left alone."""
        before, self._canvas = self._canvas, canvas
        if (before.width, before.height) != (canvas.width, canvas.height):
            self.refresh()
            return
        changed = [y for y in range(canvas.height) if before.row_key(y) != canvas.row_key(y)]
        if changed:
            self.refresh(*(Region(0, y, canvas.width, 1) for y in changed))

    def render_line(self, y: int) -> Strip:
        """Return one row."""
        if y >= self._canvas.height:
            return Strip.blank(self.size.width)
        return Strip(self._canvas.line(y), self._canvas.width)
