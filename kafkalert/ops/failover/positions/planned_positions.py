"""What a planned switch asks of the ledger: has all crossed that must, and where does each group go on."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from itertools import islice
from typing import Any, Final, Self

from kafkalert.bus.connect import flow
from kafkalert.bus.control.state import View
from kafkalert.bus.records.marks import ORIGIN_HEADER
from kafkalert.bus.records.partitions import Partition, parse_partition, partition_word
from kafkalert.bus.records.watermarks import topic_ids
from kafkalert.bus.transactions import tool
from kafkalert.config.pipeline import TABLES
from kafkalert.config.sections import Settings
from kafkalert.engine.clock import Clock
from kafkalert.engine.consuming.skipping import Ranges, ranges, within
from kafkalert.engine.consuming.unread import Gap, UnreadError, gaps, still_there
from kafkalert.errors import KafkalertError, RefusedError
from kafkalert.ops.failover.positions.crossed import topics_of
from kafkalert.ops.failover.positions.exact import ExactPosition, NotCrossed
from kafkalert.ops.failover.positions.groups import Committed, Groups
from kafkalert.ops.failover.positions.ledger import Ledger
from kafkalert.ops.failover.positions.native_records import Uncrossed
from kafkalert.ops.mirror.carried import carried_if_told
from kafkalert.ops.wording import counted

READ_SECONDS: Final = 120.0
"""How long reading the backlog of both clusters may take, while everything still runs."""
POSITIONS_SECONDS: Final = 10.0
_STEP_SECONDS: Final = 0.2
_WORKER_SECONDS: Final = 2.0
_ASK_SECONDS: Final = 1.0


class PlannedPositions:
    """Follows both clusters while stages still work, so that little is left to read once they stand still."""

    def __init__(self, settings: Settings, view: View, source: str, target: str, clock: Clock) -> None:
        self._settings = settings
        self._source, self._target = source, target
        self._clock = clock
        here, there = (topics_of(settings.clusters[name]) for name in (source, target))
        known = flow.topics(settings)
        self._unknown = here.keys() - set(known)
        self._ledger = Ledger(
            settings.clusters[source],
            settings.clusters[target],
            [topic for topic in known if topic in here and topic in there],
            crossed={
                source: _crossed(settings, view, source),
                target: _crossed(settings, view, target),
            },
            compacted=[settings.topic(name) for name in TABLES],
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
        where records are gone that a group has yet to read, or a group has read a topic that is not known here.
        """
        self._check_known(committed)
        windows = [self._ledger.window(name) for name in (self._source, self._target)]
        self._ledger.start(committed)
        self._check_unread(committed, RefusedError)
        return [
            *(
                f"not verified: records of {window.name} before the last {window.most:,} offsets of each partition"
                for window in windows
                if window.assumed
            ),
            *(text for window in windows for text in self._open(window.name)),
        ]

    def check_uncut(self, groups: Groups) -> list[str]:
        """Check that the source's logs were not cut before what `groups` have processed, to grow again since.

        Returns what could not be found out, in sentences. Raises RefusedError where one was cut; UnreachableError,
        DeniedError.
        """
        window, cluster = self._ledger.window(self._source), self._settings.clusters[self._source]
        topics = topic_ids(cluster, sorted({topic for topic, _ in window.begin}))
        unknown: list[str] = []
        for group, at in groups.places(groups.names(), {name: id_ for name, (id_, _) in topics.items()}).items():
            starts = window.places.starts(at)
            there = still_there(cluster, at, starts, self._clock)
            if cut := [partition for partition, is_same in there.items() if is_same is False]:
                ends = window.places.high_watermarks(cut)
                raise self._unread(
                    group,
                    {partition: Gap(at[partition].offset, starts[partition], ends[partition]) for partition in cut},
                    RefusedError,
                )
            if asked := [partition for partition, is_same in there.items() if is_same is None]:
                more = f" and {counted(len(asked) - 1, 'other partition')}" if asked[1:] else ""
                unknown.append(
                    f"not verified: that {_named(min(asked))}{more} on {self._source} still has what {group} has "
                    "processed"
                )
        return unknown

    def _open(self, name: str) -> Iterator[str]:
        """Yield a sentence for each partition of a cluster in which somebody's transaction is open."""
        for partition, (stable, end) in sorted(self._ledger.window(name).open_transactions().items()):
            yield (
                f"a transaction of another program is open in {_named(partition)} on {name}, since offset {stable}: "
                f"{counted(end - stable, 'record')} wait there until it ends "
                f"({tool(self._settings.clusters[name], *partition, stable)})"
            )

    def await_read(self, note: Callable[[str], None]) -> int:
        """Wait until both are read to their ends of the beginning; how many records that were.

        `note` is told how it goes on. Raises KafkalertError where that takes longer than READ_SECONDS, and RefusedError
        where nobody knows how much has not crossed.
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
        self._check_vouched()
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
        ends = self._ledger.window(self._source).high_watermarks()
        self._ends = {self._source: ends, self._target: self._ledger.ends(self._target)}

    def left(self) -> int:
        """How many records must still cross."""
        return _count(self._ledger.uncrossed(self._source, self._ends[self._source]).values())

    def obstacle(self) -> str:
        """Return what keeps them from crossing, where that is an open transaction.

        It returns nothing in the first second of waiting.
        """
        now = self._clock.monotonic()
        if now >= self._ask_at:
            self._ask_at = now + _ASK_SECONDS
            self._obstacle = "".join(f"; {text}" for text in islice(self._open(self._source), 1))
        return self._obstacle

    def detail(self, committed: Committed, skip_ends: Committed | None = None) -> dict[str, Any]:
        """Return what COMMIT says: where each group goes on, and to which ends all had crossed.

        `skip_ends`: before which ends groups skip what the switch to the source says. Raises KafkalertError where a
        place cannot be found.
        """
        self._check_unread(committed, KafkalertError)
        groups: dict[str, dict[str, Any]] = {}
        passed = {group: self._passed(group, (skip_ends or {}).get(group, {})) for group in committed}
        for group, places in self._ledger.exact_positions(committed, POSITIONS_SECONDS, passed).items():
            groups[group] = {}
            for partition, found in places.items():
                if not isinstance(found, ExactPosition):
                    raise self._alone(partition, found)
                groups[group][partition_word(partition)] = {
                    "offset": found.offset,
                    "skip": [list(span) for span in found.skip],
                }
        # Of the target only where that is so; nobody waits for what others write there.
        lacking = {self._source: {}, self._target: self._ledger.uncrossed(self._target, self._ends[self._target])}
        ends = {
            name: {
                partition_word(topic_partition): end
                for topic_partition, end in found.items()
                if topic_partition not in lacking[name]
            }
            for name, found in self._ends.items()
        }
        return {"groups": groups, "ends": ends}

    def _check_vouched(self) -> None:
        """Check that nothing that was read shows that older records may not have crossed. Raises RefusedError."""
        for name, shown in self._ledger.unvouched.items():
            window = self._ledger.window(name)
            if found := window.committed_behind(shown, POSITIONS_SECONDS):
                more = f" and {counted(len(found) - 1, 'other partition')}" if found[1:] else ""
                raise RefusedError(
                    f"The mirror from {name} to {window.other} is behind in {_named(found[0])}{more}, perhaps by more "
                    f"than the last {window.most:,} offsets that were looked at.",
                    hint="Wait until it has caught up (`kafkalert mirror status`), and try again.",
                )

    def _check_known(self, committed: Committed) -> None:
        """Check that the topics that groups have read are known: there alone they can go on. Raises RefusedError."""
        for group, offsets in committed.items():
            read = {topic for (topic, _), offset in offsets.items() if offset >= 0}
            if unknown := sorted(read & self._unknown):
                raise RefusedError(
                    f"Group {group} has read {unknown[0]} on {self._source}, which is no topic that is known here. "
                    f"It would not go on there on {self._target}.",
                    hint="Install the package of that stage on this machine, too. Where nothing reads the topic any "
                    f"more: `kafka-consumer-groups.sh --delete-offsets --group {group} --topic {unknown[0]}`.",
                )

    def _check_unread(self, committed: Committed, kind: type[KafkalertError]) -> None:
        """Check that the source still has what groups have yet to read.

        Nobody knows where that lies elsewhere which is gone.

        Raises `kind`.
        """
        window = self._ledger.window(self._source)
        for group, offsets in committed.items():
            at = {
                partition: offset for partition, offset in offsets.items() if partition in window.begin and offset >= 0
            }
            if found := gaps(window.places.starts(at), at, window.places.high_watermarks(at)):
                raise self._unread(group, found, kind)

    def _unread(self, group: str, found: Mapping[Partition, Gap], kind: type[KafkalertError]) -> KafkalertError:
        error = UnreadError(group, found)
        return kind(
            f"On {self._source}: {error} A switch would pass over them on {self._target}, too.",
            hint=f"{error.hint} What of them had crossed is on {self._target}: after the switch, "
            f"`kafkalert group seek {group} POSITION` goes back to before it there.",
        )

    def _alone(self, partition: Partition, what: NotCrossed) -> KafkalertError:
        """Return what has to be on the target and is not, so that there is no place to go on."""
        said = (
            f"On {self._source} alone: {counted(what.count, 'record')} of {_named(partition)}, "
            f"from offset {what.offset} on"
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
        """Return what the switch to the source had a group skip there, by the same rule as its members go by."""
        now = self._ends[self._source]
        return {
            partition: within(listed, ends.get(partition, now.get(partition, 0)))
            for partition, listed in ranges(self._arrived, group).items()
        }


def _crossed(settings: Settings, view: View, source: str) -> dict[Partition, int]:
    """Return the offset before which all native records of `source` are known to be on the other cluster.

    By what the connector has confirmed, and by the last switch, whichever is higher.
    """
    confirmed = carried_if_told(settings, flow.flow_of(settings, source), _WORKER_SECONDS)
    found = {partition: offset + 1 for partition, offset in confirmed.items()}
    with suppress(AttributeError, TypeError, ValueError):  # what cannot be read there only makes windows longer
        for word, end in (view.commit.detail.get("ends", {}).get(source, {}) if view.commit else {}).items():
            partition = parse_partition(word)
            found[partition] = max(int(end), found.get(partition, 0))
    return found


def _count(lacking: Iterable[Uncrossed]) -> int:
    return sum(uncrossed.records + uncrossed.again + uncrossed.unread for uncrossed in lacking)


def _named(partition: Partition) -> str:
    return f"{partition[0]}[{partition[1]}]"
