"""What the palette offers: screens, instances, and actions, each with the command line that does the same."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Final

from textual.markup import escape

from kafkalert.ops.overview.snapshot import Snapshot
from kafkalert.ops.wording import harmless
from kafkalert.views.pictures.look import SCREENS

if TYPE_CHECKING:
    from kafkalert.tui.app import Dashboard


@dataclass(frozen=True, slots=True)
class Offer:
    """One line: what it is, what there is to say of it, and what it does."""

    title: str
    words: str
    run: Callable[[], object]


_QUESTIONS: Final = (
    ("does it flow?", "status"),
    ("where does it stick, and until when?", "lag"),
    ("what goes out?", "tail -f"),
    ("who does not do its part?", "failover"),
    ("what was refused?", "dlq list"),
    ("what happens if I move now?", "failover --to NAME --dry-run"),
    ("does everything cross?", "mirror status"),
)


def offers(app: "Dashboard", snapshot: Snapshot | None) -> Iterator[Offer]:
    """Yield them."""
    for place, (name, (asks, command)) in enumerate(zip(SCREENS, _QUESTIONS, strict=True), 1):
        yield Offer(name, f"{asks}  ·  kafkalert {command}", partial(app.action_show, place))
    yield Offer("Call off the switch", "that is under way  ·  kafkalert failover cancel", app.action_call_off)
    yield Offer("What changed", "since this began", app.action_changes)
    yield Offer("Copy a note", "for the incident channel, without anything about a person", app.action_note)
    yield Offer("Keys", "all of them, and what the marks mean", app.action_help)
    yield Offer("End", "the dashboard", app.action_end)
    for one in snapshot.survey.instances if snapshot is not None and snapshot.survey is not None else ():
        words = harmless(f"{one.presence} on {one.cluster}: {one.state}")
        title = harmless(f"{one.stage} {one.instance}")
        yield Offer(escape(title), escape(words), partial(app.open_instance, one.instance))
