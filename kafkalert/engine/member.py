"""A stage's member of its group on one cluster: what it is given, what it commits, and how it leaves."""

import logging
from collections.abc import Callable, Iterable, Mapping
from threading import Thread
from typing import Any, Final

from confluent_kafka import Consumer, KafkaError, KafkaException, Message, TopicPartition

from kafkalert.bus import clients
from kafkalert.bus.denied import denied, of_topic
from kafkalert.bus.mark_reader import Places
from kafkalert.bus.threads import Callbacks
from kafkalert.bus.watermarks import first_offset, high_watermarks
from kafkalert.config.sections import Cluster
from kafkalert.engine.delivery import Delivery
from kafkalert.engine.ending import Ending
from kafkalert.engine.progress import (
    Partition,
    Place,
    Progress,
    committed_place,
    made_anew,
    offsets,
    partition_of,
    with_topic,
)
from kafkalert.engine.skipping import Ranges, bound, skipped, within, written
from kafkalert.errors import KafkalertError

_LOG = logging.getLogger(__name__)
CLOSE_SECONDS: Final = 1.5
CALL_SECONDS: Final = 5.0
COMMIT_SECONDS: Final = 2.0
_RETRY_SECONDS: Final = 0.2


class RetryError(KafkalertError):
    """The clients have to be made anew; what was not committed is read again."""


class OutOfRangeError(RetryError):
    """What is to be read is not there: it is gone, or the topic was made anew."""


