"""What groups commit, as brokers keep it: `__consumer_offsets`, which also tells of a commit at the same offset."""

import threading
from collections import Counter
from collections.abc import Iterable
from struct import Struct, error
from typing import Final

from confluent_kafka import KafkaException, TopicPartition

from kafkalert.bus import clients
from kafkalert.bus.denied import denied_topic
from kafkalert.bus.records import unreadable
from kafkalert.bus.records.mark_reader import Places
from kafkalert.bus.records.partitions import Partition
from kafkalert.config.sections import Cluster

TOPIC: Final = "__consumer_offsets"
_COMMITS: Final = frozenset({0, 1})
"""Versions of keys that are those of commits; the others are those of groups."""
_SHORT: Final = Struct(">h")
_INT: Final = Struct(">i")
_BATCH: Final = 2000
_MOST: Final = 20_000
"""Commits that are read at a time at most: other groups may lie in the same partition."""
_CLOSE_SECONDS: Final = 1.0


def committed_by(key: bytes | None) -> tuple[str, Partition] | None:
    """Return the group and the partition of a commit by its record's key; None where it is none."""
    try:
        if key is None or _SHORT.unpack_from(key)[0] not in _COMMITS:
            return None
        group, place = _text(key, _SHORT.size)
        topic, place = _text(key, place)
        (number,) = _INT.unpack_from(key, place)
    except (error, UnicodeDecodeError):
        return None
    return group, (topic, int(number))


def partition_of_group(group: str, partitions: int) -> int:
    """Return the partition of `__consumer_offsets` in which a group's commits lie: by Java's hash of its name."""
    found = 0
    units = group.encode("utf-16-be")
    for high, low in zip(units[::2], units[1::2], strict=True):
        found = (31 * found + (high << 8 | low)) & 0xFFFFFFFF
    return (found if found < 2**31 else 2**32 - found) % 2**31 % partitions


class CommitLog:
    """Counts the commits of groups from the moment on at which it first follows them. Not for several threads.

    It joins no group. All methods raise DeniedError without READ on `__consumer_offsets`, and UnreachableError.
    """

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self._places = Places(cluster)
        self._partitions = 0
        self._followed: set[int] = set()
        self._consumer = clients.consumer(
            cluster,
            "kafkalert.lag",  # librdkafka wants a name; nothing joins or commits
            auto_offset_reset="latest",
            error_cb=lambda _: None,  # silence is what callers bound
            isolation_level="read_uncommitted",  # a transaction that stays open hides nobody's commits
            queued_max_messages_kbytes=8 << 10,
        )
        self.counts: Counter[tuple[str, Partition]] = Counter()
        """The commits that were seen, by group and partition."""

    def follow(self, groups: Iterable[str]) -> None:
        """Follow these groups, too: from the end on."""
        if not self._partitions:
            self._partitions = len(self._places.partitions([TOPIC]))
        added = {partition_of_group(group, self._partitions) for group in groups} - self._followed
        if not added:
            return
        ends = self._places.high_watermarks([(TOPIC, number) for number in added])
        self._consumer.incremental_assign([TopicPartition(*one, end) for one, end in ends.items()])
        self._followed |= added

    def read(self, seconds: float) -> None:
        """Count what has come, waiting at most `seconds` for the first of it."""
        try:
            read = self._consumer.consume(_BATCH, seconds) if self._followed else []
            found = read
            while read and len(found) < _MOST:
                read = self._consumer.consume(_BATCH, 0)
                found += read
            for message in found:
                wrong = message.error()
                if unreadable.is_refused(wrong):
                    unreadable.pass_batch(self._cluster, self._consumer, message)
                elif wrong is not None:
                    if (refusal := denied_topic(self._cluster, wrong, TOPIC)) is not None:
                        raise refusal
                elif message.value() is not None and (one := committed_by(message.key())) is not None:
                    self.counts[one] += 1  # without a value it is an offset that was deleted
        except KafkaException as problem:
            raise clients.unreachable(self._cluster, problem) from problem

    def close(self) -> None:
        """Leave; a cluster that is away is waited for a second only."""
        closing = threading.Thread(target=self._consumer.close, name="close", daemon=True)
        closing.start()
        closing.join(_CLOSE_SECONDS)


def _text(key: bytes, place: int) -> tuple[str, int]:
    """Return the text that lies there, and what comes behind it."""
    (size,) = _SHORT.unpack_from(key, place)
    begin = place + _SHORT.size
    if size < 0 or begin + size > len(key):
        raise error("cut off")
    return key[begin : begin + size].decode(), begin + size
