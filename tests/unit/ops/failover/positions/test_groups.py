"""An answer about groups that is not whole is none: a switch would leave a group at an old place and not know."""

from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import pytest
from confluent_kafka import ConsumerGroupTopicPartitions, KafkaError
from confluent_kafka.admin import ConsumerGroupListing, ListConsumerGroupsResult
from pydantic import SecretStr

from kafkalert.bus import clients
from kafkalert.config.sections import Cluster, Context, Settings
from kafkalert.errors import UnreachableError
from kafkalert.ops.failover.positions.groups import Groups, Known

DC1 = Cluster(name="dc1", bootstrap="127.0.0.1:1")
SETTINGS = Settings(context=Context(clusters=("dc1",), prefix="test."), clusters={"dc1": DC1})
GROUP = SETTINGS.group("alerting")
LOADING = KafkaError(KafkaError.COORDINATOR_LOAD_IN_PROGRESS)


@dataclass(frozen=True)
class Told:
    """A partition of an answer; the library's own can be given no error."""

    partition: int
    offset: int
    error: KafkaError | None = None
    topic: str = "accountentry"
    metadata: str | None = None


class Admin:
    """Brokers of which some may fail an answer, as the library tells that: within an answer that is good."""

    def __init__(self, *, errors: Sequence[KafkaError] = (), partitions: Sequence[Told] = ()) -> None:
        self._errors = list(errors)
        self._partitions = partitions

    def list_consumer_groups(self, **_: Any) -> "Future[ListConsumerGroupsResult]":  # noqa: ANN401 - any option
        """One of ours and one of others, and what brokers failed with."""
        listed = [ConsumerGroupListing(one, is_simple_consumer_group=False) for one in (GROUP, "another")]
        return answered(ListConsumerGroupsResult(listed, self._errors))  # type: ignore[arg-type]  # they are none

    def list_consumer_group_offsets(
        self,
        asked: Sequence[ConsumerGroupTopicPartitions],
        **_: Any,  # noqa: ANN401 - any option
    ) -> "dict[str, Future[SimpleNamespace]]":
        """Where the group stands."""
        return {asked[0].group_id: answered(SimpleNamespace(topic_partitions=self._partitions))}


def answered(value: Any) -> "Future[Any]":  # noqa: ANN401 - any answer
    """An answer that is there."""
    future: Future[Any] = Future()
    future.set_result(value)
    return future


def groups(monkeypatch: pytest.MonkeyPatch, admin: Admin) -> Groups:
    """The groups of the context, told by `admin`."""
    monkeypatch.setattr(clients, "admin", lambda _cluster: admin)
    return Groups(SETTINGS, DC1)


def test_a_broker_that_does_not_tell_its_groups(monkeypatch: pytest.MonkeyPatch) -> None:
    """Any group may be one of its; with all answers there, those of the context are told."""
    assert groups(monkeypatch, Admin()).names() == [GROUP]
    with pytest.raises(UnreachableError, match="Cluster dc1 "):
        groups(monkeypatch, Admin(errors=[LOADING])).names()


def test_the_library_tells_of_such_brokers_in_its_answer() -> None:
    """Brokers within librdkafka, which know no such question: no exception, and no group."""
    known = {"test.mock.num.brokers": SecretStr("2")}
    with pytest.raises(UnreachableError, match="Cluster dc1 "):
        Groups(SETTINGS, DC1.model_copy(update={"kafka": known})).names()


def test_a_partition_whose_offset_is_not_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is none without a committed offset, which is told as one below 0."""
    known, never = Told(0, 7), Told(1, -1001)
    assert groups(monkeypatch, Admin(partitions=[known, never])).committed([GROUP]) == {GROUP: {("accountentry", 0): 7}}
    with pytest.raises(UnreachableError, match="Cluster dc1 "):
        groups(monkeypatch, Admin(partitions=[known, Told(1, 9, LOADING)])).committed([GROUP])


def test_what_a_switch_wrote_that_never_came_to_be_is_told_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    """By the epoch that commits carry; those of other programs carry none."""
    partitions = [Told(0, 7, metadata="epoch=4 end=9"), Told(1, 8, metadata="epoch=5"), Told(2, 9), Told(3, -1)]
    told = groups(monkeypatch, Admin(partitions=partitions))
    of_others = {("accountentry", 2): 9}
    four = Known({("accountentry", 0): 7, **of_others}, {("accountentry", 1): 8})
    assert told.known([GROUP], 4) == {GROUP: four}
    assert told.known([GROUP], 5) == {GROUP: Known({**four.committed, **four.tried}, {})}
    assert told.committed([GROUP])[GROUP] == {("accountentry", 0): 7, ("accountentry", 1): 8, ("accountentry", 2): 9}
