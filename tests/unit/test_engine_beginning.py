"""Where a group without offsets begins, and which one has lost them."""

from typing import Any
from unittest.mock import Mock

import pytest
from confluent_kafka import TopicPartition

from kafkalert.config.sections import Cluster
from kafkalert.engine.beginning import Beginning, OffsetsGoneError
from kafkalert.errors import ExitCode

DC1 = Cluster(name="dc1", bootstrap="127.0.0.1:1")
IN, OUT = ("accountentry", 0), ("outboundemailmessage", 0)


class Scene:
    """A group on a cluster that holds what a test says."""

    def __init__(self, *, committed: int = -1001, members: bool = False, read: int = 7, sent: tuple[int, int]) -> None:
        self.begun: list[dict[Any, int]] = []
        self.beginning = Beginning(DC1, "kafkalert.alerting")
        hidden: Any = self.beginning
        hidden._has_members = lambda: members
        hidden._begin = lambda places, _epoch: self.begun.append(places)
        hidden._oldest = lambda _starts: 1_700_000_000_000
        hidden._ends = lambda _consumer, one: sent if one == OUT else (3, 3 + read)
        self.consumer = Mock()
        self.consumer.committed.return_value = [TopicPartition(*IN, committed)]

    def check(self, gone: str = "refuse") -> list[dict[Any, int]]:
        """The places that it commits as the first ones."""
        chosen: Any = gone
        self.beginning.check(self.consumer, [IN], [OUT], epoch=0, gone=chosen)
        return self.begun


def test_a_first_start_commits_its_first_places() -> None:
    """So one that is killed before its first commit is not taken for one that lost its offsets."""
    assert Scene(sent=(0, 0)).check() == [{IN: 3}]


def test_who_goes_on_or_joins_others_is_asked_nothing() -> None:
    assert Scene(committed=5, sent=(0, 9)).check() == []
    assert Scene(members=True, sent=(0, 9)).check() == []


@pytest.mark.parametrize("sent", [(0, 9), (9, 9)], ids=["alerts are there", "alerts were there, and expired"])
def test_where_alerts_were_sent_the_offsets_are_lost(sent: tuple[int, int]) -> None:
    """How many records it is, and from when; with "again" it goes on."""
    with pytest.raises(OffsetsGoneError, match=r"process 7 records again, from 2023-11-14 22:13:20 UTC on") as refused:
        Scene(sent=sent).check()
    assert refused.value.exit_code is ExitCode.REFUSED
    assert "kafkalert offsets set kafkalert.alerting" in refused.value.hint
    assert Scene(sent=sent).check("again") == []


def test_nothing_to_read_is_nothing_to_lose() -> None:
    assert Scene(read=0, sent=(0, 9)).check() == [{IN: 3}]
