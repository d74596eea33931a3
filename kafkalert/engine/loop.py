"""The loop of a stage: read a batch, process it, and from time to time deliver and commit.

At least once, in order per key: an offset is committed only when the broker has acknowledged every output of what lies
before it, and the outputs of one input partition are produced by one member at a time.
"""

import logging
from collections.abc import Mapping
from typing import Final

from confluent_kafka import Message

from kafkalert.bus.groups import SESSION_MS
from kafkalert.bus.records.partitions import Partition
from kafkalert.bus.records.unreadable import is_refused, pass_batch
from kafkalert.config.sections import Engine as EngineSection
from kafkalert.engine.clock import Clock
from kafkalert.engine.consuming.events import RetryError
from kafkalert.engine.consuming.member import POLL_SECONDS, Member
from kafkalert.engine.consuming.progress import Place, Progress, partition_of
from kafkalert.engine.deadletter import DeadLetters
from kafkalert.engine.delivery import Delivery
from kafkalert.engine.ending import Ending
from kafkalert.engine.goal import Goal
from kafkalert.engine.observe.metrics import Metrics
from kafkalert.engine.orders import Orders
from kafkalert.engine.stage import Stage

_LOG = logging.getLogger(__name__)
RETRY_SECONDS: Final = 0.2
FRESH_SECONDS: Final = 0.02
SETTLE_SECONDS: Final = 2.0
"""How long who leaves waits for calls to the outside that are under way."""
FULL_SECONDS: Final = 1.0
"""How long a stage may have no room before its partitions pause: a pause loses what was fetched ahead, and a second."""
_UNCONFIRMED: Final = "the last commit is not confirmed"


