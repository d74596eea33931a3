"""Partitions that bring nothing though records lie there, so that nobody waits for them without end."""

from collections.abc import Mapping
from typing import Final

from kafkalert.bus.records.partitions import Partition
from kafkalert.engine.consuming.events import RetryError

_PATIENCE_SECONDS: Final = 60.0


class Unfetched:
    """Sees that the client library no longer fetches a partition: `check`.

    It stops where a broker says that an offset is not there, and says so once; the event is dropped where the partition
    is paused, or partitions come or go, before it was taken. A slow cluster looks the same, so the patience with an
    offset doubles each time: a new stay would begin with the same fetch.
    """

    def __init__(self) -> None:
        self._since: dict[Partition, tuple[int, float]] = {}
        self._patience: dict[tuple[Partition, int], float] = {}

    def check(self, awaited: Mapping[Partition, int], ends: Mapping[Partition, int], now: float) -> None:
        """Check that what is `awaited`, by the next offset of each partition, still comes, given the logs' `ends`.

        To be called only when all that had come was taken; `now` is monotonic. Raises RetryError.
        """
        behind = {partition: at for partition, at in awaited.items() if 0 <= at < ends.get(partition, at)}
        self._since = {
            partition: (at, self._since[partition][1] if self._since.get(partition, (None,))[0] == at else now)
            for partition, at in behind.items()
        }
        self._patience = {place: seconds for place, seconds in self._patience.items() if place in behind.items()}
        for partition, (at, begun) in self._since.items():
            seconds = self._patience.get((partition, at), _PATIENCE_SECONDS)
            if now - begun > seconds:
                self._patience[partition, at] = 2 * seconds
                self._since.clear()
                raise RetryError(
                    f"{partition[0]}[{partition[1]}] has brought nothing for {now - begun:.0f} s, though it has "
                    f"records from offset {at} on.",
                    hint="It is read again from the last commit on.",
                )
