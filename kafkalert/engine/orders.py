"""What a loop goes by besides its records."""

from collections.abc import Mapping
from typing import Protocol

from kafkalert.bus.records.partitions import Partition


class Orders(Protocol):
    """What a loop asks whether it may go on, and tells when something changes."""

    def hold(self, awaited: Mapping[Partition, int] | None) -> str:
        """Return why nothing may be processed now; empty where it may. Raises what ends the stay.

        `awaited`: the next offset of each partition whose records are waited for; none while no records may come, and
        None where some that came were perhaps not taken yet.
        """
        ...

    def fresh(self, now: float) -> bool:
        """Whether the control log was read lately enough to go on by it at this monotonic time."""
        ...

    def look(self) -> None:
        """Look what the control log says, which was read again after a while; the loop's ending may come of it."""
        ...

    def changed(self) -> None:
        """Hear that `held` or `joined` have changed."""
        ...