class Loop:
    """What one stage does as a `member` of its group on one cluster, by `orders`.

    `unfinished`: how many records the stage had taken, and not brought to their end, when the loop was closed.
    """

    def __init__(
        self,
        stage: Stage,
        member: Member,
        section: EngineSection,
        *,
        progress: Progress,
        delivery: Delivery,
        dead: DeadLetters,
        metrics: Metrics,
        orders: Orders,
        clock: Clock,
        ending: Ending,
    ) -> None:
        self._stage = stage
        self._batch = section.batch
        self._commit_seconds = section.commit_interval.total_seconds()
        self._delivery = delivery
        self._dead = dead
        self._metrics = metrics
        self._orders = orders
        self._clock = clock
        self._ending = ending
        self._progress = progress
        self._commit_from = self._commit_by = float("-inf")
        delivery.waiting = self._tick
        self._held = ""
        self._stale = self._full = self._drained = False
        self.busy, self.unfinished = False, 0
        self.ends: dict[Partition, int] = {}
        self.measured = clock.monotonic()
        self.ticked = self._room_at = clock.monotonic()
        self._member = member
        self.consumer = member.consumer

    @property
    def joined(self) -> bool:
        """Whether the group has given it partitions."""
        return self._member.joined

    def run(self, until: Mapping[Partition, int] | None = None) -> bool:
        """Process until the end has come, or until all before `until` was processed and committed; whether it was that.

        Asked to leave, it returns when the last commit was confirmed. Raises RetryError, DeliveryError and
        KafkaException where new clients may help, AbandonedError, KafkalertError where neither does.
        """
        goal = None if until is None else Goal(until, self._member, self._progress)
        while not self._ending:
            self._tick()
            now = self.ticked
            if not self._orders.fresh(now):
                self._await_fresh()
                continue
            if now >= self._commit_by or (now >= self._commit_from and not self._delivery.pending()):
                self.commit()
                self._measure_lag()
                self._set_hold(self._orders.hold(self._awaited()))
                self._plan_commit()
            self._step()
            if goal is not None and goal.is_reached(now):
                if not self.commit_all():
                    raise RetryError("The last commit was not confirmed.", hint="It is repeated.")
                return True
        self._last_commit()
        return False

    def _plan_commit(self) -> None:
        """Plan the next commit within the interval, from its middle on as soon as nothing is unacknowledged.

        So at a moderate load nobody waits for acknowledgements; a full one has no such moment, and has to.
        """
        now = self._clock.monotonic()
        self._commit_from, self._commit_by = now + self._commit_seconds / 2, now + self._commit_seconds

    def commit(self) -> None:
        """Wait for acknowledgement of every output, then commit what they came from; the member hears how it went."""
        self._progress.collect()
        moved = self._progress.uncommitted()
        if moved:
            self._delivery.flush()
            self._member.commits.soon(moved)
        else:
            self._delivery.poll()

    def commit_all(self) -> bool:
        """Commit all that was processed here, and wait for the answer; whether there was a good one in time."""
        self._progress.collect()
        self._delivery.flush()
        done = self._member.commits.now(self._progress.positions())
        self._measure_lag()
        return done

    def _last_commit(self) -> None:
        """Before leaving for another cluster it has to be confirmed; at a stop what is not confirmed comes again."""
        self._ending.check()
        self._progress.settle(SETTLE_SECONDS, self._tick)
        while not self.commit_all() and not self._ending.stopped:
            self._tick()
            self._set_hold(_UNCONFIRMED)
            # A rebalance may be why; records that come with its events are neither processed nor committed.
            self.consumer.poll(RETRY_SECONDS)
            self._member.check()

    def settle(self) -> None:
        """Begin nothing more of what lies behind the end, and commit what of it is done with. Raises as `run` does."""
        self._progress.settle(SETTLE_SECONDS, self._tick)
        if not self.commit_all():
            raise RetryError("The last commit was not confirmed.", hint="It is repeated.")

    def close(self) -> None:
        """Leave the group: see `Member.close`."""
        self._delivery.waiting = lambda: None
        self.unfinished = self._progress.unfinished()
        self._member.close(self._ending)

    def _tick(self) -> None:
        self.ticked = self._clock.monotonic()
        self._ending.check()

    def _await_fresh(self) -> None:
        """Hold until the control log was read again, and go on by what it says.

        So a process that was stopped for a while does not go on where others work elsewhere by now.
        """
        self._stale = True
        _LOG.warning("held: %s", self.held)
        self._orders.changed()
        while not self._ending and not self._orders.fresh(self._clock.monotonic()):
            self.ticked = self._clock.monotonic()
            self._ending.wait(FRESH_SECONDS)
        self._orders.look()
        self._ending.check()
        self._stale = False
        _LOG.warning("going on")
        self._orders.changed()

    def _step(self) -> None:
        if not self._has_room():
            return
        batch = self._member.fetch(self._batch)
        self._drained = len(batch) < self._batch
        if not batch:
            self._delivery.poll()
            return
        events = [message for message in batch if message.error() is not None]
        records = [message for message in batch if message.error() is None] if events else batch
        newest = self._newest(records)
        last = {partition: record.offset() or 0 for partition, record in newest.items()}
        for event in events:
            if is_refused(event.error()):
                self._put_batch_away(event, last)
            else:
                self._member.event(event, last)
        records = self._member.without_skipped(records)
        if records and not self._process(records):
            return
        for partition, offset in last.items():
            self._progress.reached(partition, offset + 1, newest.get(partition))
        if self._drained:
            self._delivery.hurry()
        else:
            self._delivery.poll()

    def _has_room(self) -> bool:
        """Whether the member may be asked: there is room for records, or none will come. That is load, and no hold."""
        room, now = self._progress.advance(), self._clock.monotonic()
        self._room_at = now if room else self._room_at
        full = not room and (self._full or now - self._room_at >= FULL_SECONDS)
        if full != self._full:
            self._full = full
            self._member.pause(paused=full or bool(self._held))
        if not (room or full):
            self._progress.await_room(POLL_SECONDS)
            self._delivery.poll()
        return room or full

    def _put_batch_away(self, refused: Message, last: dict[Partition, int]) -> None:
        """Go on behind a batch that cannot be read, as if it was processed; the library tells it again and again."""
        partition = partition_of(refused)
        if last.get(partition, -1) >= (refused.offset() or 0):
            return
        batch = pass_batch(self._member.cluster, self.consumer, refused, meanwhile=self._tick)
        if batch.end > batch.first:
            self._dead.put_batch(refused, batch)
            last[partition] = batch.end - 1

    def _process(self, records: list[Message]) -> bool:
        """Have the stage process them, unless the end came while they were waited for; whether it did.

        Raises RetryError where the process may have stood still inside poll(): others may have these records by now.
        """
        now = self._clock.monotonic()
        stood_still = now - self.ticked > SESSION_MS / 1000
        if not self._orders.fresh(now):
            self._await_fresh()
            stood_still = True
        if stood_still and not self._ending:
            raise RetryError("Records were waited for too long.", hint="They are read from the last commit on.")
        self.busy = True
        try:
            if self._ending:
                self._ending.check()
                return False
            self._stage.process(records, self._delivery, self._dead)
            return True
        finally:
            self.busy = False

    def _newest(self, records: list[Message]) -> dict[Partition, Message]:
        """Return the last record of each partition."""
        if len(self._stage.inputs) > 1:
            return {partition_of(record): record for record in records}
        topic = self._stage.inputs[0]
        return {
            (topic, number or 0): record
            for number, record in {record.partition(): record for record in records}.items()
        }

    @property
    def places(self) -> dict[Partition, Place]:
        """What was last committed of each partition that is read here."""
        return self._progress.places()

    @property
    def held(self) -> str:
        """Why nothing is processed now; empty where records are."""
        stale = f"{self._member.cluster.name}'s control log cannot be reached"
        return stale if self._stale else self._held or self._progress.obstacle()

    def _awaited(self) -> dict[Partition, int] | None:
        if self._held or self._full:
            return {}
        return self._progress.reading() if self._drained else None

    def _set_hold(self, reason: str) -> None:
        if bool(reason) != bool(self._held):
            self._member.pause(paused=bool(reason) or self._full)
            _LOG.warning("held: %s", reason) if reason else _LOG.warning("going on")
            self._held = reason
            self._orders.changed()
        self._held = reason

    def _measure_lag(self) -> None:
        if not (self._held or self._full):  # nothing is fetched then, and no end is told
            self.measured = self._clock.monotonic()
        self.ends = self._member.ends()
        self.busy = True
        try:
            self._ending.check()
            self._metrics.lag = self._progress.lag(self.ends)
            self._metrics.before_switch += self._member.skipped
            self._member.skipped = 0
        finally:
            self.busy = False
