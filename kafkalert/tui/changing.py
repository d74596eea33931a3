"""What the dashboard has done for the operator: asks, and runs the command that does the same by hand."""

from collections.abc import Sequence
from time import monotonic
from typing import TYPE_CHECKING, Final

from textual.app import App
from textual.message import Message

from kafkalert.tui.doing import Doing
from kafkalert.tui.source import Source
from kafkalert.views.pictures.look import FAILOVER, Look

if TYPE_CHECKING:
    from kafkalert.tui.dialogs import Question

NOTE_SECONDS: Final = 6.0
"""For so long a sentence stands in the line above the last."""
Lines = Sequence[tuple[str, str]]
"""Text with a style each."""


class Changing(App[None]):
    """An application that has commands run, one at a time."""

    class Told(Message):
        """There is something to be said, which a screen draws."""

    def __init__(self, source: Source, look: Look) -> None:
        super().__init__(ansi_color=True)
        self.source = source
        self._look_at = look
        self._note = ("", 0.0)
        self._doing: Doing | None = None

    @property
    def on_screen(self) -> str:
        """Which screen is shown."""
        return self._look_at.screen

    def tell(self, text: str) -> None:
        """Say something in the line above the last, for some seconds."""
        self._note = (text, monotonic() + NOTE_SECONDS)
        self.post_message(self.Told())

    def going_on(self) -> str:
        """Return what the command that runs said last; empty where none does."""
        doing = self._doing
        if doing is None:
            return ""
        return f"{' '.join(doing.told)} ... {doing.lines[-1] if doing.lines else ''}".rstrip()

    def report(self) -> Lines | None:
        """Return what a command said that has just ended; None where there is nothing to report."""
        doing = self._doing
        if doing is None or doing.status is None:
            return None
        self._doing = None
        if doing.status == 0 and not doing.whole:
            self.tell(f"Done: {' '.join(doing.told)}")
            return None
        ended = "It is done." if doing.status == 0 else f"It ended with status {doing.status}."
        return [
            (f"$ {' '.join(doing.told)}", "bold"),
            *((line, "") for line in list(doing.lines)[-40:]),
            (f"{ended} esc goes back.", "bold green" if doing.status == 0 else "bold red"),
        ]

    def action_switch(self, forced: bool) -> None:
        """Ask, and move all stages to the other cluster."""
        from kafkalert.tui.moving import refusal, switch_question  # noqa: PLC0415 - behind the first paint

        snapshot = self.source.newest
        if snapshot is None:
            return
        if self.on_screen != FAILOVER:
            self.tell("6 shows what a move costs; f moves from there.")
        elif why := self._busy() or refusal(snapshot, forced=forced):
            self.tell(why)
        else:
            self._ask(*switch_question(snapshot, forced=forced))

    def _ask(self, question: "Question", command: Sequence[str]) -> None:
        from kafkalert.tui.dialogs import Ask  # noqa: PLC0415 - when first needed

        def answered(reason: str | None) -> None:
            if reason is not None and (why := self._busy()):
                self.tell(why)
            elif reason is not None:
                self._run([*command, *(["--reason", reason] if reason else [])])

        self.push_screen(Ask(question), answered)

    def action_dry_run(self) -> None:
        """Have a switch make all its checks, and change nothing."""
        from kafkalert.tui.moving import dry_run_command  # noqa: PLC0415 - behind the first paint

        snapshot = self.source.newest
        if snapshot is None or self.on_screen != FAILOVER:
            return
        command = dry_run_command(snapshot)
        if why := self._busy() or ("" if command else "There is no other cluster."):
            self.tell(why)
        else:
            self._run(command, whole=True)

    def action_call_off(self) -> None:
        """Call off the switch that is under way: one's own as ctrl-c does, that of somebody else by the command.

        What was ordered here ends by it at once, whether anybody has seen it begin or not.
        """
        from kafkalert.tui.moving import cancel_question, cancel_refusal  # noqa: PLC0415 - behind the first paint

        snapshot = self.source.newest
        if snapshot is None:
            return
        if self.on_screen != FAILOVER:
            self.tell("6 shows a switch; c calls it off from there.")
        elif self._doing is not None:
            self._doing.interrupt()
            self.tell(f"Called off: {' '.join(self._doing.told)}")
        elif why := cancel_refusal(snapshot):
            self.tell(why)
        else:
            self._ask(*cancel_question(snapshot))

    def _busy(self) -> str:
        return "" if self._doing is None else "Another command is still running."

    def _run(self, arguments: Sequence[str], *, whole: bool = False) -> None:
        """Have a command run; `whole`: what it says is wanted also where all goes well."""
        self._doing = Doing(self.source.common, arguments, whole=whole)
        self.tell(f"Running: {' '.join(self._doing.told)}")

    def action_end(self) -> None:
        """End; a command of one's own that still runs would be called off by it, so that is asked first."""
        if self._doing is None or self._doing.status is not None:
            self.exit()
            return
        from kafkalert.tui.dialogs import Ask, Question  # noqa: PLC0415 - when first needed

        lines = ["This is still running, and would be called off:", f"  {' '.join(self._doing.told)}"]
        question = Question("End now?", lines, (), reason=False)
        self.push_screen(Ask(question), lambda answer: self.exit() if answer is not None else None)
