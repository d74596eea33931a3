"""The loop of a stage: read a batch, process it, and from time to time deliver and commit.

At least once, in order per key: an offset is committed only when the broker has acknowledged every output of what lies
before it, and the outputs of one input partition are produced by one member at a time.
"""

import logging
from collections.abc import Callable, Mapping
from threading import Thread
from typing import Final

from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaError, KafkaException, Message, TopicPartition

from kafkalert.bus import clients
from kafkalert.bus.groups import group_properties
from kafkalert.config.sections import Cluster
from kafkalert.config.sections import Engine as EngineSection
from kafkalert.engine.clock import Clock
from kafkalert.engine.deadletter import DeadLetters
from kafkalert.engine.delivery import Delivery
from kafkalert.engine.ending import Ending
from kafkalert.engine.metrics import Metrics
from kafkalert.engine.progress import Partition, Progress, offsets, partition_of
from kafkalert.engine.skipping import Ranges, skipped
from kafkalert.engine.stage import Stage
from kafkalert.errors import KafkalertError

_LOG = logging.getLogger(__name__)
POLL_SECONDS: Final = 0.1
CLOSE_SECONDS: Final = 1.5
CALL_SECONDS: Final = 5.0
COMMIT_SECONDS: Final = 2.0
RETRY_SECONDS: Final = 0.2
FRESH_SECONDS: Final = 0.02
_STALE: Final = "the control log was not read in time"
_UNCONFIRMED: Final = "the last commit is not confirmed"


class RetryError(KafkalertError):
    """The clients have to be made anew; what was not committed is read again."""


