"""A stage's member of its group on one cluster: what it is given, what it commits, and how it leaves."""

import logging
from collections.abc import Callable, Iterable, Mapping
from threading import Thread
from typing import Any, Final

from confluent_kafka import Consumer, KafkaError, KafkaException, Message, TopicPartition

from kafkalert.bus import clients
from kafkalert.bus.records.mark_reader import Places
from kafkalert.bus.records.partitions import Partition
from kafkalert.bus.records.watermarks import high_watermarks
from kafkalert.bus.threads import Callbacks
from kafkalert.config.sections import Cluster
from kafkalert.engine.consuming.commits import Commits
from kafkalert.engine.consuming.cut_logs import CutChecks
from kafkalert.engine.consuming.events import RetryError, check_event
from kafkalert.engine.consuming.progress import (
    UNKNOWN,
    Place,
    Progress,
    committed_place,
    made_anew,
    offsets,
    partition_of,
)
from kafkalert.engine.consuming.skipping import Ranges, bound, say, skipped, within
from kafkalert.engine.delivery import Delivery
from kafkalert.engine.ending import Ending

_LOG = logging.getLogger(__name__)
POLL_SECONDS: Final = 0.1
CLOSE_SECONDS: Final = 1.5
CALL_SECONDS: Final = 5.0
_RETRY_SECONDS: Final = 0.2


