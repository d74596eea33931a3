"""What really waits in a partition: offsets say at most how much, as markers and compaction leave holes.

So what lies behind a group's position is read, without a group and within bounds: the first record for its time, and
where it is not much, all of it to count it. What was counted once is not read again while the group does not move.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Final

from confluent_kafka import TIMESTAMP_NOT_AVAILABLE, Message

from kafkalert.bus.records.mark_reader import MarkReader
from kafkalert.bus.records.partitions import Partition
from kafkalert.config.sections import Cluster
from kafkalert.engine.clock import Clock
from kafkalert.errors import DeniedError, KafkalertError, UnreachableError
from kafkalert.ops.lag.movement import Observation

MOST: Final = 1000
"""Offsets behind a position that are read to count records; where more lie there, only the first record is read."""
READ_SECONDS: Final = 2.0
"""How long that takes at most for a group."""
_POLL_SECONDS: Final = 0.2


@dataclass(frozen=True, slots=True)
class Waiting:
    """What waits behind `position`, as far as it was read, before the offset `upto`.

    `records`: those that were counted. `first_ms`: the time of the first of them, None without one or where it has no
    time. `known`: whether the first was looked for as far as it could be read.
    """

    position: int
    upto: int
    records: int = 0
    first_ms: int | None = None
    known: bool = False

    def any(self, observation: Observation) -> bool | None:
        """Whether a record waits; None where nobody knows."""
        if self.records or observation.stable < observation.end:
            return True
        return False if self.known and self.upto >= observation.stable else None

    def counted(self, observation: Observation) -> bool:
        """Whether `records` is all that waits."""
        return self.known and self.upto >= observation.end


class Reader:
    """Reads what waits for groups on a cluster. Not for several threads."""

    def __init__(self, cluster: Cluster, clock: Clock) -> None:
        self._reader = MarkReader(cluster, "")
        self._clock = clock
        self._known: dict[tuple[str, Partition], Waiting] = {}
        self.refused: DeniedError | None = None
        """The right that is missing to read some topic."""

    def read(self, group: str, seen: Mapping[Partition, Observation]) -> dict[Partition, Waiting]:
        """Return what waits for a group in each partition of which it is `seen`. Raises UnreachableError."""
        found = {one: self._before(group, one, observation) for one, observation in seen.items()}
        unread = {one: waiting for one, waiting in found.items() if _wants(waiting, seen[one])}
        if unread:
            try:
                found.update(self._read(unread, seen))
            except UnreachableError:
                raise
            except DeniedError as error:
                self.refused = error
            except KafkalertError:
                pass  # a topic that is gone or was made anew meanwhile: not known now
        self._known |= {(group, one): waiting for one, waiting in found.items()}
        return found

    def close(self) -> None:
        """Leave; a cluster that is away is waited for a second only."""
        self._reader.close()

    def _before(self, group: str, one: Partition, observation: Observation) -> Waiting:
        """Return what is known from before, if the group has not moved."""
        known = self._known.get((group, one))
        at = observation.position
        if known is not None and known.position == at and known.upto <= observation.end:
            return known
        return Waiting(at, at, known=observation.stable <= at)

    def _read(
        self, unread: Mapping[Partition, Waiting], seen: Mapping[Partition, Observation]
    ) -> Iterator[tuple[Partition, Waiting]]:
        """Yield what was read of each, again and again as it grows."""
        pending = dict(unread)
        give_up = self._clock.monotonic() + READ_SECONDS
        self._reader.start({one: waiting.upto for one, waiting in pending.items()})
        while pending and self._clock.monotonic() < give_up:
            for one, message in self._reader.messages(_POLL_SECONDS):
                if one in pending and (message.offset() or 0) < seen[one].stable:
                    pending[one] = _with(pending[one], message)
            over = []
            for one, waiting in pending.items():
                upto = min(self._reader.positions[one], seen[one].stable)
                is_read = upto >= seen[one].stable
                pending[one] = replace(waiting, upto=upto, known=is_read or waiting.records > 0)
                if is_read or (waiting.records and not _few(waiting, seen[one])):
                    over.append(one)
                yield one, pending[one]
            self._reader.stop(over)
            for one in over:
                del pending[one]


def _wants(waiting: Waiting, observation: Observation) -> bool:
    """Whether there is something to read."""
    if waiting.upto >= observation.stable:
        return False
    return not waiting.records or _few(waiting, observation)


def _few(waiting: Waiting, observation: Observation) -> bool:
    """Whether so little lies there that all of it is read."""
    return observation.stable - waiting.position <= MOST


def _with(waiting: Waiting, message: Message) -> Waiting:
    """Add a record; the first one tells its time."""
    if waiting.records:
        return replace(waiting, records=waiting.records + 1)
    kind, time = message.timestamp()
    return replace(waiting, records=1, first_ms=None if kind == TIMESTAMP_NOT_AVAILABLE or time < 0 else time)
