"""Delivery reports that are served on the main thread, where a ctrl-c may come inside one of them."""

from collections.abc import Callable
from unittest.mock import Mock

import pytest
from confluent_kafka import TopicPartition
from pydantic import SecretStr

from kafkalert.bus import clients
from kafkalert.bus.records import unreadable
from kafkalert.config.sections import Cluster
from kafkalert.ops.failover.drill import writing
from kafkalert.ops.failover.drill.canaries import Record
from kafkalert.ops.failover.reconcile import carrying
from tests.support.fakes.engine import FakeClock

DC1 = Cluster(name="dc1", bootstrap="127.0.0.1:1")
BROKEN = Mock(**{"poll.side_effect": SystemError, "flush.side_effect": SystemError})
"""A producer whose calls a ctrl-c has broken, as the library tells that."""


def carry() -> None:
    """Carry what is stranded."""
    carrying.Carrier(DC1, DC1, "dc1", FakeClock()).carry({("accountentry", 0): [0]})


def put() -> None:
    """Write the canary's rows."""
    writing.put(DC1, [Record("accountentry", b"", b"", ())])


@pytest.mark.parametrize("limits", [{}, unreadable.SMALL])
def test_what_bounds_written_records_keeps_no_consumer_from_being_made(limits: dict[str, int]) -> None:
    """message.max.bytes is raised for what the mirror writes; consumers of small records fetch less at a time."""
    large = Cluster(name="dc1", bootstrap="127.0.0.1:1", kafka={"message.max.bytes": SecretStr("100000000")})
    consumer = clients.consumer(large, "test", error_cb=lambda _: None, **limits)
    consumer.assign([TopicPartition("accountentry", 0)])
    assert consumer.assignment() == [TopicPartition("accountentry", 0)], "one that was made takes partitions"
    consumer.close()


@pytest.mark.parametrize("command", [carry, put])
def test_ctrl_c_inside_a_report_stays_one(monkeypatch: pytest.MonkeyPatch, command: Callable[[], None]) -> None:
    monkeypatch.setattr("kafkalert.bus.clients.producer", lambda *_, **__: BROKEN)
    monkeypatch.setattr(carrying, "read", lambda *_: iter([[]]))
    with pytest.raises(KeyboardInterrupt):
        command()
