"""How far a stage has come whose records are done with when their calls to the outside are, in whatever order."""

import logging
from collections import Counter, deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Final, NamedTuple

from confluent_kafka import Message

from kafkalert.bus.records.partitions import Partition
from kafkalert.engine.clock import Clock
from kafkalert.engine.consuming.progress import Place, Progress, partition_of
from kafkalert.engine.deadletter import DeadLetters
from kafkalert.engine.sinks.completion import Completion
from kafkalert.engine.sinks.sink import Sink
from kafkalert.errors import DecodingError

_LOG = logging.getLogger(__name__)
_FAILED: Final = "call-failed"
_LONG_SECONDS: Final = 30.0
"""For how long a stage takes nothing that is said to wait for a call."""


class _Waiting(NamedTuple):
    """A record for which the sink had no room; or with none, an offset that the loop has reached behind such."""

    assignment: int
    partition: Partition
    following: int
    record: Message | None
    before: Message | None = None


class SinkProgress(Progress):
    """Hands records to `sink`, and has committed what lies before the lowest one that is not complete.

    It belongs to the loop's thread. What the sink has no room for waits here, in order, and `advance` offers it again:
    until it says that there is room, the loop reads no more. Nor is there room for a record that lies more than
    `most_behind` offsets behind the lowest one of its partition that is not complete: after a crash, all of these come
    again. A record whose call failed for good is put away in `dead` before it counts as complete.
    """

    def __init__(self, sink: Sink, dead: DeadLetters, clock: Clock, *, most_behind: int) -> None:
        super().__init__()
        self._sink = sink
        self._dead = dead
        self._clock = clock
        self._most_behind = most_behind
        self._took_at = clock.monotonic()
        self._completion = Completion()
        self._waiting: deque[_Waiting] = deque()

    def assigned(self, at: Mapping[Partition, Place]) -> None:
        """Begin to read these partitions here: what was taken of them before counts no more."""
        super().assigned(at)
        self._completion.assigned(at)

    def gone(self, partitions: Iterable[Partition]) -> None:
        """Forget these partitions, and begin none of their calls any more."""
        going = list(partitions)
        super().gone(going)
        self._completion.gone(going)
        self._sink.drop(going)

    def take(self, records: Sequence[Message]) -> None:
        """Take records, in order for each partition. Raises as `Sink.offer` does."""
        for record in records:
            partition = partition_of(record)
            assignment = self._completion.assignment(partition)
            if assignment is not None:
                self._waiting.append(_Waiting(assignment, partition, (record.offset() or 0) + 1, record))
        self.advance()

    def reached(self, partition: Partition, following: int, last: Message | None = None) -> None:
        """See `Progress.reached`; where records of before wait to be taken, once they are."""
        assignment = self._completion.assignment(partition)
        if assignment is not None and any(waiting.partition == partition for waiting in self._waiting):
            self._waiting.append(_Waiting(assignment, partition, following, None, last))
        else:
            super().reached(partition, following, last)

    def advance(self) -> bool:
        """Offer what waits, in order; whether nothing waits any more. Raises as `Sink.offer` does."""
        while self._waiting:
            waiting = self._waiting[0]
            if self._completion.assignment(waiting.partition) == waiting.assignment and not self._is_taken(waiting):
                return False
            self._waiting.popleft()
        return True

    def _is_taken(self, waiting: _Waiting) -> bool:
        if waiting.record is None:
            super().reached(waiting.partition, waiting.following, waiting.before)
            return True
        if waiting.following <= (self.next_offset(waiting.partition) or 0):  # it came twice
            return True
        if self._is_far(waiting):
            self.collect()
            if self._is_far(waiting):
                return False
        place = super().placed({waiting.partition: waiting.following - 1})[waiting.partition]
        token = self._completion.taken(waiting.partition, waiting.following - 1, place)
        key, size = waiting.record.key(), len(waiting.record.key() or b"") + len(waiting.record.value() or b"")
        # without a key: in any order
        if not self._sink.offer(token, waiting.record, token if key is None else key, size):
            self._completion.returned(token)
            return False
        super().reached(waiting.partition, waiting.following, waiting.record)
        self._took_at = self._clock.monotonic()
        return True

    def _is_far(self, waiting: _Waiting) -> bool:
        """Whether it lies too far behind one that is not complete; offsets that hold no record are no distance."""
        safe, reading = self._safe(waiting.partition), self.next_offset(waiting.partition) or 0
        return safe < reading and waiting.following - safe > self._most_behind

    def await_room(self, seconds: float) -> None:
        """Wait until a call has ended, at most so long. Raises as `collect` does."""
        self.collect()
        self._sink.await_change(seconds)

    def obstacle(self) -> str:
        """Return the call that began first, where records wait for room and none was taken for long."""
        begun = self._sink.begun() if self._waiting else []
        if not begun or self._clock.monotonic() - self._took_at < _LONG_SECONDS:
            return ""
        (topic, number), _, offset = begun[0].token
        since = datetime.fromtimestamp(begun[0].begun_ms / 1000, UTC)
        return f"the call for {topic}[{number}] offset {offset} has not ended since {since:%H:%M:%S} UTC"

    def collect(self) -> None:
        """Note which calls have ended. Raises as `Sink.drain` and `DeadLetters.put` do."""
        for done in self._sink.drain():
            if done.error is not None and self._completion.is_open(done.token):
                self._dead.put(done.record, _reason(done.error))
            self._completion.completed(done.token)

    def settle(self, seconds: float, waiting: Callable[[], None]) -> None:
        """Begin nothing more, and wait at most so long for the calls that run. Raises as `Sink.flush` does."""
        self._waiting.clear()
        self._sink.close()  # what would begin now might not end in time, and would be called for twice
        self._sink.flush(seconds, waiting)
        self.collect()
        counts = Counter(job.token.partition for job in self._sink.begun())
        if counts:
            named = ", ".join(f"{topic}[{number}]: {count}" for (topic, number), count in sorted(counts.items()))
            _LOG.warning("records whose calls have not ended are not committed, and come again: %s", named)

    def unfinished(self) -> int:
        """How many records' calls have begun, and are in no commit."""
        return self._sink.unfinished()

    def placed(self, offsets: Mapping[Partition, int]) -> dict[Partition, Place]:
        """Return these offsets with the ids of the records before them; one that is not complete as it was taken."""
        found = super().placed(offsets)
        for partition in found:
            place = self._completion.place(partition)
            if place is not None and place.offset == offsets[partition]:
                found[partition] = place
        return found

    def lag(self, ends: Mapping[Partition, int]) -> dict[Partition, int]:
        """How many offsets before these ends were not read yet, and how many records are not complete."""
        counts = self._completion.incomplete()
        return {partition: left + counts.get(partition, 0) for partition, left in super().lag(ends).items()}

    def _safe(self, partition: Partition) -> int:
        return self._completion.safe(partition, super()._safe(partition))


def _reason(error: Exception) -> DecodingError:
    """Why a record is put away; of an error that the stage did not raise for that, its kind alone."""
    if isinstance(error, DecodingError):
        return error
    return DecodingError(_FAILED, f"The call ended with {type(error).__name__}.")
