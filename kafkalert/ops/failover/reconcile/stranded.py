"""Finds what is stranded: records native to the old cluster that are not on the new one, by their ids.

Below what the connector of the stopped flow has confirmed everything has crossed. Behind that the flow may have carried
more, since it is at least once; sources and stages may have written the same ids to the new cluster after the switch;
and an earlier run may have carried a part. So each id is looked for on the new cluster, from the oldest record's time
on: whatever has its id has its time, or is later. Each record of the old cluster is looked at once, and only what is
needed to find it again is kept: 25 bytes a record that may be stranded, 130 while those of its partition are sorted,
and 600 to 900 a key of a table.

Anybody may write the mark of a copy. What has it and is not on the new cluster, no flow carries either way, so it is
stranded, too; also before what was confirmed, from where groups stood still (`unread`). That is looked at only where it
would be processed, in the topics that groups read, and only for the first MARKED of them, each partition having the
same share: those that were written before the switch come first, and behind them lie the copies of all since.
"""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Final

from confluent_kafka import Message

from kafkalert.bus.records.mark_reader import Places
from kafkalert.bus.records.marks import Mark, mark
from kafkalert.bus.records.partitions import Partition
from kafkalert.config.sections import Cluster
from kafkalert.engine.clock import Clock
from kafkalert.ops.failover.reconcile.reading import Offsets, read
from kafkalert.ops.failover.reconcile.records import Records, number_of
from kafkalert.ops.failover.reconcile.result import MARKED
from kafkalert.ops.failover.reconcile.rows import Key, Row
from kafkalert.ops.mirror.carried import resumes
from kafkalert.ops.wording import counted

CLOCKS_MS: Final = 300_000
"""How far a machine's clock may lie behind: the same id written again there has a time so much earlier at most."""


@dataclass(slots=True)
class Found:
    """What may be stranded, by partition: records, and the keys of tables by a digest.

    `begin` and `end`: what was looked at on the old cluster. `read_old`, `read_new`: up to where each was read.
    `most`: how many records that are marked as copies are held of a partition.
    """

    begin: dict[Partition, int]
    end: dict[Partition, int]
    records: dict[Partition, Records] = field(default_factory=dict)
    tables: dict[Partition, dict[bytes, Key]] = field(default_factory=dict)
    read_old: dict[Partition, int] = field(default_factory=dict)
    read_new: dict[Partition, int] = field(default_factory=dict)
    most: int = MARKED

    def note(self, partition: Partition, made: Mark) -> None:
        """Take a record of the old cluster that may be stranded."""
        if partition not in self.records:
            self.records[partition] = Records(self.most)
        self.records[partition].on_old(made)

    def tracked(self) -> Iterator[tuple[Partition, Key]]:
        """All keys of tables that have rows which may be stranded."""
        return ((partition, key) for partition, keys in self.tables.items() for key in keys.values())

    def lose(self, gone: Mapping[Partition, Sequence[int]], *, on_new: bool = False) -> None:
        """Rows that were to be read at these offsets are gone."""
        for partition in gone.keys() & self.tables.keys():
            offsets = frozenset(gone[partition])
            for key in self.tables[partition].values():
                key.lost(offsets, on_new=on_new)

    def to_carry(self, partition: Partition) -> Sequence[int]:
        """Offsets on the old cluster of what has to be carried, rising."""
        if partition in self.tables:
            return sorted(row.offset for key in self.tables[partition].values() for row in key.to_carry())
        return self.records[partition].to_carry() if partition in self.records else ()


