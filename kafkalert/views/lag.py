"""How far groups are behind, as people read it: totals by group, then the partitions in which something waits."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta

from rich.console import Group, RenderableType
from rich.live import Live
from rich.text import Text

from kafkalert.config.durations import format_duration
from kafkalert.model.grade import Grade
from kafkalert.ops.lag.movement import Verdict
from kafkalert.ops.lag.picture import GroupLag, PartitionLag, Snapshot
from kafkalert.ops.wording import counted, harmless
from kafkalert.views import terminal
from kafkalert.views.colours import UNKNOWN, cell, graded, style
from kafkalert.views.screen import Screen
from kafkalert.views.table import fitted

_MEASURES = ("records", "lag", "behind", "in/s", "out/s", "caught up in")
GROUP_COLUMNS = ("verdict", "group", "members", *_MEASURES)
COLUMNS = ("verdict", "group", "topic", "partition", *_MEASURES, "trend")
_GROUP_SPARE = ("members", "in/s", "out/s", "caught up in", "lag")
_SPARE = ("trend", "in/s", "out/s", "caught up in", "lag", "group")
_RIGHT = ("members", "partition", *_MEASURES)
_LONGEST = timedelta(days=999)
_NAMED = 5
"""Partitions of which it is said what else there is."""

Tell = Callable[[Snapshot], None]


def show(found: Snapshot) -> None:
    """Write a snapshot to stdout; where nothing waits, a sentence that says so to stderr."""
    screen = Screen()
    for table in _tables(found, screen):
        screen.show(table)
    Screen(stderr=True).say(*_sentences(found))


@contextmanager
def view() -> Iterator[Tell]:
    """Give what shows snapshots as they come: one picture that is drawn anew, or off a terminal a line a change."""
    screen = Screen()
    if not screen.is_terminal:
        yield Lines(terminal.write_all)
        return
    with Live(console=screen, auto_refresh=False, screen=False) as live:

        def draw(found: Snapshot) -> None:
            head = Text(f"{found.at:%Y-%m-%d %H:%M:%S} UTC, cluster {found.cluster}; ctrl-c ends it.", "dim")
            live.update(Group(head, *_tables(found, screen), *_sentences(found)), refresh=True)

        yield draw


class Lines:
    """A line for each group at first, and then for each whose verdict is another one than before."""

    def __init__(self, write: Callable[[list[str]], None]) -> None:
        self._write = write
        self._cluster = ""
        self._told: dict[str, Verdict | str | None] = {}

    def __call__(self, found: Snapshot) -> None:
        """Write what has changed."""
        lines = list(self._changes(found))
        if lines:
            self._write([f"{found.at:%Y-%m-%d %H:%M:%S}  {line}" for line in lines])

    def _changes(self, found: Snapshot) -> Iterator[str]:
        told, self._told = self._told, {one.group: one.verdict for one in found.groups}
        moved, self._cluster = self._cluster not in {"", found.cluster}, found.cluster
        if moved:
            yield f"Stages run on {found.cluster} now."
        if found.problem:
            self._told = {"": found.problem}
            if told.get("") != found.problem:
                yield found.problem
            return
        for one in found.groups:
            if moved or one.group not in told or told[one.group] != one.verdict:
                yield _line(one, found)
        for group in told:
            if group and group not in self._told:
                yield f"{harmless(group)}: it is gone, or reads nothing that is there"


def _line(one: GroupLag, found: Snapshot) -> str:
    """Return a group in a line: how it stands, and where it is worst."""
    said = ["?" if one.verdict is None else one.verdict.value]
    if one.records:
        most = "" if one.counted else "at most "
        said.append(f"{most}{counted(one.records, 'record')} {'waits' if one.records == 1 else 'wait'}")
        said.append(f"{_seconds(one.seconds_behind)} behind")
    else:
        said.append("nothing waits")
    worst = next((each for each in found.partitions if each.group == one.group and each.is_waiting), None)
    if worst is not None:
        said.append(f"most in {worst.topic}[{worst.partition}]" + (f": {worst.why}" if worst.why else ""))
    return f"{harmless(one.group)}: {', '.join(said)}"


def _tables(found: Snapshot, screen: Screen) -> Iterator[RenderableType]:
    if found.groups:
        groups = [[_coloured(one.verdict), cell(one.group), cell(one.members), *_measures(one)] for one in found.groups]
        yield fitted(screen, GROUP_COLUMNS, groups, right=_RIGHT, spare=_GROUP_SPARE)
    waiting = [one for one in found.partitions if one.is_waiting]
    if waiting:
        yield fitted(screen, COLUMNS, [_row(one) for one in waiting], right=_RIGHT, spare=_SPARE)


def _row(one: PartitionLag) -> list[Text]:
    return [
        _coloured(one.verdict),
        cell(one.group),
        cell(one.topic),
        cell(one.partition),
        *_measures(one),
        UNKNOWN if one.trend is None else cell(one.trend),
    ]


def _measures(one: GroupLag | PartitionLag) -> list[Text]:
    lasts = _seconds(one.catch_up_seconds)
    if one.catch_up_seconds is None and one.rate_in is not None:
        lasts = "never"
    return [
        cell(_records(one)),
        UNKNOWN if one.lag is None else cell(f"{one.lag:,}"),
        UNKNOWN if one.seconds_behind is None else cell(_seconds(one.seconds_behind)),
        *(UNKNOWN if rate is None else cell(f"{rate:,.0f}") for rate in (one.rate_in, one.rate_out)),
        UNKNOWN if lasts == "?" else cell(lasts),
    ]


def _sentences(found: Snapshot) -> Iterator[Text]:
    """Yield what tables do not say."""
    if found.problem:
        yield Text(found.problem, style(Grade.BAD))
    elif not found.groups:
        yield Text("No group reads a topic that is there.")
    elif not any(one.is_waiting for one in found.partitions):
        yield Text("Nothing waits.")
    told = [one for one in found.partitions if one.is_waiting and one.why]
    for one in told[:_NAMED]:
        yield Text(f"{one.topic}[{one.partition}] for {harmless(one.group)}: {one.why}.")
    if len(told) > _NAMED:
        yield Text(f"There is more to say of {counted(len(told) - _NAMED, 'other partition')}: see `-o json`.")
    empty = [one for one in found.partitions if one.counted and not one.gone and (one.lag or 0) > one.records]
    if empty:
        offsets = sum((one.lag or 0) - one.records for one in empty)
        yield Text(
            f"The lag counts {counted(offsets, 'offset')} without a record, as Kafka's own tool does: transaction "
            "markers, aborted records, and what was compacted away."
        )


def _records(one: GroupLag | PartitionLag) -> str:
    """How many records wait; where they were not counted, offsets say how many at most."""
    return f"{one.records:,}" if one.counted or not one.records else f"<= {one.records:,}"


def _seconds(value: float | None) -> str:
    if value is None:
        return "?"
    whole = timedelta(seconds=round(value)) if value >= 1 else timedelta(milliseconds=round(value * 1000))
    return format_duration(whole) if whole < _LONGEST else "> 999d"


def _coloured(verdict: Verdict | None) -> Text:
    return UNKNOWN if verdict is None else graded(verdict, verdict.grade)