class Member:
    """A consumer of `group`, which it joins with `join`; before that it is only connected.

    `progress` is kept like what is assigned. `joined` is set when it was given its first partitions, of which `changed`
    is told. `skipped` counts the records that it passed over, because they were processed before a switch.
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
        self._cluster = cluster
        self._group = group
        self._inputs = ""
        self._ids: Mapping[str, str] = {}
        self._progress = progress
        self._delivery = delivery
        self._changed = changed
        self._callbacks = Callbacks()
        self._epoch = 0
        self._bounds: dict[Partition, int] = {}
        self._listed: Mapping[Partition, Ranges] = {}
        self._passing: dict[Partition, Ranges] = {}
        self._calls: list[Thread] = []
        self._refusal = ""
        self._paused = self._leaving = False
        self.joined = False
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

    def join(self, topics: Mapping[str, str], epoch: int, skips: Mapping[Partition, Ranges]) -> None:
        """Join the group, to read `topics`, each with its id, which goes into commits as `epoch` does.

        Offsets in `skips` are passed over unprocessed.
        """
        self._inputs = " or ".join(topics)
        self._ids = topics
        self._epoch = epoch
        self._listed = skips
        kept = self._callbacks.kept
        self.consumer.subscribe(
            list(topics), on_assign=kept(self._assigned), on_revoke=kept(self._revoked), on_lost=kept(self._lost)
        )

    def check(self) -> None:
        """Raise what went wrong as partitions came or went. To be called after each call of the consumer."""
        self._callbacks.check()

    def without_skipped(self, records: list[Message]) -> list[Message]:
        """Those of `records` that were not processed before the switch to this cluster."""
        if not self._passing:
            return records
        kept = [one for one in records if not skipped(self._passing.get(partition_of(one), ()), one.offset() or 0)]
        self.skipped += len(records) - len(kept)
        return kept

    def pause(self, *, paused: bool) -> None:
        """Have no records come, or again; partitions that come meanwhile are paused as well."""
        self._paused = paused
        (self.consumer.pause if paused else self.consumer.resume)(self.consumer.assignment())

    def committed_by_all(self, partitions: Iterable[Partition]) -> dict[Partition, int]:
        """What the group has committed; negative where nothing. Raises KafkaException."""
        asked = [TopicPartition(*one) for one in partitions]
        told = self.consumer.committed(asked, timeout=CALL_SECONDS)
        return {(one.topic, one.partition): one.offset for one in told}

    def ends(self) -> dict[Partition, int]:
        """The ends of the partitions that are read here, as far as fetching has told them; asks nobody."""
        return high_watermarks(self.consumer, self._progress.partitions())

    def close(self, ending: Ending) -> None:
        """Leave the group.

        Who leaves for another cluster waits until the group knows, unless the stay is abandoned. All others do not wait
        long for a broker that does not answer.
        """
        self._leaving = True
        self._progress.gone(self._progress.partitions())  # what was not committed by now stays so

        def leave() -> None:
            for call in self._calls:  # a consumer must not be closed under a call that still waits
                call.join()
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
        if code in {KafkaError._AUTO_OFFSET_RESET, KafkaError.OFFSET_OUT_OF_RANGE}:  # noqa: SLF001
            raise OutOfRangeError(
                f"{message.topic()}[{message.partition()}] does not have the offset that is to be read.",
                hint="The group's offsets are looked at again.",
            )
        name = str(message.topic() or self._inputs) if of_topic(error) else self._group
        if (refusal := denied(self._cluster, error, "READ", name)) is not None:
            raise refusal
        # Heard in the classic protocol alone; a start asks the cluster afresh, and says what is missing if anything is.
        if code == KafkaError.UNKNOWN_TOPIC_OR_PART:
            raise RetryError(f"The input cannot be read: {error.str()}.", hint="The consumer is made anew.")
        # A consumer's fatal error comes once, as a message without the flag; after it nothing comes any more.
        if error.fatal() or code == KafkaError._FATAL:  # noqa: SLF001
            raise RetryError(f"The consumer broke: {error.str()}.", hint="It is made anew.")
        # What a broker itself says (its codes are positive) keeps the member out; said once, as it is repeated.
        new = code > 0 and error.str() != self._refusal
        self._refusal = error.str() if code > 0 else self._refusal
        _LOG.log(logging.WARNING if new else logging.INFO, "consumer: %s", error.str())

    def _told(self, error: KafkaError | None, partitions: list[TopicPartition]) -> None:
        """How a commit went that was not waited for: what the group did not take is committed again."""
        for one in partitions:
            refusal = error if error is not None else one.error
            if refusal is not None:
                self._progress.refused([(one.topic, one.partition)])
                _LOG.info("commit of %s[%d]: %s", one.topic, one.partition, refusal.str())

    def commit_soon(self, moved: Mapping[Partition, int]) -> None:
        """Commit without waiting; what the group does not take is committed again."""
        places = self._progress.placed(moved)
        self._progress.committed(places)
        wanted = self._offsets(places)
        try:
            self.consumer.commit(offsets=wanted)
        except KafkaException as error:
            self._told(error.args[0], wanted)

    def commit_now(self, moved: Mapping[Partition, int]) -> bool:
        """Commit and wait for the answer, which a broker that hangs may never give; whether it was a good one."""
        if not moved:
            return True
        places = self._progress.placed(moved)
        told: list[str] = []

        def call() -> None:
            try:
                answers = self.consumer.commit(offsets=self._offsets(places), asynchronous=False)
                told.append("; ".join(one.error.str() for one in answers or () if one.error is not None))
            except KafkaException as error:
                told.append(error.args[0].str())

        calling = Thread(target=call, name="commit", daemon=True)
        self._calls.append(calling)
        calling.start()
        calling.join(COMMIT_SECONDS)
        if told == [""]:
            self._calls.remove(calling)
            self._progress.committed(places)
            return True
        # The records come again, with the same ids.
        _LOG.warning("commit: %s", told[0] if told else f"no answer in {COMMIT_SECONDS:.0f} s")
        return False

    def _assigned(self, consumer: Consumer, partitions: list[TopicPartition]) -> None:
        if self._leaving:  # inside close(), where no question is answered; what comes now goes at once
            return
        start: dict[Partition, Place] = {}
        begun: dict[Partition, int] = {}
        for one in consumer.committed(partitions, timeout=CALL_SECONDS):
            if one.error is not None:  # not known, which is not the same as none
                raise KafkaException(one.error)
            partition = (one.topic, one.partition)
            if one.offset >= 0 and not made_anew(one, self._ids.get(one.topic, "")):
                start[partition] = committed_place(one)
            else:
                begun[partition] = first_offset(self.consumer, one)
                start[partition] = Place(begun[partition])
            if partition in self._listed:
                self._skip(partition, bound(one.metadata))
        self._progress.assigned(start)
        consumer.incremental_assign(offsets(start, lambda _: ""))
        if begun:  # before anything is sent: a group that dies before its next commit has not lost its offsets
            self.commit_soon(begun)
        if not self.joined:
            self.joined = True
            self._changed()
        if self._paused:
            consumer.pause(offsets(start, lambda _: ""))

    def _skip(self, partition: Partition, end: int | None) -> None:
        """Pass over what the switch lists of a partition, as far as that lay before its end when the group first came.

        That end is kept in the group's own commits: to who comes later, more would look as if it could be meant.
        """
        if end is None:
            end = Places(self._cluster).high_watermarks([partition])[partition]  # behind open transactions, too
        listed = self._listed[partition]
        meant = within(listed, end)
        self._bounds[partition] = end
        where = f"{partition[0]}[{partition[1]}]"
        if meant:
            self._passing[partition] = meant
            count = sum(stop - start for start, stop in meant)
            _LOG.warning(
                "%s: up to %d records from offset %d on are skipped; the switch says that they were processed",
                where,
                count,
                meant[0][0],
            )
        if len(meant) < len(listed):
            _LOG.warning("%s: the switch says to skip what lay beyond its end %d then; that is not skipped", where, end)

    def _offsets(self, places: Mapping[Partition, Place]) -> list[TopicPartition]:
        def metadata(one: Partition) -> str:
            return with_topic(written(self._epoch, self._bounds.get(one)), self._ids.get(one[0], ""))

        return offsets(places, metadata)

    def _revoked(self, consumer: Consumer, partitions: list[TopicPartition]) -> None:
        going = [(one.topic, one.partition) for one in partitions]
        moved = self._progress.uncommitted(going)
        if moved:
            self._delivery.flush()
            # Not waited for: that would hang the callback. It goes out, on one connection, before the partitions do.
            self.commit_soon(moved)
        self._progress.gone(going)
        consumer.incremental_unassign(partitions)

    def _lost(self, consumer: Consumer, partitions: list[TopicPartition]) -> None:
        _LOG.warning("lost %d partitions to another member", len(partitions))
        self._progress.gone((one.topic, one.partition) for one in partitions)
        consumer.incremental_unassign(partitions)
