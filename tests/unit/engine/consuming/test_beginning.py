"""Where a group without offsets begins, and which one has lost them."""

from collections.abc import Iterator
from itertools import chain, repeat
from typing import Any, Literal
from unittest.mock import Mock

import pytest
from confluent_kafka import KafkaError, KafkaException, TopicPartition

from kafkalert.config.sections import Cluster
from kafkalert.engine.consuming.beginning import Beginning, OffsetsGoneError
from kafkalert.engine.ending import AbandonedError, Ending
from kafkalert.errors import DeniedError, ExitCode

DC1 = Cluster(name="dc1", bootstrap="127.0.0.1:1")
IN, OUT, HOP = ("accountentry", 0), ("outboundemailmessage", 0), ("customeraccountentry", 0)


class Scene:
    """A group on a cluster that holds what a test says; `committed` are the answers, one after the other."""

    def __init__(
        self, *committed: dict[Any, int], members: bool = False, read: int = 7, sent: tuple[int, int] = (0, 9)
    ) -> None:
        self.consumer, self.ending = Mock(), Ending(Mock())
        self.answers: Iterator[dict[Any, int]] = chain(committed, repeat(committed[-1] if committed else {}))
        self.consumer.committed.side_effect = self._committed
        self.consumer.get_watermark_offsets.side_effect = lambda one, **_: (
            sent if one.topic == OUT[0] else (3, 3 + read)
        )
        self.beginning = Beginning(DC1, "kafkalert.alerting", self.consumer, self.ending)
        hidden: Any = self.beginning
        hidden._has_members = lambda: members
        hidden._oldest = lambda _starts: 1_700_000_000_000

    def _committed(self, asked: list[TopicPartition], **_: object) -> list[TopicPartition]:
        answer = next(self.answers)
        return [
            TopicPartition(one.topic, one.partition, answer.get((one.topic, one.partition), -1001)) for one in asked
        ]

    def check(self, gone: Literal["refuse", "again"] = "refuse", inputs: tuple[Any, ...] = (IN,)) -> None:
        """As a start does."""
        self.beginning.check(inputs, [OUT], gone=gone)


@pytest.mark.parametrize(
    "scene",
    [
        Scene({IN: 5}),
        Scene({IN: 0}),
        Scene(members=True),
        Scene(sent=(0, 0)),
        Scene(read=0),
        Scene({}, {IN: 3}),
    ],
    ids=["goes on", "began", "joins others", "first start", "nothing to read", "another one begins just now"],
)
def test_nobody_else_is_asked(scene: Scene) -> None:
    """Above all not the worker that starts beside others: what they send must not look like an old stage's work."""
    scene.check()


@pytest.mark.parametrize("sent", [(0, 9), (9, 9)], ids=["alerts are there", "alerts were there, and expired"])
def test_where_alerts_were_sent_the_offsets_are_lost(sent: tuple[int, int]) -> None:
    """How many records it is, of what, and from when; with "again" it goes on."""
    many = r"process 7 records of accountentry again, from 2023-11-14 22:13:20 UTC on"
    with pytest.raises(OffsetsGoneError, match=many) as refused:
        Scene(sent=sent).check()
    assert refused.value.exit_code is ExitCode.REFUSED
    assert "kafkalert group seek kafkalert.alerting" in refused.value.hint
    Scene(sent=sent).check("again")


def test_a_topic_may_lose_its_offsets_alone() -> None:
    """Kafka forgets those of one that a group has not read for a week, though it reads another one."""
    with pytest.raises(OffsetsGoneError, match="process 7 records of customeraccountentry again"):
        Scene({IN: 5}).check(inputs=(IN, HOP))


def test_what_the_cluster_denies_is_a_right_that_is_missing() -> None:
    scene = Scene()
    scene.consumer.committed.side_effect = KafkaException(KafkaError(KafkaError.GROUP_AUTHORIZATION_FAILED))
    with pytest.raises(DeniedError, match=r"denies READ on group kafkalert\.alerting"):
        scene.check()


def test_who_has_left_asks_no_more() -> None:
    """The stage works elsewhere by then."""
    scene = Scene()
    scene.ending.abandon()
    with pytest.raises(AbandonedError):
        scene.check()
