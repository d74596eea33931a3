"""Questions before something is changed: what will be done, the equal command, why, and what has to be typed."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Input, Label, Static


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked. `typed`: what has to be typed before anything happens; empty where enter is enough."""

    title: str
    lines: Sequence[str]
    command: Sequence[str]
    typed: str = ""
    reason: bool = True


class Ask(ModalScreen[str | None]):
    """Asks; ends with the reason that was given, or None where it was left."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "leave", "leave", priority=True)]
    DEFAULT_CSS = """
    Ask { align: center middle; background: transparent; }
    Ask Vertical {
        width: 76; max-width: 95%; height: auto; border: round ansi_yellow; padding: 0 1; background: ansi_default;
    }
    Ask Label { text-style: bold; }
    Ask Input { border: none; height: 1; background: ansi_default; }
    Ask .wrong { color: ansi_red; text-style: bold; }
    """

    def __init__(self, question: Question) -> None:
        super().__init__()
        self._question = question
        self._is_left = False

    def compose(self) -> ComposeResult:
        """Yield the question."""
        asked = self._question
        with Vertical():
            yield Label(asked.title, markup=False)
            for line in asked.lines:
                yield Static(line, markup=False)
            yield Static("")
            if asked.command:
                yield Static(f"The same on the command line:\n  {' '.join(asked.command)}", markup=False)
                yield Static("")
            if asked.reason:
                yield Static("Why? It is kept in the control log; no personal data.", markup=False)
                yield Input(id="reason", placeholder="reason", compact=True)
            if asked.typed:
                yield Static(f"Type {asked.typed} to go on.", markup=False)
                yield Input(id="typed", placeholder=asked.typed, compact=True)
            yield Static("", id="wrong", classes="wrong", markup=False)
            yield Static("enter goes on · esc leaves everything as it is", markup=False)

    def on_mount(self) -> None:
        """Wait for the first answer."""
        inputs = list(self.query(Input))
        (inputs[0] if inputs else self).focus()

    def on_input_submitted(self) -> None:
        """Go on where all is typed."""
        self.action_go_on()

    def key_enter(self) -> None:
        """Go on where there is nothing to type."""
        if not self.query(Input):
            self.action_go_on()

    def action_go_on(self) -> None:
        """End with the reason, once what has to be typed is."""
        typed = self.query("#typed")
        if typed and self.query_one("#typed", Input).value != self._question.typed:
            self.query_one("#wrong", Static).update(f"That is not {self._question.typed}.")
            self.query_one("#typed", Input).focus()
            return
        self._leave(self.query_one("#reason", Input).value.strip() if self._question.reason else "")

    def action_leave(self) -> None:
        """Leave everything as it is."""
        self._leave(None)

    def _leave(self, answer: str | None) -> None:
        """End once: a second enter may be under way already."""
        if not self._is_left:
            self._is_left = True
            self.dismiss(answer)
