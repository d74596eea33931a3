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
        behind = {one: at for one, at in awaited.items() if 0 <= at < ends.get(one, at)}
        self._since = {
            one: (at, self._since[one][1] if self._since.get(one, (None,))[0] == at else now)
            for one, at in behind.items()
        }
        self._patience = {one: seconds for one, seconds in self._patience.items() if one in behind.items()}
        for one, (at, begun) in self._since.items():
            seconds = self._patience.get((one, at), _PATIENCE_SECONDS)
            if now - begun > seconds:
                self._patience[one, at] = 2 * seconds
                self._since.clear()
                raise RetryError(
                    f"{one[0]}[{one[1]}] has brought nothing for {now - begun:.0f} s, though it has records from "
                    f"offset {at} on.",
                    hint="It is read again from the last commit on.",
                )
