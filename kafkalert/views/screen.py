"""Tables, colours and moving pictures on a terminal: the one console, through which only printable text passes."""

import sys
from collections.abc import Iterable
from typing import TextIO

from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment
from rich.text import Text

from kafkalert.model.printable import escaped
from kafkalert.views import terminal

WIDE = 1_000
"""Columns of what is no terminal: nothing is cut or folded there."""


class Screen(Console):
    """A terminal, or what stands in for it: a file or a pipe gets neither colour nor folded lines.

    Whether it is a terminal is asked of the stream alone, so FORCE_COLOR brings no colour into a file. Text is never
    read as markup, and no control character passes. NO_COLOR takes bold and dim away, too.
    """

    def __init__(self, *, stderr: bool = False) -> None:
        stream: TextIO = sys.stderr if stderr else sys.stdout
        live = stream.isatty()
        super().__init__(
            file=stream,
            force_terminal=live,
            width=None if live else WIDE,
            no_color=None if live else True,
            highlight=False,
            markup=False,
            emoji=False,
        )

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterable[Segment]:
        """Return what a picture consists of, made harmless."""
        for segment in super().render(renderable, options):
            if segment.control:
                yield segment
            else:
                text = "\n".join(map(escaped, segment.text.split("\n")))
                yield Segment(text, None if self.no_color else segment.style)

    def say(self, *sentences: Text) -> None:
        """Print `sentences`, folded between words; one with a command in it stays whole, so that it can be copied."""
        for sentence in sentences:
            self.print(sentence, soft_wrap="`" in sentence.plain or not self.is_terminal)

    def show(self, *pictures: RenderableType) -> None:
        """Print `pictures`, one below the other; off a terminal no line ends with blanks."""
        if self.is_terminal:
            for picture in pictures:
                self.print(picture)
            return
        with self.capture() as captured:
            for picture in pictures:
                self.print(picture, soft_wrap=True)
        lines = "".join(f"{line.rstrip()}\n" for line in captured.get().splitlines())
        if self.stderr or self.file is sys.stderr:
            self.file.write(lines)
        else:
            terminal.write(lines)
