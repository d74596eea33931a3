"""What `lag` found, as people and programs read it."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from kafkalert.bus.records.partitions import Partition
from kafkalert.ops.lag.movement import SEVERITY, Observation, Trend, Verdict, judge
from kafkalert.ops.lag.waiting import Waiting
from kafkalert.ops.wording import counted

VERSION: Final = 1
_AHEAD_MS: Final = 60_000
"""A record may come from a machine whose clock is so far ahead; one of a later time tells no age."""
_OLDEST_MS: Final = 946_684_800_000
"""The year 2000: no record is older, and a producer that says so does not know the time."""


@dataclass(frozen=True, slots=True)
class PartitionLag:
    """A group in a partition.

    `committed`: its offset, None where it has none. `lag`: the offsets from there to `end`, as Kafka's own tool counts
    them; None where nothing is committed. `records`: how many records wait; what is there at most unless `counted`.
    `gone`: the offsets that were deleted before they were read. `seconds_behind`: the age of the oldest record that
    waits; 0 where none does, None where nobody knows. `rate_in`, `rate_out`: offsets a second. `catch_up_seconds`: None
    where it is not known, or never comes. `why`: what else there is to say.
    """

    group: str
    topic: str
    partition: int
    verdict: Verdict | None
    lag: int | None
    records: int
    counted: bool
    seconds_behind: float | None
    rate_in: float | None
    rate_out: float | None
    catch_up_seconds: float | None
    trend: Trend | None
    committed: int | None
    start: int
    end: int
    gone: int
    why: str

    @property
    def is_waiting(self) -> bool:
        """Whether there is something to show besides that all is well."""
        return self.records > 0 or self.verdict is not Verdict.OK


@dataclass(frozen=True, slots=True)
class GroupLag:
    """A group in all partitions that were asked for: sums, the oldest record, and the worst verdict."""

    group: str
    members: int
    verdict: Verdict | None
    lag: int
    records: int
    counted: bool
    seconds_behind: float | None
    rate_in: float | None
    rate_out: float | None
    catch_up_seconds: float | None


@dataclass(frozen=True, slots=True)
class Snapshot:
    """All groups at a moment, the worst first.

    `seconds`: for how long they were looked at. `verdict`: the worst, None where it is not known. `problem`: why
    nothing is known; empty otherwise.
    """

    version: int
    at: datetime
    cluster: str
    seconds: float
    verdict: Verdict | None
    groups: tuple[GroupLag, ...]
    partitions: tuple[PartitionLag, ...]
    problem: str = ""


def partition_lag(
    group: str, place: Partition, window: Sequence[Observation], waiting: Waiting, now: int, *, transaction: str
) -> PartitionLag:
    """Return what a window says of a group in a partition, at `now` (ms).

    `transaction`: how one finds out whose transaction is open there.
    """
    last = window[-1]
    moved = judge(window, waits=waiting.any(last))
    is_counted = waiting.counted(last)
    records = waiting.records if is_counted else last.behind
    age, doubt = _age(waiting, records, now)
    why = [*_why(window, moved.verdict, transaction), doubt]
    if is_counted and last.behind > records and not last.gone:
        holes = counted(last.behind - records, "offset")
        verb = "holds" if last.behind - records == 1 else "hold"
        why.append(f"{holes} behind it {verb} transaction markers, or what was aborted or compacted away")
    return PartitionLag(
        group,
        *place,
        moved.verdict,
        None if last.committed is None else last.end - last.committed,
        records,
        is_counted,
        age,
        _rounded(moved.rate_in),
        _rounded(moved.rate_out),
        _rounded(moved.catch_up),
        moved.trend,
        last.committed,
        last.start,
        last.end,
        last.gone,
        "; ".join(filter(None, why)),
    )


def group_lag(group: str, members: int, rows: Sequence[PartitionLag]) -> GroupLag:
    """Return the sums of a group's partitions."""
    ages = [one.seconds_behind for one in rows]
    waits = [one for one in rows if one.records]
    ends = [one.catch_up_seconds for one in waits]
    return GroupLag(
        group,
        members,
        worst(rows),
        sum(one.lag or 0 for one in rows),
        sum(one.records for one in rows),
        all(one.counted for one in rows),
        None if None in ages else max((one for one in ages if one is not None), default=0.0),
        _sum(one.rate_in for one in rows),
        _sum(one.rate_out for one in rows),
        None if None in ends else max((one for one in ends if one is not None), default=0.0),
    )


def worst(rows: Iterable[PartitionLag | GroupLag]) -> Verdict | None:
    """Return the worst verdict; OK where there is none."""
    return max((one.verdict for one in rows), key=SEVERITY.__getitem__, default=Verdict.OK)


def by_urgency(one: PartitionLag | GroupLag) -> tuple[int, int, str]:
    """Return a key that sorts the worst first, and among equals the one that is furthest behind."""
    return -SEVERITY[one.verdict], -one.records, one.group


def moment(ms: int) -> datetime:
    """Return a time of Kafka's."""
    return datetime.fromtimestamp(ms / 1000, UTC)


def _age(waiting: Waiting, records: int, now: int) -> tuple[float | None, str]:
    """Return the age of the first record that waits, and why it is not known where that has to be said."""
    if not records:
        return 0.0, ""
    if waiting.first_ms is None:
        return None, "the oldest record has no time" if waiting.records else ""
    if not _OLDEST_MS <= waiting.first_ms <= now + _AHEAD_MS:
        return None, "the time that the producer gave the oldest record cannot be true"
    return round(max(0, now - waiting.first_ms) / 1000, 3), ""


def _why(window: Sequence[Observation], verdict: Verdict | None, transaction: str) -> Iterable[str]:
    last = window[-1]
    if last.is_outside:
        yield "the log ends before the group's offset: it was cut, or the topic was made anew"
    if last.gone:
        yield f"at most {counted(last.gone, 'record')} expired or were deleted before the group read them"
    if verdict is Verdict.REWOUND:
        highest = max(one.committed for one in window if one.committed is not None)
        yield f"its offset was {highest:,} before" + (", and is gone" if last.committed is None else "")
    if last.committed is None and verdict is not Verdict.OK:
        yield "the group has committed nothing here"
    if last.stable < last.end and last.position >= last.stable == window[0].stable:
        records = counted(last.end - last.stable, "record")
        yield (
            f"{records} at most lie behind a transaction of another program that is open from offset {last.stable} on: "
            f"{transaction}"
        )


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 1)


def _sum(rates: Iterable[float | None]) -> float | None:
    found = list(rates)
    return None if not found or None in found else round(sum(one for one in found if one is not None), 1)
