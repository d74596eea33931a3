"""Which group protocol is chosen by what brokers say, and what where they say nothing."""

from concurrent.futures import Future
from types import SimpleNamespace
from typing import Any

import pytest
from confluent_kafka import KafkaError, KafkaException

from kafkalert.bus import groups
from kafkalert.config.sections import Cluster
from kafkalert.errors import ConfigError

CLUSTER = Cluster(name="dc1", bootstrap="127.0.0.1:1")
MODERN = {
    "group.coordinator.rebalance.protocols": "classic,consumer",
    "group.consumer.min.session.timeout.ms": "5000",
    "group.consumer.min.heartbeat.interval.ms": "1000",
}


class Brokers:
    """An admin client of brokers that are configured so; `refusal` is what they answer instead."""

    def __init__(self, said: dict[str, str], refusal: int | None = None) -> None:
        self._said = said
        self._refusal = refusal
        self.asked: list[Any] = []

    def list_topics(self, timeout: float) -> SimpleNamespace:
        """Answered by a bootstrap address, whose broker's id is not known yet."""
        assert timeout > 0
        return SimpleNamespace(orig_broker_id=-1, brokers={7: None, 3: None})

    def describe_configs(self, resources: list[Any], request_timeout: float) -> dict[Any, Future[Any]]:
        """What a broker is configured to."""
        assert request_timeout > 0
        return self._answer(resources, {name: SimpleNamespace(value=value) for name, value in self._said.items()})

    def incremental_alter_configs(self, resources: list[Any], request_timeout: float) -> dict[Any, Future[Any]]:
        """Taken."""
        assert request_timeout > 0
        return self._answer(resources, None)

    def _answer(self, resources: list[Any], result: object) -> dict[Any, Future[Any]]:
        self.asked += resources
        future: Future[Any] = Future()
        if self._refusal is None:
            future.set_result(result)
        else:
            future.set_exception(KafkaException(KafkaError(self._refusal)))
        return dict.fromkeys(resources, future)


@pytest.fixture
def brokers(monkeypatch: pytest.MonkeyPatch) -> Any:  # noqa: ANN401 - a constructor
    """`brokers({...})`: these are asked from now on."""

    def they(said: dict[str, str], refusal: int | None = None) -> Brokers:
        one = Brokers(said, refusal)
        monkeypatch.setattr("kafkalert.bus.clients.admin", lambda _cluster: one)
        return one

    return they


def test_the_new_protocol_where_a_named_broker_allows_short_sessions(brokers: Any) -> None:  # noqa: ANN401
    """It is a broker that is asked, by an id that it has; the group's session is set there."""
    asked = brokers(MODERN)
    assert groups.group_properties(CLUSTER, "g", "auto") == {"group_protocol": "consumer"}
    assert [one.name for one in asked.asked] == ["3", "g"]


@pytest.mark.parametrize(("least", "wanted"), [("100", "500"), ("500", "500"), ("700", "700"), ("1000", "1000")])
def test_heartbeats_are_as_frequent_as_is_wanted_or_allowed(brokers: Any, least: str, wanted: str) -> None:  # noqa: ANN401
    asked = brokers(MODERN | {"group.consumer.min.heartbeat.interval.ms": least})
    groups.group_properties(CLUSTER, "g", "auto")
    entries = {entry.name: entry.value for entry in asked.asked[-1].incremental_configs}
    assert entries == {"consumer.session.timeout.ms": "5000", "consumer.heartbeat.interval.ms": wanted}


@pytest.mark.parametrize(
    "said",
    [
        MODERN | {"group.coordinator.rebalance.protocols": "classic"},
        MODERN | {"group.consumer.min.session.timeout.ms": "5001"},
        MODERN | {"group.consumer.min.heartbeat.interval.ms": "1001"},
        {},
    ],
)
def test_the_classic_one_elsewhere(brokers: Any, said: dict[str, str]) -> None:  # noqa: ANN401
    """Cooperative, with the session that every broker allows unless it says otherwise."""
    brokers(said)
    chosen = groups.group_properties(CLUSTER, "g", "auto")
    assert (chosen["group_protocol"], chosen["partition_assignment_strategy"]) == ("classic", "cooperative-sticky")
    assert chosen["session_timeout_ms"] == 6000


@pytest.mark.parametrize(("least", "session"), [("1000", 5000), ("5500", 5500), ("6000", 6000), ("30000", 30_000)])
def test_a_classic_session_is_as_short_as_brokers_allow(brokers: Any, least: str, session: int) -> None:  # noqa: ANN401
    """A shorter one would be refused, and the member would never join; one below 5 s nobody needs."""
    brokers(MODERN | {"group.min.session.timeout.ms": least})
    assert groups.group_properties(CLUSTER, "g", "classic")["session_timeout_ms"] == session


def test_brokers_that_do_not_tell_get_what_every_broker_has(brokers: Any) -> None:  # noqa: ANN401
    """A client may lack the permission; where it is told what to speak it speaks that."""
    brokers(MODERN, KafkaError.CLUSTER_AUTHORIZATION_FAILED)
    chosen = groups.group_properties(CLUSTER, "g", "auto")
    assert (chosen["group_protocol"], chosen["session_timeout_ms"]) == ("classic", 6000)
    assert groups.group_properties(CLUSTER, "g", "consumer") == {"group_protocol": "consumer"}


def test_brokers_that_do_not_answer_decide_nothing(brokers: Any) -> None:  # noqa: ANN401
    """Members of one group that chose by chance would choose differently."""
    brokers(MODERN, KafkaError._TIMED_OUT)
    with pytest.raises(KafkaException):
        groups.group_properties(CLUSTER, "g", "auto")


def test_a_protocol_that_is_not_there_is_a_wrong_configuration(brokers: Any) -> None:  # noqa: ANN401
    """It would be refused for ever."""
    brokers(MODERN | {"group.coordinator.rebalance.protocols": "classic"})
    with pytest.raises(ConfigError, match="KIP-848"):
        groups.group_properties(CLUSTER, "g", "consumer")