class Search:
    """Looks at the clusters `old` and `new`.

    `topics` are the mirrored ones that both have, `compacted` the tables, `processed` those that groups read.
    """

    def __init__(
        self,
        old: Cluster,
        new: Cluster,
        topics: Sequence[str],
        compacted: Collection[str],
        processed: Collection[str],
        clock: Clock,
    ) -> None:
        self._old, self._new = old, new
        self._topics, self._compacted, self._processed = topics, compacted, processed
        self._clock = clock
        self._places = {cluster.name: Places(cluster) for cluster in (old, new)}

    def find(self, confirmed: Offsets, unread: Offsets, note: Callable[[str], None]) -> Found:
        """Read both up to their ends of now. Raises KafkalertError.

        `confirmed`: what the connector has committed. `unread`: from where on groups had not processed a partition.
        """
        places = self._places[self._old.name]
        partitions = places.partitions(self._topics)
        starts, ends = places.starts(partitions), places.ends(partitions)
        begin = {
            partition: max(starts[partition], resumes(confirmed.get(partition), ends[partition]))
            for partition in partitions
        }
        processed = [partition for partition in partitions if partition[0] in self._processed]
        first = begin | {
            partition: max(starts[partition], min(begin[partition], unread.get(partition, begin[partition])))
            for partition in processed
        }
        found = Found(begin, ends, read_old=first, most=max(1, MARKED // max(1, len(processed))))
        self._on_old(found, ends, lambda left: note(f"{self._old.name}: {counted(left, 'record')} to read"))
        oldest = {partition: kept.oldest() for partition, kept in found.records.items()}
        for partition, keys in found.tables.items():
            oldest[partition] = min(row.timestamp for key in keys.values() for row in key.stranded)
        here = self._places[self._new.name]
        starts, ends = here.starts(oldest), here.ends(oldest)
        since = here.since({partition: time - CLOCKS_MS for partition, time in oldest.items()})
        found.read_new = {
            partition: min(since.get(partition, ends[partition]), ends[partition]) for partition in oldest
        }
        for partition in found.records:
            found.records[partition].cut_off = 0 < starts[partition] >= found.read_new[partition]
        self._on_new(found, ends, lambda left: note(f"{self._new.name}: {counted(left, 'record')} to look through"))
        return found

    def again(self, found: Found) -> None:
        """Read what has come to the new cluster since. Raises KafkalertError."""
        self._on_new(found, self._places[self._new.name].ends(found.read_new))

    def again_tables(self, found: Found, catch_up: Callable[[], None]) -> None:
        """Read what has come to the tables of both; `catch_up` returns once the flow back has carried what is there."""
        ends = self._places[self._new.name].ends(found.tables)
        catch_up()
        self._on_old(found, self._places[self._old.name].ends(found.tables))
        self._on_new(found, ends)

    def _on_old(self, found: Found, ends: Offsets, left: Callable[[int], None] = lambda _: None) -> None:
        first = {partition: found.read_old[partition] for partition in ends}
        for batch in read(self._old, self._new.name, first, ends, self._clock, left):
            for partition, message in batch:
                made = mark(message, self._new.name)
                if partition[0] in self._compacted:
                    _row_on_old(found, partition, message, made)
                elif self._may_be_stranded(found, partition, made):
                    found.note(partition, made)
        found.read_old |= ends

    def _may_be_stranded(self, found: Found, partition: Partition, made: Mark) -> bool:
        return made.offset >= found.begin[partition] if made.native else partition[0] in self._processed

    def _on_new(self, found: Found, ends: Offsets, left: Callable[[int], None] = lambda _: None) -> None:
        first = {partition: found.read_new[partition] for partition in ends}
        for batch in read(self._new, self._old.name, first, ends, self._clock, left):
            for partition, message in batch:
                made = mark(message, self._old.name)
                if partition in found.records:
                    found.records[partition].on_new(made)
                elif (key := found.tables[partition].get(digest(message))) is not None:
                    key.on_new(row_of(message, made))
        found.read_new |= ends


def _row_on_old(found: Found, partition: Partition, message: Message, made: Mark) -> None:
    keys, name = found.tables.get(partition, {}), digest(message)
    if name in keys:
        keys[name].on_old(row_of(message, made), found.end[partition])
    elif made.native and made.offset < found.end[partition]:
        key = found.tables.setdefault(partition, {})[name] = Key()
        key.on_old(row_of(message, made), found.end[partition])


def row_of(message: Message, made: Mark) -> Row:
    """Return a record of a table."""
    return Row(made.offset, number_of(made), made.timestamp, made.native, message.value() is None)


def digest(message: Message) -> bytes:
    """By what a key is known: its bytes, as compaction has it."""
    key = message.key()
    return blake2b(key.encode() if isinstance(key, str) else key or b"", digest_size=16).digest()