class Member:
    """A consumer of `group`, which it joins with `join`; before that it is only connected.

    `progress` is kept like what is assigned, and `commits` commits it. `joined` is set when it was given its first
    partitions, of which `changed` is told. `skipped` counts the records that it passed over, because they were
    processed before a switch.
    """

    def __init__(
        self,
        cluster: Cluster,
        group: str,
        *,
        progress: Progress,
        delivery: Delivery,
        changed: Callable[[], None],
        properties: Mapping[str, Any],
    ) -> None:
        self.cluster = cluster
        self._group = group
        self._progress = progress
        self._delivery = delivery
        self._changed = changed
        self._callbacks = Callbacks()
        self._listed: Mapping[Partition, Ranges] = {}
        self._passing: dict[Partition, Ranges] = {}
        self._left: set[Partition] = set()
        self._proven: Mapping[Partition, int] = {}
        self._inputs = self._refusal = ""
        self._paused = self._leaving = self.joined = False
        self.skipped = 0
        self.consumer = clients.consumer(
            cluster,
            group,
            enable_partition_eof=True,
            auto_offset_reset="error",
            on_commit=self._callbacks.kept(self._told),
            queued_max_messages_kbytes=16 * 1024,
            **properties,
        )
        self._cuts = CutChecks(self.consumer)
        self.commits = Commits(self.consumer, progress)

    def join(
        self,
        topics: Mapping[str, str],
        epoch: int,
        skips: Mapping[Partition, Ranges],
        proven: Mapping[Partition, int],
    ) -> None:
        """Join to read `topics`, by name with their ids, which go into commits as `epoch` does; pass over `skips`.

        The broker is not asked whether a log was cut before an offset that is `proven`.
        """
        self._proven = proven
        self._inputs = " or ".join(topics)
        self.commits.begin(epoch, topics)
        self._listed = skips
        kept = self._callbacks.kept
        self.consumer.subscribe(
            list(topics), on_assign=kept(self._assigned), on_revoke=kept(self._revoked), on_lost=kept(self._lost)
        )

    def fetch(self, most: int) -> list[Message]:
        """Return the records and events that have come, `most` at most, waiting POLL_SECONDS for the first of them.

        Raises RetryError, and what went wrong as partitions came or went.
        """
        first = self.consumer.poll(POLL_SECONDS)
        self._left.clear()
        # consume() would wait for a full batch; what has arrived is enough.
        batch = [] if first is None else [first, *self.consumer.consume(most - 1, 0)]
        self.check()
        self._cuts.repeat(batch)
        if not self._left:
            return batch
        # They went while the batch was put together: who has them now reads what is in it from the last commit on.
        if any(self._progress.next_offset(partition) is not None for partition in self._left):
            raise RetryError("A partition went and came back at once.", hint="It is read again from the last commit.")
        return [message for message in batch if partition_of(message) not in self._left]

    def check(self) -> None:
        """Raise what went wrong as partitions came or went. To be called after each call of the consumer."""
        self._callbacks.check()

    def without_skipped(self, records: list[Message]) -> list[Message]:
        """Those of `records` that were not processed before the switch to this cluster."""
        following = self._progress.next_offset
        # Ranges that lie behind are of no more use: with a partition that comes anew, its ranges come anew.
        self._passing = {
            partition: meant for partition, meant in self._passing.items() if (following(partition) or 0) < meant[-1][1]
        }
        if not self._passing:
            return records
        kept = [
            record
            for record in records
            if not skipped(self._passing.get(partition_of(record), ()), record.offset() or 0)
        ]
        self.skipped += len(records) - len(kept)
        return kept

    def pause(self, *, paused: bool) -> None:
        """Have no records come, or again; partitions that come meanwhile are paused as well."""
        self._paused = paused
        (self.consumer.pause if paused else self.consumer.resume)(self.consumer.assignment())

    def committed_by_all(self, partitions: Iterable[Partition]) -> dict[Partition, int]:
        """Return what the group has committed; negative where nothing. Raises KafkaException."""
        asked = [TopicPartition(*partition) for partition in partitions]
        told = self.consumer.committed(asked, timeout=CALL_SECONDS)
        return {(committed.topic, committed.partition): committed.offset for committed in told}

    def ends(self) -> dict[Partition, int]:
        """Return the ends of the partitions that are read here, as far as fetching has told them; asks nobody."""
        return high_watermarks(self.consumer, self._progress.partitions())

    def close(self, ending: Ending) -> None:
        """Leave the group.

        Who leaves for another cluster waits until the group knows, unless the stay is abandoned. All others do not wait
        long for a broker that does not answer.
        """
        self._leaving = True
        self._progress.gone(self._progress.partitions())  # what was not committed by now stays so

        def leave() -> None:
            self.commits.join()
            try:
                self.consumer.close()
            except KafkaException as error:
                _LOG.info("close: %s", error)

        closing = Thread(target=leave, name="close", daemon=True)
        closing.start()
        closing.join(CLOSE_SECONDS)
        while closing.is_alive() and ending.leaving and not (ending.abandoned or ending.stopped):
            closing.join(_RETRY_SECONDS)

    def event(self, message: Message, last: dict[Partition, int]) -> None:
        """Heed what came instead of a record; where it tells of a partition's end, note that in `last`.

        Raises RetryError, and KafkalertError where new clients do not help.
        """
        error = message.error()
        if error is None:
            return
        code = error.code()
        if code == KafkaError._PARTITION_EOF:  # noqa: SLF001 - librdkafka's public codes begin with _
            # The end may lie past transaction markers, which no record follows.
            place = partition_of(message)
            last[place] = max(last.get(place, -1), (message.offset() or 0) - 1)
            return
        check_event(message, error, self.cluster, self._group, self._inputs)
        # What a broker itself says (its codes are positive) keeps the member out; said once, as it is repeated.
        new = code > 0 and error.str() != self._refusal
        self._refusal = error.str() if code > 0 else self._refusal
        _LOG.log(logging.WARNING if new else logging.INFO, "consumer: %s", error.str())

    def _told(self, error: KafkaError | None, partitions: list[TopicPartition]) -> None:
        self.commits.told(error, partitions)

    def _assigned(self, consumer: Consumer, partitions: list[TopicPartition]) -> None:
        if self._leaving:  # inside close(), where no question is answered; what comes now goes at once
            return
        start: dict[Partition, Place] = {}
        told = consumer.committed(partitions, timeout=CALL_SECONDS)
        for committed in told:
            if committed.error is not None:  # not known, which is not the same as none
                raise KafkaException(committed.error)
            if committed.offset >= 0 and not made_anew(committed, self.commits.ids.get(committed.topic, "")):
                place, known = committed_place(committed), self._proven.get((committed.topic, committed.partition))
                start[committed.topic, committed.partition] = (
                    place._replace(leader=UNKNOWN) if known == place.offset else place
                )
        # By another client: the library ends the process at the next callback of a client that is asked for its topics
        # within one, as this one would have to be for a partition that was added.
        fresh = {(committed.topic, committed.partition) for committed in told} - start.keys()
        begun = Places(self.cluster).starts(fresh) if fresh else {}
        start |= {partition: Place(offset) for partition, offset in begun.items()}
        for committed in told:
            if (partition := (committed.topic, committed.partition)) in self._listed:
                # The switch itself has written a place. Where there is none, or of another topic, nothing is left of
                # what it lists: rather twice than never.
                self._skip(partition, 0 if partition in begun else bound(committed.metadata))
        self._progress.assigned(start)
        given = offsets(start, lambda _: "")
        self._cuts.assign(given, paused=self._paused)
        if begun:  # before anything is sent: a group that dies before its next commit has not lost its offsets
            self.commits.soon(begun)
        if start and not self.joined:  # the classic protocol tells a member that it is given nothing, too
            self.joined = True
            self._changed()

    def _skip(self, partition: Partition, end: int | None) -> None:
        """Pass over what the switch lists of a partition, as far as that lay before its end when the group first came.

        That end is kept in the group's own commits: to who comes later, more would look as if it could be meant.
        """
        if end is None:
            end = Places(self.cluster).high_watermarks([partition])[partition]  # behind open transactions, too
        meant = within(self._listed[partition], end)
        self.commits.bounds[partition] = end
        if meant:
            self._passing[partition] = meant
        say(partition, self._listed[partition], meant, end)

    def _revoked(self, consumer: Consumer, partitions: list[TopicPartition]) -> None:
        going = [(partition.topic, partition.partition) for partition in partitions]
        self._progress.collect()
        if self._progress.uncommitted(going):
            self._delivery.flush()
        # Not waited for: that would hang the callback. It goes out, on one connection, before the partitions do. What
        # was committed is committed again: the last answer may still come, and say that the group did not take it.
        positions = {partition: at for partition, at in self._progress.positions().items() if partition in going}
        if positions:
            self.commits.soon(positions)
        self._go(consumer, partitions)

    def _lost(self, consumer: Consumer, partitions: list[TopicPartition]) -> None:
        _LOG.warning("lost %d partitions to another member", len(partitions))
        self._go(consumer, partitions)

    def _go(self, consumer: Consumer, partitions: list[TopicPartition]) -> None:
        going = [(partition.topic, partition.partition) for partition in partitions]
        self._progress.gone(going)
        self._left.update(going)
        self._cuts.gone(going)
        consumer.incremental_unassign(partitions)
