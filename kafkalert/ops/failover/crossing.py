"""What a planned switch asks of the ledger: has all crossed that must, and where does each group go on."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from itertools import islice
from typing import Any, Final, Self

from kafkalert.bus import flow, place
from kafkalert.bus.connect import Connect
from kafkalert.bus.control.state import View
from kafkalert.bus.marks import ORIGIN_HEADER, Partition
from kafkalert.bus.transactions import tool
from kafkalert.config import names
from kafkalert.config.sections import Settings
from kafkalert.engine.clock import Clock
from kafkalert.engine.skipping import Ranges, ranges, within
from kafkalert.engine.unread import UnreadError, gaps
from kafkalert.errors import KafkalertError, RefusedError
from kafkalert.ops.failover.cut import Cut, NotCrossed
from kafkalert.ops.failover.evidence import topics_of
from kafkalert.ops.failover.ledger import Ledger
from kafkalert.ops.failover.natives import Uncrossed
from kafkalert.ops.failover.side import MOST
from kafkalert.ops.wording import counted

READ_SECONDS: Final = 120.0
"""How long reading the backlog of both clusters may take, while everything still runs."""
CUT_SECONDS: Final = 10.0
_STEP_SECONDS: Final = 0.2
_WORKER_SECONDS: Final = 2.0
_ASK_SECONDS: Final = 1.0
Committed = Mapping[str, Mapping[Partition, int]]


class Crossing:
    """Follows both clusters while stages still work, so that little is left to read once they stand still."""

    def __init__(self, settings: Settings, view: View, source: str, target: str, clock: Clock) -> None:
        self._settings = settings
        self._source, self._target = source, target
        self._clock = clock
        here, there = (topics_of(settings.clusters[name]) for name in (source, target))
        self._ledger = Ledger(
            settings.clusters[source],
            settings.clusters[target],
            [topic for topic in flow.topics(settings) if topic in here and topic in there],
            crossed={
                source: _crossed(settings, view, source, target),
                target: _crossed(settings, view, target, source),
            },
            compacted=[settings.topic(name) for name in (names.ACCOUNTTOCUSTOMERIDS, names.CUSTOMERALERTSETTINGS)],
        )
        self._ends: dict[str, dict[Partition, int]] = {}
        self._obstacle, self._ask_at = "", float("inf")
        # What the switch to the source had groups skip there; they may not have come so far yet.
        self._arrived = view.commit.detail if view.commit is not None and view.commit.target == source else {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._ledger.close()

    def begin(self, committed: Committed) -> list[str]:
        """Begin to read both clusters, and return what is assumed, in sentences.

        `committed` is what groups have committed on the source. Raises UnreachableError, ConfigError, and RefusedError
        where records are gone that a group has yet to read.
        """
        self._ledger.start(committed)
        self._check_unread(committed, RefusedError)
        return [
            *(f"not verified: records of {name} before the last {MOST:,}" for name in sorted(self._ledger.assumed)),
            *(text for name in (self._source, self._target) for text in self._open(name)),
        ]

    def _open(self, name: str) -> Iterator[str]:
        """A sentence for each partition of a cluster in which somebody's transaction is open."""
        for one, (stable, end) in sorted(self._ledger.side(name).open_transactions().items()):
            yield (
                f"a transaction of another program is open in {_named(one)} on {name}, since offset {stable}: "
                f"{counted(end - stable, 'record')} wait there until it ends "
                f"({tool(self._settings.clusters[name], *one, stable)})"
            )

    def await_read(self, note: Callable[[str], None]) -> int:
        """Wait until both are read to their ends of the beginning; how many records that were.

        `note` is told how it goes on. Raises KafkalertError where that takes longer than READ_SECONDS.
        """
        give_up = self._clock.monotonic() + READ_SECONDS
        while not self._ledger.await_ready(_STEP_SECONDS):
            progress = self._ledger.progress()
            note(f"{counted(progress.read, 'record')} read, {progress.left:,} to go")
            if self._clock.monotonic() > give_up:
                raise KafkalertError(
                    f"Both clusters could not be read within {READ_SECONDS:g} s; "
                    f"{counted(progress.left, 'record')} left.",
                    hint="Nothing was changed. Wait until groups and mirror are less far behind.",
                )
        return self._ledger.progress().read

    def behind(self) -> int:
        """How many records had not crossed, from either cluster, as far as they were read."""
        lacking = [*self._ledger.uncrossed(self._source).values(), *self._ledger.uncrossed(self._target).values()]
        return _count(lacking)

    def stopped(self) -> None:
        """Nobody of ours writes to the old cluster any more: what lies before its ends of now has to cross.

        Also what lies behind a transaction that is open there: the mirror carries it once that has ended. If it crossed
        after the switch, newer entries of the same account would have been processed before it.
        """
        self._ask_at = self._clock.monotonic() + _ASK_SECONDS
        ends = self._ledger.side(self._source).high_watermarks()
        self._ends = {self._source: ends, self._target: self._ledger.ends(self._target)}

    def left(self) -> int:
        """How many records must still cross."""
        return _count(self._ledger.uncrossed(self._source, self._ends[self._source]).values())

    def obstacle(self) -> str:
        """What keeps them from crossing, where that is an open transaction; empty in the first second of waiting."""
        now = self._clock.monotonic()
        if now >= self._ask_at:
            self._ask_at = now + _ASK_SECONDS
            self._obstacle = "".join(f"; {text}" for text in islice(self._open(self._source), 1))
        return self._obstacle

    def detail(self, committed: Committed, skip_ends: Committed | None = None) -> dict[str, Any]:
        """What COMMIT says: where each group goes on, and to which ends all had crossed.

        `skip_ends`: before which ends groups skip what the switch to the source says. Raises KafkalertError where a
        place cannot be found.
        """
        self._check_unread(committed, KafkalertError)
        groups: dict[str, dict[str, Any]] = {}
        passed = {group: self._passed(group, (skip_ends or {}).get(group, {})) for group in committed}
        for group, places in self._ledger.cuts(committed, CUT_SECONDS, passed).items():
            groups[group] = {}
            for partition, found in places.items():
                if not isinstance(found, Cut):
                    raise self._alone(partition, found)
                groups[group][place.written(partition)] = {
                    "offset": found.offset,
                    "skip": [list(one) for one in found.skip],
                }
        # Of the target only where that is so; nobody waits for what others write there.
        lacking = {self._source: {}, self._target: self._ledger.uncrossed(self._target, self._ends[self._target])}
        ends = {
            name: {place.written(one): end for one, end in found.items() if one not in lacking[name]}
            for name, found in self._ends.items()
        }
        return {"groups": groups, "ends": ends}

    def _check_unread(self, committed: Committed, kind: type[KafkalertError]) -> None:
        """That the source still has what groups have yet to read: of what is gone nobody knows where it lies elsewhere.

        Raises `kind`.
        """
        side = self._ledger.side(self._source)
        for group, offsets in committed.items():
            at = {one: offset for one, offset in offsets.items() if one in side.begin and offset >= 0}
            if found := gaps(side.places.starts(at), at, side.places.high_watermarks(at)):
                error = UnreadError(group, found)
                raise kind(
                    f"On {self._source}: {error} A switch would pass over them on {self._target}, too.",
                    hint=f"{error.hint} What of them had crossed is on {self._target}: after the switch, "
                    f"`kafkalert group seek {group} POSITION` goes back to before it there.",
                )

    def _alone(self, one: Partition, what: NotCrossed) -> KafkalertError:
        """What has to be on the target and is not, so that there is no place to go on."""
        said = (
            f"On {self._source} alone: {counted(what.count, 'record')} of {_named(one)}, from offset {what.offset} on"
        )
        if not what.marked:
            return KafkalertError(f"{said}.", hint="`kafkalert mirror status --topics` shows the mirror's backlog.")
        header = f"{ORIGIN_HEADER}{self._target}"
        return KafkalertError(
            f"{said}, with the header {header}. No mirror carries them: they are gone from {self._target}, or another "
            "program wrote the header.",
            hint=f"Try again once they are processed on {self._source} (`kafkalert group show`); no producer may write "
            f"{header} itself.",
        )

    def _passed(self, group: str, ends: Mapping[Partition, int]) -> dict[Partition, Ranges]:
        """What the switch to the source had a group skip there, by the same rule as its members go by."""
        now = self._ends[self._source]
        return {
            one: within(listed, ends.get(one, now.get(one, 0))) for one, listed in ranges(self._arrived, group).items()
        }


def _crossed(settings: Settings, view: View, source: str, target: str) -> dict[Partition, int]:
    """The offset before which all natives of `source` are known to be on `target`, where anybody knows.

    By what the connector has confirmed, and by the last switch, whichever is higher.
    """
    try:
        name = flow.connector_name(source, target, settings.context.prefix)
        confirmed = Connect(settings.clusters[target], seconds=_WORKER_SECONDS).offsets(name) or {}
    except KafkalertError:
        confirmed = {}
    found = {partition: offset + 1 for partition, offset in confirmed.items()}
    with suppress(AttributeError, TypeError, ValueError):  # what cannot be read there only makes windows longer
        for word, end in (view.commit.detail.get("ends", {}).get(source, {}) if view.commit else {}).items():
            partition = place.read(word)
            found[partition] = max(int(end), found.get(partition, 0))
    return found


def _count(lacking: Iterable[Uncrossed]) -> int:
    return sum(one.records + one.again + one.unread for one in lacking)


def _named(partition: Partition) -> str:
    return f"{partition[0]}[{partition[1]}]"
