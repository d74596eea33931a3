"""Writes copies of one cluster's records to the other one: as they are, in order, and marked as the mirror does."""

from bisect import bisect_left
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from confluent_kafka import KafkaError, KafkaException, Message

from kafkalert.bus import clients
from kafkalert.bus.connect.flow import LARGEST
from kafkalert.bus.denied import denied
from kafkalert.bus.principal import UNKNOWN
from kafkalert.bus.records.marks import ORIGIN_HEADER
from kafkalert.bus.records.partitions import Partition
from kafkalert.config.sections import Cluster
from kafkalert.engine.clock import Clock
from kafkalert.errors import KafkalertError, OutcomeUnknownError
from kafkalert.ops.failover.reconcile.reading import Left, read
from kafkalert.ops.wording import counted

STALL_SECONDS: Final = 8.0
"""A cluster that acknowledges nothing for so long, while it should, is away."""
_QUEUE: Final = 20_000
_QUEUE_KBYTES: Final = 64 << 10
_STEP_SECONDS: Final = 0.1
_PURGED: Final = frozenset({KafkaError._PURGE_QUEUE, KafkaError._PURGE_INFLIGHT})  # noqa: SLF001 - public codes
_AGAIN: Final = "Run it again: what has come there is found by its ids, and nothing is carried twice."

OnCarried = Callable[[Partition, Message], None]


class Carrier:
    """Carries records that lie on `source` into `target`, marked as what came from `origin`, the other cluster.

    So the flow out of the target drops them. Source and target may be the same, where a row is to be the last again.
    `carried` counts those that were acknowledged.
    """

    def __init__(self, source: Cluster, target: Cluster, origin: str, clock: Clock) -> None:
        self._source, self._target, self._origin = source, target, origin
        self._clock = clock
        largest = target.kafka.get("message.max.bytes")
        self._producer = clients.producer(
            target,
            linger_ms=5,
            message_max_bytes=max(LARGEST, int(largest.get_secret_value()) if largest else 0),
            queue_buffering_max_messages=_QUEUE,
            queue_buffering_max_kbytes=_QUEUE_KBYTES,
        )
        self._waiting = 0
        self._failed: KafkaError | None = None
        self._place = ""
        self._heard = clock.monotonic()
        self.carried = 0

    @clients.reports()
    def carry(
        self, wanted: Mapping[Partition, Sequence[int]], done: OnCarried = lambda *_: None, left: Left = lambda _: None
    ) -> dict[Partition, list[int]]:
        """Carry the records at these offsets, rising, of each partition; which of them are no longer there.

        Returns once all were acknowledged; `done` is told of each. Stops at the first that is not, so that none comes
        before one that precedes it.

        Raises:
            UnreachableError: the source does not answer.
            OutcomeUnknownError: the target did not say whether it took the rest.
            KafkalertError: it refused one.
        """
        first = {partition: offsets[0] for partition, offsets in wanted.items() if offsets}
        ends = {partition: wanted[partition][-1] + 1 for partition in first}
        gone: dict[Partition, list[int]] = {partition: [] for partition in first}
        places = dict.fromkeys(first, 0)
        self._heard = self._clock.monotonic()
        try:
            for batch in read(self._source, self._origin, first, ends, self._clock, left):
                for partition, message in batch:
                    place = bisect_left(wanted[partition], message.offset() or 0, places[partition])
                    gone[partition] += wanted[partition][places[partition] : place]
                    places[partition] = place
                    if place < len(wanted[partition]) and wanted[partition][place] == message.offset():
                        places[partition] += 1
                        self._send(partition, message, done)
                self._serve(self._producer.poll, 0)
                self._check()
            self._flush()
        finally:
            self._end()
        for partition, place in places.items():
            gone[partition] += wanted[partition][place:]
        return {partition: offsets for partition, offsets in gone.items() if offsets}

    def _send(self, partition: Partition, message: Message, done: OnCarried) -> None:
        def answered(error: KafkaError | None, _: Message) -> None:
            self._waiting -= 1
            self._heard = self._clock.monotonic()
            if error is None:
                self.carried += 1
                done(partition, message)
            elif error.code() not in _PURGED and self._failed is None:
                self._failed = error
                self._place = f"{partition[0]}[{partition[1]}] at {message.offset()} on {self._source.name}"

        time = message.timestamp()[1]
        while True:
            try:
                self._producer.produce(
                    partition[0],
                    message.value(),
                    message.key(),
                    partition[1],
                    on_delivery=answered,
                    timestamp=max(0, time),
                    headers=headers_of(message, self._origin, self._target.name),
                )
            except BufferError:
                self._wait()
            except KafkaException as error:
                self._serve(self._producer.poll, 0)  # where the producer broke, this knows why
                raise self._refused(self._failed or error.args[0], f"{partition[0]}[{partition[1]}]") from error
            else:
                if self._waiting == 0:
                    self._heard = self._clock.monotonic()
                self._waiting += 1
                return

    def _wait(self) -> None:
        self._serve(self._producer.poll, _STEP_SECONDS)
        self._check()

    def _flush(self) -> None:
        while self._waiting:
            self._serve(self._producer.flush, _STEP_SECONDS)
            self._check()

    def _serve(self, serve: Callable[[float], int], seconds: float) -> None:
        """Take in reports. The first call that serves them after the producer broke raises why, instead of a report."""
        try:
            serve(seconds)
        except KafkaException as error:
            self._failed = self._failed or error.args[0]

    def _check(self) -> None:
        if self._failed is not None:
            raise self._refused(self._failed, self._place)
        if self._waiting and self._clock.monotonic() - self._heard > STALL_SECONDS:
            raise OutcomeUnknownError(
                f"{self._target.name} did not say whether it took the last {counted(self._waiting, 'record')}; "
                f"{self.carried:,} were carried before.",
                hint=_AGAIN,
            )

    def _refused(self, error: KafkaError, place: str) -> KafkalertError:
        what = f"the record of {place}" if place else "what was sent last"
        return denied(self._target, error, "WRITE", place.partition("[")[0] or UNKNOWN) or KafkalertError(
            f"{self._target.name} did not take {what}: {error.str()}. {self.carried:,} were carried.",
            hint=f"Mend that. {_AGAIN}",
        )

    def _end(self) -> None:
        """Let nothing go out later, after whoever looks next has looked."""
        if self._waiting:
            self._producer.purge()
            self._serve(self._producer.flush, _STEP_SECONDS)


def headers_of(message: Message, origin: str, target: str) -> list[tuple[str, Any]]:
    """Return a record's headers as its copy on `target` has them: it came from `origin`, and from there alone."""
    marks = {f"{ORIGIN_HEADER}{name}" for name in (origin, target)}
    found: Any = message.headers() or ()
    return [*((name, value) for name, value in found if name not in marks), (f"{ORIGIN_HEADER}{origin}", None)]
