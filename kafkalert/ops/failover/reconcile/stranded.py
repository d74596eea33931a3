"""Finds what is stranded: records native to the old cluster that are not on the new one, by their ids.

Below what the connector of the stopped flow has confirmed everything has crossed. Behind that the flow may have carried
more, since it is at least once; sources and stages may have written the same ids to the new cluster after the switch;
and an earlier run may have carried a part. So each id is looked for on the new cluster, from the oldest record's time
on: whatever has its id has its time, or is later. Each record of the old cluster is looked at once, and only what is
needed to find it again is kept: 30 bytes a record that may be stranded, some 600 a key of a table.

Anybody may write the mark of a copy. What has it and is not on the new cluster, no flow carries either way, so it is
stranded, too; also before what was confirmed, from where groups stood still (`unread`). Not so rows of tables: what
compaction took is not there, either.
"""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Final

from confluent_kafka import Message

from kafkalert.bus.mark_reader import Places
from kafkalert.bus.marks import Mark, Partition, mark
from kafkalert.config.sections import Cluster
from kafkalert.engine.clock import Clock
from kafkalert.ops.failover.reconcile.reading import Offsets, read
from kafkalert.ops.failover.reconcile.records import Records, number_of
from kafkalert.ops.failover.reconcile.rows import Key, Row
from kafkalert.ops.wording import counted

CLOCKS_MS: Final = 300_000
"""How far a machine's clock may lie behind: the same id written again there has a time so much earlier at most."""


@dataclass(slots=True)
class Found:
    """What may be stranded, by partition: records, and the keys of tables by a digest.

    `begin` and `end`: what was looked at on the old cluster. `read_old`, `read_new`: up to where each was read.
    """

    begin: dict[Partition, int]
    end: dict[Partition, int]
    records: dict[Partition, Records] = field(default_factory=dict)
    tables: dict[Partition, dict[bytes, Key]] = field(default_factory=dict)
    read_old: dict[Partition, int] = field(default_factory=dict)
    read_new: dict[Partition, int] = field(default_factory=dict)

    def tracked(self) -> Iterator[tuple[Partition, Key]]:
        """All keys of tables that have rows which may be stranded."""
        return ((one, key) for one, keys in self.tables.items() for key in keys.values())

    def lose(self, gone: Mapping[Partition, Sequence[int]], *, on_new: bool = False) -> None:
        """Rows that were to be read at these offsets are gone."""
        for one in gone.keys() & self.tables.keys():
            for key in self.tables[one].values():
                for offset in gone[one]:
                    key.lost(offset, on_new=on_new)

    def to_carry(self, one: Partition) -> Sequence[int]:
        """Offsets on the old cluster of what has to be carried, rising."""
        if one in self.tables:
            return sorted(row.offset for key in self.tables[one].values() for row in key.to_carry())
        return self.records[one].to_carry() if one in self.records else ()


class Search:
    """Looks at the clusters `old` and `new`; `topics` are the mirrored ones that both have, `compacted` the tables."""

    def __init__(
        self, old: Cluster, new: Cluster, topics: Sequence[str], compacted: Collection[str], clock: Clock
    ) -> None:
        self._old, self._new = old, new
        self._topics, self._compacted = topics, compacted
        self._clock = clock
        self._places = {cluster.name: Places(cluster) for cluster in (old, new)}

    def find(self, confirmed: Offsets, unread: Offsets, note: Callable[[str], None]) -> Found:
        """Read both up to their ends of now. Raises KafkalertError.

        `confirmed`: what the connector has committed. `unread`: from where on groups had not processed a partition.
        """
        places = self._places[self._old.name]
        partitions = places.partitions(self._topics)
        starts, ends = places.starts(partitions), places.ends(partitions)
        begin = {one: max(starts[one], _resumes(confirmed.get(one), ends[one])) for one in partitions}
        first = {one: max(starts[one], min(at, unread.get(one, at))) for one, at in begin.items()}
        found = Found(begin, ends, read_old=first)
        self._on_old(found, ends, lambda left: note(f"{self._old.name}: {counted(left, 'record')} to read"))
        oldest = {one: kept.oldest() for one, kept in found.records.items()}
        for one, keys in found.tables.items():
            oldest[one] = min(row.timestamp for key in keys.values() for row in key.stranded)
        here = self._places[self._new.name]
        starts, ends = here.starts(oldest), here.ends(oldest)
        since = here.since({one: time - CLOCKS_MS for one, time in oldest.items()})
        found.read_new = {one: min(since.get(one, ends[one]), ends[one]) for one in oldest}
        for one in found.records:
            found.records[one].cut_off = 0 < starts[one] >= found.read_new[one]
        self._on_new(found, ends, lambda left: note(f"{self._new.name}: {counted(left, 'record')} to look through"))
        return found

    def again(self, found: Found) -> None:
        """What has come to the new cluster since. Raises KafkalertError."""
        self._on_new(found, self._places[self._new.name].ends(found.read_new))

    def again_tables(self, found: Found, catch_up: Callable[[], None]) -> None:
        """What has come to the tables of both; `catch_up` returns once the flow back has carried what is there."""
        ends = self._places[self._new.name].ends(found.tables)
        catch_up()
        self._on_old(found, self._places[self._old.name].ends(found.tables))
        self._on_new(found, ends)

    def _on_old(self, found: Found, ends: Offsets, left: Callable[[int], None] = lambda _: None) -> None:
        first = {one: found.read_old[one] for one in ends}
        for batch in read(self._old, self._new.name, first, ends, self._clock, left):
            for one, message in batch:
                made = mark(message, self._new.name)
                if one[0] in self._compacted:
                    _row_on_old(found, one, message, made)
                elif not made.native or made.offset >= found.begin[one]:
                    found.records.setdefault(one, Records()).on_old(made)
        found.read_old |= ends

    def _on_new(self, found: Found, ends: Offsets, left: Callable[[int], None] = lambda _: None) -> None:
        first = {one: found.read_new[one] for one in ends}
        for batch in read(self._new, self._old.name, first, ends, self._clock, left):
            for one, message in batch:
                made = mark(message, self._old.name)
                if one in found.records:
                    found.records[one].on_new(made)
                elif (key := found.tables[one].get(digest(message))) is not None:
                    key.on_new(row_of(message, made))
        found.read_new |= ends


def _row_on_old(found: Found, one: Partition, message: Message, made: Mark) -> None:
    keys, name = found.tables.get(one, {}), digest(message)
    if name in keys:
        keys[name].on_old(row_of(message, made), found.end[one])
    elif made.native and made.offset < found.end[one]:
        key = found.tables.setdefault(one, {})[name] = Key()
        key.on_old(row_of(message, made), found.end[one])


def row_of(message: Message, made: Mark) -> Row:
    """A record of a table."""
    return Row(made.offset, number_of(made), made.timestamp, made.native, message.value() is None)


def digest(message: Message) -> bytes:
    """By what a key is known: its bytes, as compaction has it."""
    key = message.key()
    return blake2b(key.encode() if isinstance(key, str) else key or b"", digest_size=16).digest()


def _resumes(confirmed: int | None, end: int) -> int:
    """From which offset on records may not have crossed. A commit beyond the end was of an earlier topic's."""
    return 0 if confirmed is None or confirmed >= end else confirmed + 1
