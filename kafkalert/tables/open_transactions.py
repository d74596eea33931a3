"""Records that cannot be read because a transaction of another program is open before them."""

from collections.abc import Mapping

from kafkalert.bus.records.partitions import Partition
from kafkalert.bus.transactions import tool
from kafkalert.config.sections import Cluster


class OpenTransactions:
    """Which partitions of `cluster` have records behind an open transaction, and since when, by repeated looks.

    A reader of committed records stands where the transaction begins; what was written since is acknowledged, and does
    not come.
    """

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self._since: dict[Partition, tuple[int, float]] = {}
        self._waiting: dict[Partition, int] = {}

    def look(self, positions: Mapping[Partition, int], high_watermarks: Mapping[Partition, int], now: float) -> None:
        """Note where each partition is read next, and where its log ends, at a monotonic time in seconds."""
        self._waiting = {
            partition: end - at
            for partition, at in positions.items()
            if (end := high_watermarks.get(partition, at)) > at
        }
        before = self._since
        self._since = {
            partition: before[partition]
            if partition in before and before[partition][0] == positions[partition]
            else (positions[partition], now)
            for partition in self._waiting
        }

    def overdue(self, now: float, seconds: float) -> str:
        """Return what has waited for longer than `seconds`, in a sentence without its full stop.

        It returns nothing where nothing has.
        """
        late = [partition for partition, (_, since) in self._since.items() if now - since > seconds]
        if not late:
            return ""
        first = min(late, key=lambda partition: self._since[partition][1])
        offset, since = self._since[first]
        count = sum(self._waiting[partition] for partition in late)
        return (
            f"a transaction of another program is open in {first[0]}[{first[1]}] from offset {offset} on, for"
            f" {now - since:.0f} s: {count} record{'' if count == 1 else 's'} of the customer tables wait there until"
            f" it ends ({tool(self._cluster, *first, offset)})"
        )
