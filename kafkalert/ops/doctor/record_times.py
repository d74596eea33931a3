"""Producers whose record times are not the time of arrival: forced switches, and ages of alerts, go by these."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from kafkalert.bus.records.partitions import Partition
from kafkalert.ops.doctor.checkup import Checks, Checkup, Subject
from kafkalert.ops.doctor.words import age
from kafkalert.ops.wording import counted

AHEAD_MS: Final = 5_000
"""Clocks of machines lie a little apart."""
BEHIND_MS: Final = 60_000
"""A record that arrives with a time of so long ago has another time than that of its arrival."""
_HINT: Final = (
    "Have its producer leave the timestamp to the Kafka client, and put the time of the event into the record; until "
    "then give a forced switch a longer --overlap."
)


_SHOWN: Final = 3
"""Of a topic's partitions."""


@dataclass(frozen=True, slots=True)
class Timed:
    """A record that its producer wrote to this cluster itself: its offset, its time, and when it arrived, if we saw.

    Times in ms; `time` is -1 where it has none.
    """

    offset: int
    time: int
    arrived: int | None = None


def judge(cluster: str, found: Mapping[Partition, Sequence[Timed]], now: int) -> Iterator[Checkup]:
    """Yield the topics whose newest records have a time that cannot be that of their arrival; one check if none has.

    A time lies ahead of now, or is of long before a record that lies before it, or of long before it arrived here.
    """
    checks = Checks(Subject.RECORD_TIMES, cluster)
    wrong: dict[str, list[str]] = {}
    for (topic, number), records in sorted(found.items()):
        if text := _wrong(records, now):
            wrong.setdefault(topic, []).append(f"in partition {number}, {text}")
    for topic, texts in wrong.items():
        text = f"A producer of {topic} on {cluster} gives records other times than now: {'; '.join(texts[:_SHOWN])}."
        yield checks.bad(topic, text, _HINT)
    read = sum(map(len, found.values()))
    if not wrong:
        seen = sum(one.arrived is not None for records in found.values() for one in records)
        live = f", {seen} of which arrived just now" if seen else "; none arrived just now"
        text = f"{counted(read, 'record')} with times in order{live}." if read else "There are none yet."
        yield checks.ok("newest records", text)


def _wrong(records: Sequence[Timed], now: int) -> str:
    """Return what is wrong with the times of a partition's newest records; nothing where they are in order."""
    if any(one.time < 0 for one in records):
        first = next(one for one in records if one.time < 0)
        return f"offset {first.offset} has none"
    ahead = max(records, key=lambda one: one.time, default=None)
    if ahead is not None and ahead.time - (ahead.arrived or now) > AHEAD_MS:
        return f"offset {ahead.offset} is dated {age((ahead.time - (ahead.arrived or now)) / 1000)} ahead"
    newest = None
    for one in records:
        if one.arrived is not None and one.arrived - one.time > BEHIND_MS:
            return f"offset {one.offset} arrived just now with a time of {age((one.arrived - one.time) / 1000)} ago"
        if newest is not None and newest.time - one.time > BEHIND_MS:
            back = age((newest.time - one.time) / 1000)
            return f"offset {one.offset} is dated {back} before offset {newest.offset}, which lies before it"
        if newest is None or one.time > newest.time:
            newest = one
    return ""
