"""What a cluster is asked about offsets, and when."""

from concurrent.futures import Future
from types import SimpleNamespace
from typing import Any
from unittest.mock import Mock, patch

import pytest
from confluent_kafka import KafkaError, KafkaException, TopicPartition

from kafkalert.bus.records.mark_reader import Places
from kafkalert.config.sections import Cluster
from kafkalert.errors import UnreachableError

ONE = ("t", 0)


def answered(value: object) -> Future[Any]:
    """A future with that answer."""
    future: Future[Any] = Future()
    if isinstance(value, Exception):
        future.set_exception(value)
    else:
        future.set_result(value)
    return future


def places(admin: Mock) -> Places:
    """Of a cluster that this client asks."""
    with patch("kafkalert.bus.clients.admin", lambda _: admin):
        return Places(Cluster(name="dc1", bootstrap="127.0.0.1:1"))


def test_offsets_are_never_what_a_client_asks_first() -> None:
    """The library would take 3 s for one such answer in 200."""
    admin = Mock()
    admin.describe_cluster.return_value = answered(None)
    admin.list_offsets.return_value = {TopicPartition(*ONE): answered(SimpleNamespace(offset=7))}
    asked = places(admin)
    assert asked.starts([]) == {}
    assert not admin.method_calls
    assert [asked.starts([ONE]), asked.ends([ONE])] == [{ONE: 7}] * 2
    assert [name for name, _, _ in admin.method_calls] == ["describe_cluster", "list_offsets", "list_offsets"]


def test_what_it_asks_first_decides_nothing() -> None:
    """It goes to the controller, which may be away while all leaders answer; and it is not asked twice."""
    admin = Mock()
    admin.describe_cluster.return_value = answered(KafkaException(KafkaError(KafkaError._TIMED_OUT)))
    admin.list_offsets.return_value = {TopicPartition(*ONE): answered(SimpleNamespace(offset=7))}
    asked = places(admin)
    assert [asked.starts([ONE]), asked.ends([ONE])] == [{ONE: 7}] * 2
    assert [name for name, _, _ in admin.method_calls] == ["describe_cluster", "list_offsets", "list_offsets"]
    admin.list_offsets.return_value = {
        TopicPartition(*ONE): answered(KafkaException(KafkaError(KafkaError._TIMED_OUT)))
    }
    with pytest.raises(UnreachableError):
        asked.starts([ONE])
