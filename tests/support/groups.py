"""Groups without members, put where a test wants them."""

from collections.abc import Mapping

from confluent_kafka import KafkaException

from kafkalert.bus.records.partitions import Partition
from kafkalert.ops.failover.positions.groups import Groups
from kafkalert.sandbox.process import wait_until
from tests.support.tailing import SECONDS


def put(groups: Groups, group: str, offsets: Mapping[Partition, int]) -> None:
    """Have a group be there; a broker that has just started may not know yet who coordinates it."""

    def moved() -> bool:
        try:
            groups.move(group, offsets, epoch=0)
        except KafkaException:
            return False
        return True

    assert wait_until(moved, SECONDS)