class Loop:
    """One stage's member of its group on one cluster. It has no part in the group before `join`.

    `hold` says, as long as it returns a reason, that nothing may be processed now. `fresh` says whether the control log
    was read lately enough to go on by it at a monotonic time; where it was not, `look` is called once it was, and may
    change `ending`. `changed` is called when `held` or `joined` change.
    """

    def __init__(
        self,
        stage: Stage,
        cluster: Cluster,
        group: str,
        section: EngineSection,
        *,
        delivery: Delivery,
        dead: DeadLetters,
        metrics: Metrics,
        hold: Callable[[], str],
        fresh: Callable[[float], bool],
        look: Callable[[], None],
        changed: Callable[[], None],
        clock: Clock,
        ending: Ending,
    ) -> None:
        self._stage = stage
        self._batch = section.batch
        self._commit_seconds = section.commit_interval.total_seconds()
        self._delivery = delivery
        self._dead = dead
        self._metrics = metrics
        self._hold = hold
        self._fresh = fresh
        self._look = look
        self._changed = changed
        self._clock = clock
        self._ending = ending
        self._metadata = ""
        self._skips: Mapping[Partition, Ranges] = {}
        self._skipping: dict[Partition, Ranges] = {}
        self._progress = Progress()
        self._elsewhere: dict[Partition, int] = {}
        self._ask_at = self._commit_from = self._commit_by = float("-inf")
        self._calls: list[Thread] = []
        self._refusal = ""
        delivery.waiting = self._tick
        self._held = ""
        self._stale = False
        self.joined = False
        self.busy = False
        self.ends: dict[Partition, int] = {}
        self.ticked = clock.monotonic()
        self.consumer = clients.consumer(
            cluster,
            group,
            enable_partition_eof=True,
            auto_offset_reset="error",
            on_commit=self._told,
            queued_max_messages_kbytes=16 * 1024,
            **group_properties(cluster, group, section.group_protocol),
        )

    def join(self, epoch: int, skips: Mapping[Partition, Ranges]) -> None:
        """Become a member. `epoch` goes into commits; offsets in `skips` are passed over unprocessed."""
        self._metadata = f"epoch={epoch}"
        self._skips = skips
        self.consumer.subscribe(
            list(self._stage.inputs), on_assign=self._assigned, on_revoke=self._revoked, on_lost=self._lost
        )

    def run(self, until: Mapping[Partition, int] | None = None) -> bool:
        """Process until the end has come, or until all before `until` was processed and committed; whether it was that.

        Asked to leave, it returns when the last commit was confirmed. Raises RetryError, DeliveryError and
        KafkaException where new clients may help, AbandonedError, KafkalertError where neither does.
        """
        while not self._ending:
            self._tick()
            now = self.ticked
            if not self._fresh(now):
                self._await_fresh()
                continue
            if now >= self._commit_by or (now >= self._commit_from and not self._delivery.pending()):
                self.commit()
                self._measure_lag()
                self._set_hold(self._hold())
                self._plan_commit()
            self._step()
            if until is not None and self._reached(until, now):
                if not self.commit_all():
                    raise RetryError("The last commit was not confirmed.", hint="It is repeated.")
                return True
        self._last_commit()
        return False

    def _plan_commit(self) -> None:
        """The next commit is due within the interval, from its middle on as soon as nothing is unacknowledged.

        So at a moderate load nobody waits for acknowledgements; a full one has no such moment, and has to.
        """
        now = self._clock.monotonic()
        self._commit_from, self._commit_by = now + self._commit_seconds / 2, now + self._commit_seconds

    def commit(self) -> None:
        """Wait for acknowledgement of every output, then commit what they came from; `_told` is told how it went."""
        moved = self._progress.uncommitted()
        if moved:
            self._delivery.flush()
            self._commit_soon(moved)
        else:
            self._delivery.poll()

    def commit_all(self) -> bool:
        """Commit all that was processed here, and wait for the answer; whether there was a good one in time."""
        self._delivery.flush()
        done = self._commit_now(self._progress.positions())
        self._measure_lag()
        return done

    def _last_commit(self) -> None:
        """Before leaving for another cluster it has to be confirmed; at a stop what is not confirmed comes again."""
        self._ending.check()
        while not self.commit_all() and not self._ending.stopped:
            self._tick()
            self._set_hold(_UNCONFIRMED)
            # A rebalance may be why; records that come with its events are neither processed nor committed.
            self.consumer.poll(RETRY_SECONDS)

    def close(self) -> None:
        """Leave the group.

        Who leaves for another cluster waits until the group knows, unless the stay is abandoned. All others do not wait
        long for a broker that does not answer.
        """
        self._progress.gone(self._progress.partitions())  # what was not committed by now stays so
        self._delivery.waiting = lambda: None

        def leave() -> None:
            for call in self._calls:  # a consumer must not be closed under a call that still waits
                call.join()
            self.consumer.close()

        closing = Thread(target=leave, name="close", daemon=True)
        closing.start()
        closing.join(CLOSE_SECONDS)
        while closing.is_alive() and self._ending.leaving and not (self._ending.abandoned or self._ending.stopped):
            closing.join(RETRY_SECONDS)

    def _tick(self) -> None:
        self.ticked = self._clock.monotonic()
        self._ending.check()

    def _await_fresh(self) -> None:
        """Hold until the control log was read again, and go on by what it says.

        So a process that was stopped for a while does not go on where others work elsewhere by now.
        """
        _LOG.warning("held: %s", _STALE)
        self._stale = True
        self._changed()
        while not self._ending and not self._fresh(self._clock.monotonic()):
            self.ticked = self._clock.monotonic()
            self._ending.wait(FRESH_SECONDS)
        self._look()
        self._ending.check()
        self._stale = False
        _LOG.warning("going on")
        self._changed()

    def _step(self) -> None:
        first = self.consumer.poll(POLL_SECONDS)
        if first is None:
            self._delivery.poll()
            return
        # consume() would wait for a full batch; what has arrived is enough.
        batch = [first, *self.consumer.consume(self._batch - 1, 0)]
        events = [one for one in batch if one.error() is not None]
        records = [one for one in batch if one.error() is None] if events else batch
        last = self._last(records)
        for event in events:
            self._event(event, last)
        if self._skipping:
            records = [one for one in records if not self._skips_over(one)]
        if records and not self._process(records):
            return
        for partition, offset in last.items():
            self._progress.reached(partition, offset + 1)
        self._delivery.poll()

    def _process(self, records: list[Message]) -> bool:
        """Have the stage process them, unless the end came while they were waited for; whether it did."""
        if not self._fresh(self._clock.monotonic()):  # the process may have been stopped inside poll()
            self._await_fresh()
        self.busy = True
        try:
            if self._ending:
                self._ending.check()
                return False
            self._stage.process(records, self._delivery, self._dead)
            return True
        finally:
            self.busy = False

    def _skips_over(self, message: Message) -> bool:
        return skipped(self._skipping.get(partition_of(message), ()), message.offset() or 0)

    def _last(self, records: list[Message]) -> dict[Partition, int]:
        """The offset of the last record of each partition."""
        if len(self._stage.inputs) > 1:
            return {partition_of(one): one.offset() or 0 for one in records}
        topic = self._stage.inputs[0]
        return {(topic, n or 0): at or 0 for n, at in {one.partition(): one.offset() for one in records}.items()}

    def _event(self, message: Message, last: dict[Partition, int]) -> None:
        """Heed what came instead of a record; where it tells of a partition's end, note that in `last`."""
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
            raise KafkalertError(
                f"{message.topic()}[{message.partition()}] no longer has the records that follow the committed offset.",
                hint="They expired or were deleted unread; set the group's offset where to go on, and start again.",
            )
        if code in {
            KafkaError.UNKNOWN_TOPIC_OR_PART,
            KafkaError.TOPIC_AUTHORIZATION_FAILED,
            KafkaError.GROUP_AUTHORIZATION_FAILED,
        }:
            raise KafkalertError(
                f"The input cannot be read: {error.str()}.",
                hint="`kafkalert topics plan` shows what is missing; check this client's permissions.",
            )
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

    def _commit_soon(self, moved: Mapping[Partition, int]) -> None:
        self._progress.committed(moved)
        try:
            self.consumer.commit(offsets=offsets(moved, self._metadata))
        except KafkaException as error:
            self._told(error.args[0], offsets(moved, self._metadata))

    def _commit_now(self, moved: Mapping[Partition, int]) -> bool:
        """Commit and wait for the answer, which a broker that hangs may never give; whether it was a good one."""
        if not moved:
            return True
        told: list[str] = []

        def call() -> None:
            try:
                answers = self.consumer.commit(offsets=offsets(moved, self._metadata), asynchronous=False)
                told.append("; ".join(one.error.str() for one in answers or () if one.error is not None))
            except KafkaException as error:
                told.append(error.args[0].str())

        calling = Thread(target=call, name="commit", daemon=True)
        self._calls.append(calling)
        calling.start()
        calling.join(COMMIT_SECONDS)
        if told == [""]:
            self._calls.remove(calling)
            self._progress.committed(moved)
            return True
        # The records come again, with the same ids.
        _LOG.warning("commit: %s", told[0] if told else f"no answer in {COMMIT_SECONDS:.0f} s")
        return False

    def _assigned(self, consumer: Consumer, partitions: list[TopicPartition]) -> None:
        start: dict[Partition, int] = {}
        for one in consumer.committed(partitions, timeout=CALL_SECONDS):
            if one.error is not None:  # not known, which is not the same as none
                raise KafkaException(one.error)
            start[one.topic, one.partition] = one.offset if one.offset >= 0 else OFFSET_BEGINNING
        self._progress.assigned(start)
        self._skipping |= {one: self._skips[one] for one in start.keys() & self._skips.keys()}
        consumer.incremental_assign(offsets(start, ""))
        if not self.joined:
            self.joined = True
            self._changed()
        if self._held:
            consumer.pause(offsets(start, ""))

    def _revoked(self, consumer: Consumer, partitions: list[TopicPartition]) -> None:
        going = [(one.topic, one.partition) for one in partitions]
        moved = self._progress.uncommitted(going)
        if moved:
            self._delivery.flush()
            # Not waited for: that would hang the callback. It goes out, on one connection, before the partitions do.
            self._commit_soon(moved)
        self._progress.gone(going)
        consumer.incremental_unassign(partitions)

    def _lost(self, consumer: Consumer, partitions: list[TopicPartition]) -> None:
        _LOG.warning("lost %d partitions to another member", len(partitions))
        self._progress.gone((one.topic, one.partition) for one in partitions)
        consumer.incremental_unassign(partitions)

    @property
    def held(self) -> str:
        """Why nothing is processed now; empty where records are."""
        return _STALE if self._stale else self._held

    def _set_hold(self, reason: str) -> None:
        if bool(reason) != bool(self._held):
            here = self.consumer.assignment()
            (self.consumer.pause if reason else self.consumer.resume)(here)
            _LOG.warning("held: %s", reason) if reason else _LOG.warning("going on")
            self._held = reason
            self._changed()
        self._held = reason

    def _reached(self, until: Mapping[Partition, int], now: float) -> bool:
        if not self.joined:
            return False
        if not self._progress.beyond(until, self._elsewhere):
            if now >= self._ask_at and any(self._progress.next_offset(one) is None for one in until):
                self._ask_at = now + 1.0
                asked = [TopicPartition(topic, number) for topic, number in until]
                told = self.consumer.committed(asked, timeout=CALL_SECONDS)
                self._elsewhere = {(one.topic, one.partition): one.offset for one in told}
            return False
        return True

    def _measure_lag(self) -> None:
        lag: dict[Partition, int] = {}
        last: dict[Partition, int] = {}
        for partition in self._progress.partitions():
            at = self._progress.next_offset(partition)
            end = self.consumer.get_watermark_offsets(TopicPartition(*partition), cached=True)[1]
            if end >= 0:
                last[partition] = end
                if at is not None and at >= 0:
                    lag[partition] = max(0, end - at)
        self.ends = last
        self.busy = True
        try:
            self._ending.check()
            self._metrics.lag = lag
        finally:
            self.busy = False
