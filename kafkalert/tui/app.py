"""The dashboard: looks at the newest snapshot, draws the chosen screen, and follows keys."""

import logging
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from time import monotonic
from typing import TYPE_CHECKING, Any, ClassVar

from textual.app import ComposeResult, SystemCommand
from textual.binding import Binding, BindingType
from textual.screen import Screen
from textual.widgets import Input

from kafkalert.tui.board import Board
from kafkalert.tui.changing import Changing, Lines
from kafkalert.tui.keys import KEYS
from kafkalert.tui.loading import LOOK_SECONDS, failed, loading
from kafkalert.tui.source import Source
from kafkalert.views.pictures.look import ALERTS, CHANGES, DEAD_LETTERS, FAILOVER, HELP, INSTANCES, LAG, SCREENS, Look

if TYPE_CHECKING:
    from kafkalert.ops.overview.snapshot import Snapshot

_LOG = logging.getLogger(__name__)


class Dashboard(Changing):
    """One context, live."""

    CSS = """
    Screen { background: ansi_default; }
    #filter { dock: bottom; height: 1; border: none; background: ansi_default; display: none; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(key.keys, key.action, show=False, priority=key.action == "end") for key in KEYS
    ]
    COMMAND_PALETTE_BINDING = "colon"

    def __init__(self, source: Source, *, still: bool = False, plain: bool = False) -> None:
        super().__init__(source, Look(still=still, plain=plain))
        self._drawn: tuple[object, ...] = ()
        self._detail: Lines = ()
        self._frozen: int | None = None
        self._begun = monotonic()

    def compose(self) -> ComposeResult:
        """Yield the board, and the line in which a filter is written."""
        yield Board()
        yield Input(id="filter", placeholder="show only rows that hold ...", compact=True)

    def on_mount(self) -> None:
        """Begin to look."""
        self.query_one(Board).focus()
        self.set_interval(LOOK_SECONDS, self.look)
        self.call_after_refresh(self.look)

    def on_resize(self) -> None:
        """Draw anew."""
        self._drawn = ()
        self.call_after_refresh(self.look)

    def look(self) -> None:
        """Draw what is new; what cannot be drawn is said, and ends neither this nor a switch that was ordered here."""
        try:
            self._draw()
        except Exception:  # noqa: BLE001 - as above
            _LOG.exception("dashboard")
            board = self.screen_stack[0].query_one(Board)
            board.show(failed(self.source.settings, *board.size))

    def _draw(self) -> None:
        """Draw a snapshot, the time, what a key did, what a command says."""
        board = self.screen_stack[0].query_one(Board)
        width, height = board.size
        snapshot = self.source.newest
        if snapshot is None:
            board.show(loading(self.source.settings, width, height))
            return
        if (report := self.report()) is not None:
            self._detail = report
        shown = self._now(snapshot)
        alerts = shown.screen == ALERTS and not self._detail
        drawn = (snapshot.number, shown, self._detail, self._frozen, alerts and self.source.alerts.total, width, height)
        if drawn == self._drawn:
            return
        self._drawn = drawn
        from kafkalert.tui.alerts import alerts_seen  # noqa: PLC0415 - behind the first paint
        from kafkalert.views.pictures.screens import NO_ALERTS, picture  # noqa: PLC0415 - as above

        seen = alerts_seen(self.source, shown.filter, height, self._frozen) if alerts else NO_ALERTS
        board.show(picture(snapshot, shown, width, height, keys=KEYS, seen=seen, lines=self._detail))

    def _now(self, snapshot: "Snapshot") -> Look:
        """Return how the snapshot is looked at, with what the time adds."""
        now, look = monotonic(), self._look_at
        note, until = self._note
        pace = LOOK_SECONDS if snapshot.moving is not None else 2 * LOOK_SECONDS
        return replace(
            look,
            age=float(int(now - snapshot.made)),
            frame=0 if look.still else int((now - self._begun) / pace),
            note=note if now < until else self.going_on(),
        )

    def on_changing_told(self) -> None:
        """Draw what there is to say."""
        self.look()

    def show_lines(self, lines: Lines) -> None:
        """Show lines instead of the screen, until esc."""
        self._detail = lines
        self.look()

    def _change(self, **changes: Any) -> None:  # noqa: ANN401 - fields of Look
        self._look_at = replace(self._look_at, **changes)
        self.look()

    def action_show(self, place: int) -> None:
        """Show a screen."""
        self._open(SCREENS[place - 1])

    def _open(self, screen: str) -> None:
        self._detail, self._frozen = (), None
        if screen != ALERTS:
            self.source.close_alerts()
        self._look_at = self._look_at.on(screen)
        self.look()

    def action_help(self) -> None:
        """Show all keys."""
        self._open(HELP)

    def action_changes(self) -> None:
        """Show all that changed."""
        self._open(CHANGES)

    async def action_back(self) -> None:
        """Leave what is typed, the detail, the filter, or this screen for the first."""
        entry = self.query_one("#filter", Input)
        if entry.display:
            entry.display = False
            self.query_one(Board).focus()
        elif self._detail:
            self.show_lines(())
        elif self._look_at.filter:
            self._change(filter="")
        elif self.on_screen not in SCREENS:
            self._open(SCREENS[0])

    def action_move(self, rows: int) -> None:
        """Choose another row."""
        self._change(row=max(0, min(len(self._rows()) - 1, self._look_at.row + rows)))

    def action_first(self) -> None:
        """Choose the first row."""
        self._change(row=0)

    def action_last(self) -> None:
        """Choose the last row."""
        self._change(row=max(0, len(self._rows()) - 1))

    def _rows(self) -> Sequence[Any]:
        """Return what the rows of this screen are of."""
        from kafkalert.views.pictures import deadletters, instances, lag  # noqa: PLC0415 - behind the first paint

        snapshot = self.source.newest
        if snapshot is None:
            return ()
        chosen: dict[str, Callable[[Snapshot, Look], Sequence[Any]]] = {
            LAG: lag.chosen,
            INSTANCES: instances.chosen,
            DEAD_LETTERS: deadletters.chosen,
            FAILOVER: lambda snapshot, _: snapshot.switches,
            CHANGES: lambda snapshot, _: snapshot.changes,
        }
        rows = chosen.get(self.on_screen)
        return () if rows is None else rows(snapshot, self._look_at)

    def action_open(self) -> None:
        """Show all about the chosen instance."""
        rows = self._rows()
        if self.on_screen == INSTANCES and rows:
            self.open_instance(rows[min(self._look_at.row, len(rows) - 1)].instance)

    def open_instance(self, name: str) -> None:
        """Show all about an instance."""
        from kafkalert.views.pictures.instances import detail  # noqa: PLC0415 - behind the first paint

        survey = None if self.source.newest is None else self.source.newest.survey
        found = [] if survey is None else [one for one in survey.instances if one.instance == name]
        if found:
            self.show_lines([(line, "") for line in detail(found[0])])

    def action_sort(self) -> None:
        """Sort otherwise."""
        from kafkalert.views.pictures.lag import SORTS  # noqa: PLC0415 - behind the first paint

        if self.on_screen == LAG:
            self._change(sort=(self._look_at.sort + 1) % len(SORTS), row=0)
            self.tell(f"Sorted by {SORTS[self._look_at.sort]}.")

    def action_freeze(self) -> None:
        """Freeze the list of alerts, or follow again."""
        if self.on_screen == ALERTS:
            self._frozen = self.source.alerts.total if self._frozen is None else None
            self.look()

    def action_filter(self) -> None:
        """Ask for what rows have to hold."""
        entry = self.query_one("#filter", Input)
        entry.display = True
        entry.value = self._look_at.filter
        entry.focus()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Filter by what was typed."""
        if event.input.id == "filter":
            event.input.display = False
            self.query_one(Board).focus()
            self._change(filter=event.value.strip(), row=0)

    def action_note(self) -> None:
        """Copy a note for the incident channel, and show it: a terminal may drop what is copied."""
        from kafkalert.views.pictures.note import note  # noqa: PLC0415 - behind the first paint

        if self.source.newest is not None:
            text = note(self.source.newest)
            self.copy_to_clipboard(text)
            head = [("This note was handed to the terminal's clipboard:", "bold"), ("", "")]
            self.show_lines([*head, *((line, "") for line in text.splitlines())])

    def get_system_commands(self, screen: Screen[Any]) -> Iterable[SystemCommand]:
        """Yield what the palette offers: screens and actions, each with the command line that does the same."""
        from kafkalert.tui.palette import offers  # noqa: PLC0415 - when it is opened

        del screen
        for offer in offers(self, self.source.newest):
            yield SystemCommand(offer.title, offer.words, offer.run)
