"""How the demo looks while it runs: live on a terminal, a line now and then elsewhere; always on stderr."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Protocol

from rich.console import Group, RenderableType
from rich.live import Live
from rich.panel import Panel
from rich.progress_bar import ProgressBar
from rich.spinner import Spinner
from rich.table import Table
from rich.text import Text

from kafkalert.sandbox.demo import Snapshot
from kafkalert.views import terminal
from kafkalert.views.screen import Screen

LINE_SECONDS = 5.0
ALERTS, BOOKINGS = 7, 3
BAR = 28
_STYLES = {"email": "cyan", "sms": "green", "push": "magenta"}
_NAMES = {"email": "e-mail", "sms": "SMS", "push": "push message"}


class View(Protocol):
    """Shows the demo."""

    def bank(self, households: int, accounts: int, customers: int) -> None:
        """Say how large the bank is."""
        ...

    def tell(self, what: str) -> None:
        """Say what is being prepared."""
        ...

    def show(self, snapshot: Snapshot) -> None:
        """Say how it stands."""
        ...


@contextmanager
def view() -> Iterator[View]:
    """Give the view that suits stderr."""
    console = Screen(stderr=True)
    if not console.is_terminal:
        yield Lines(terminal.say)
        return
    with Live(console=console, auto_refresh=True, refresh_per_second=8, transient=False) as live:
        yield Picture(live)


class Lines:
    """A line for each step, and one every few seconds."""

    def __init__(self, say: Callable[[str], None]) -> None:
        self._say = say
        self._told = ""
        self._next = 0.0

    def bank(self, households: int, accounts: int, customers: int) -> None:
        """Say how large the bank is."""
        self._say(f"A simulated bank: {households} households, {accounts} accounts, {customers} customers.")

    def tell(self, what: str) -> None:
        """Say what is being prepared; the parts of a step are left out."""
        step = what.partition(":")[0]
        if step != self._told:
            self._told = step
            self._say(f"{what} ...")

    def show(self, snapshot: Snapshot) -> None:
        """Say how it stands, if it is time again."""
        if snapshot.seconds >= self._next or snapshot.phase == "done":
            self._next = snapshot.seconds + LINE_SECONDS
            self._say(sentence(snapshot))


def sentence(snapshot: Snapshot) -> str:
    """How it stands, in a line."""
    channels = ", ".join(f"{_NAMES[channel]} {count:,}" for channel, count in snapshot.arrived.items())
    latency = "" if snapshot.p50_ms is None else f"; p50 {snapshot.p50_ms} ms, p99 {snapshot.p99_ms} ms"
    arrived = sum(snapshot.arrived.values())
    return f"{snapshot.seconds:4.0f} s: {snapshot.bookings:,} bookings, {arrived:,} alerts ({channels}){latency}"


class Picture:
    """One picture that is drawn anew."""

    def __init__(self, live: Live) -> None:
        self._live = live
        self._title = "kafkalert demo"
        self._steps: list[str] = []

    def bank(self, households: int, accounts: int, customers: int) -> None:
        """Say how large the bank is."""
        self._title = f"a simulated bank of {households} households, {accounts} accounts, {customers} customers"

    def tell(self, what: str) -> None:
        """Say what is being prepared: the steps so far, the last one in progress."""
        step = what.partition(":")[0]
        if self._steps and self._steps[-1].partition(":")[0] == step:
            self._steps.pop()
        self._steps.append(what)
        done: list[RenderableType] = [Text.assemble(("✓ ", "green"), earlier) for earlier in self._steps[:-1]]
        self._live.update(framed(self._title, Group(*done, Spinner("line", Text(what)))))

    def show(self, snapshot: Snapshot) -> None:
        """Draw how it stands."""
        self._live.update(framed(self._title, picture(snapshot)))


def framed(title: str, inside: RenderableType) -> Panel:
    """Return the picture's frame."""
    return Panel(inside, title=Text(title, "bold"), title_align="left", border_style="dim", padding=(0, 1))


def picture(snapshot: Snapshot) -> RenderableType:
    """How it stands: time, counts, latency, and what came last."""
    return Group(_clock(snapshot), Text(), _counts(snapshot), Text(), *_bookings(snapshot), Text(), *_alerts(snapshot))


def _clock(snapshot: Snapshot) -> RenderableType:
    row = Table.grid(padding=(0, 2))
    day = f"the bank is at {snapshot.day:%a %d %b}" if snapshot.day else ""
    left = max(snapshot.of_seconds - snapshot.seconds, 0)
    waiting = f"waiting for {snapshot.waiting:,} alerts" if snapshot.waiting else "every alert came"
    state = f"{left:.0f} s to go" if snapshot.phase == "bookings" else waiting
    bar = ProgressBar(total=snapshot.of_seconds, completed=snapshot.seconds, width=BAR)
    row.add_row(bar, Text(state), Text(day, "dim", no_wrap=True, overflow="ellipsis"))
    return row


def _counts(snapshot: Snapshot) -> RenderableType:
    grid = Table.grid(padding=(0, 2))
    grid.add_column(width=12)
    grid.add_column(justify="right", width=7)
    grid.add_column()
    rate = snapshot.bookings / snapshot.seconds if snapshot.seconds else 0
    grid.add_row("bookings", Text(f"{snapshot.bookings:,}", "bold"), Text(f"{rate:,.0f} a second", "dim"))
    most = max(*snapshot.arrived.values(), 1)
    for channel, count in snapshot.arrived.items():
        bar = Text("━" * round(BAR * count / most), _STYLES[channel])
        grid.add_row(Text(_NAMES[channel], _STYLES[channel]), Text(f"{count:,}", "bold"), bar)
    if snapshot.p50_ms is not None:
        latency = Text(f"{snapshot.p99_ms} ms for 99 of 100, from booking to alert, lately", "dim")
        grid.add_row("latency", Text(f"{snapshot.p50_ms} ms", "bold"), latency)
    else:
        grid.add_row("latency", "", "")
    return grid


def _bookings(snapshot: Snapshot) -> list[RenderableType]:
    shown = snapshot.last_bookings[-BOOKINGS:]
    lines = [Text(f"  {words}", "dim", no_wrap=True, overflow="ellipsis") for words in shown]
    return [Text("Bookings", "bold"), *lines, *[Text()] * (BOOKINGS - len(shown))]


def _alerts(snapshot: Snapshot) -> list[RenderableType]:
    shown = snapshot.last_alerts[-ALERTS:]
    table = Table.grid(padding=(0, 1), expand=True)
    table.add_column(width=6, justify="right")
    table.add_column(width=5)
    table.add_column(width=17, no_wrap=True, overflow="ellipsis")
    table.add_column(no_wrap=True, overflow="ellipsis", ratio=1)
    for alert in shown:
        channel = Text(alert.channel, _STYLES[alert.channel])
        table.add_row(Text(f"{alert.after_ms} ms", "dim"), channel, Text(alert.address), Text(alert.words))
    for _ in range(ALERTS - len(shown)):
        table.add_row("", "", "", "")
    return [Text("Alerts", "bold"), table]
