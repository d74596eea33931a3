"""How far a stage goes that is to end by itself."""

from collections.abc import Mapping
from typing import Final

from kafkalert.bus.records.partitions import Partition
from kafkalert.engine.consuming.member import Member
from kafkalert.engine.consuming.progress import Progress

_ASK_SECONDS: Final = 1.0


class Goal:
    """The offsets `until`, by partition: whoever of the group has read these, all before them has to be done with."""

    def __init__(self, until: Mapping[Partition, int], member: Member, progress: Progress) -> None:
        self._until = until
        self._member = member
        self._progress = progress
        self._elsewhere: dict[Partition, int] = {}
        self._ask_at = float("-inf")

    def is_reached(self, now: float) -> bool:
        """Whether it is, at this monotonic time. Raises KafkaException where the group does not tell its commits."""
        if not self._member.joined:
            return False
        if self._progress.beyond(self._until, self._elsewhere):
            return True
        if now >= self._ask_at and any(self._progress.next_offset(partition) is None for partition in self._until):
            self._ask_at = now + _ASK_SECONDS
            self._elsewhere = self._member.committed_by_all(self._until)
        return False
