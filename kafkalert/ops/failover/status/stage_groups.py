"""Where the groups of stages are, for a process that stays open: asked by consumers that join no group.

An AdminClient asks a group's coordinator by a request whose lost connection ends the whole process (librdkafka's issue
4605, confluentinc/librdkafka#5397). A command asks for seconds; a screen is open for days, also while brokers are
restarted. A consumer that only asks what was committed goes another way.
"""

from collections.abc import Iterable
from typing import Final

from confluent_kafka import Consumer, KafkaException, TopicPartition

from kafkalert.bus import clients
from kafkalert.bus.records.mark_reader import Places
from kafkalert.bus.records.partitions import Partition
from kafkalert.config.sections import Cluster, Settings
from kafkalert.config.stages import readers

_ANSWER_SECONDS: Final = 3.0


class StageGroups:
    """The groups of the stages that are installed, on one cluster; for one thread.

    All methods raise UnreachableError where no answer comes in time, DeniedError where a right is missing.
    """

    def __init__(self, settings: Settings, cluster: Cluster, places: Places) -> None:
        self._cluster = cluster
        self._places = places
        self._topics = {settings.group(name): spec.topics(settings) for name, spec in readers().items()}
        self._consumers: dict[str, Consumer] = {}

    def names(self) -> list[str]:
        """Every group of a stage, whether the cluster knows it or not."""
        return sorted(self._topics)

    def committed(self, groups: Iterable[str]) -> dict[str, dict[Partition, int]]:
        """Where each group goes on: the next offset of each partition for which it has committed one."""
        return {group: self._committed(group) for group in groups}

    def _committed(self, group: str) -> dict[Partition, int]:
        wanted = [TopicPartition(*partition) for partition in self._places.partitions(self._topics[group])]
        if group not in self._consumers:
            self._consumers[group] = clients.consumer(self._cluster, group)
        try:
            told = self._consumers[group].committed(wanted, timeout=_ANSWER_SECONDS)
        except KafkaException as error:
            raise clients.unreachable(self._cluster, error, "DESCRIBE", group) from error
        for place in told:
            if place.error is not None:
                raise clients.unreachable(self._cluster, KafkaException(place.error), "DESCRIBE", group)
        return {(place.topic, place.partition): place.offset for place in told if place.offset >= 0}
