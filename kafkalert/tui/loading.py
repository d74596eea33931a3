"""The first picture, before anything heavy is imported: which clusters are asked."""

from typing import Final

from kafkalert.config.sections import Settings
from kafkalert.views.canvas import Canvas

LOOK_SECONDS: Final = 0.25
"""How often the screen looks whether something is new."""


def loading(settings: Settings, width: int, height: int) -> Canvas:
    """Draw the name of the context, and that its clusters are asked."""
    return _framed(settings, width, height, f" ...  Asking {' and '.join(settings.context.clusters)} ...", "dim")


def failed(settings: Settings, width: int, height: int) -> Canvas:
    """Draw that this screen cannot be drawn."""
    return _framed(settings, width, height, " This screen cannot be drawn: a bug.  1 to 7 show others.", "bold red")


def _framed(settings: Settings, width: int, height: int, sentence: str, style: str) -> Canvas:
    canvas = Canvas(width, height)
    context = settings.context
    x = canvas.put(canvas.put(1, 0, "kafkalert", "bold") + 2, 0, context.name, "bold") + 2
    if context.production:
        canvas.put(x, 0, " PRODUCTION ", "bold white on red")
    canvas.put(1, 1, sentence, style)
    canvas.put(0, 3, "─" * width, "red" if context.production else "dim")
    return canvas
