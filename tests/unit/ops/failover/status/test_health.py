"""Partitions without a leader, and replicas that are behind: those of the pipeline are told, others counted."""

from types import SimpleNamespace
from typing import Any, cast

import pytest
from confluent_kafka.admin import ClusterMetadata
from hypothesis import given
from hypothesis import strategies as st

from kafkalert.model.grade import Grade
from kafkalert.ops.failover.status.health import ailing, health
from kafkalert.ops.failover.status.picture import ClusterSeen, Health

OWN = frozenset({"bank.accountentry", "bank.kafkalert.control"})
LED, OFFLINE, BEHIND = (1, [1, 2, 3], [1, 2, 3]), (-1, [1, 2, 3], [2]), (1, [1, 2, 3], [1, 3])
NOTHING = "nothing can be read from it or written to it. Start the brokers that are down"
FEWER = "fewer replicas in sync than they should"
Partition = tuple[int, list[int], list[int]]


def metadata(**topics: list[Partition]) -> ClusterMetadata:
    """What a cluster of two brokers tells: of each partition its leader, replicas, and those in sync."""
    told: dict[str, Any] = {
        name.replace("_", "."): SimpleNamespace(
            partitions={n: SimpleNamespace(leader=a, replicas=b, isrs=c) for n, (a, b, c) in enumerate(partitions)}
        )
        for name, partitions in topics.items()
    }
    return cast("ClusterMetadata", SimpleNamespace(topics=told, brokers={1: "", 3: ""}))


def test_own_partitions_and_others_are_counted_apart() -> None:
    """A partition that nobody leads is offline, and not under-replicated besides."""
    told = metadata(bank_accountentry=[LED, OFFLINE, BEHIND, BEHIND], bank_kafkalert_control=[LED], other=[OFFLINE] * 3)
    assert health(told, OWN) == Health(2, 5, 1, 2, 3, 0)


@pytest.mark.parametrize(
    ("found", "grade", "text"),
    [
        (Health(3, 61), None, ""),
        (Health(3, 61, other_offline=4, other_under_replicated=2), None, ""),
        (None, Grade.UNKNOWN, "Whether partitions of dc1 are offline is not known."),
        (
            Health(3, 0),
            Grade.UNKNOWN,
            "No topic of the pipeline can be seen on dc1; `kafkalert topics plan` tells more.",
        ),
        (
            Health(1, 61, offline=1),
            Grade.BAD,
            f"1 partition of 61 on dc1 is offline: {NOTHING}; 1 broker of dc1 answers.",
        ),
        (
            Health(2, 61, under_replicated=40),
            Grade.DOUBTFUL,
            f"40 partitions of 61 on dc1 have {FEWER}: a broker is down or slow; 2 brokers of dc1 answer.",
        ),
    ],
)
def test_what_is_wrong_with_the_pipelines_topics_is_said(found: Health | None, grade: Grade | None, text: str) -> None:
    """What is not known is said too, and what others have is nobody's concern here."""
    findings = list(ailing(ClusterSeen("dc1", answers=True, control=True, health=found)))
    assert [(one.grade, one.text) for one in findings] == ([(grade, text)] if grade else [])
    assert list(ailing(ClusterSeen("dc1", answers=False, control=False, health=found))) == [], "that is said already"


PARTITIONS = st.tuples(st.sampled_from([-1, 1, 2]), st.just([1, 2, 3]), st.sampled_from([[1, 2, 3], [1], [2, 1]]))


@given(st.lists(PARTITIONS, max_size=9), st.lists(PARTITIONS, max_size=9))
def test_every_partition_is_counted_once(own: list[Partition], others: list[Partition]) -> None:
    found = health(metadata(bank_accountentry=own, other=others), OWN)
    assert found.partitions == len(own)
    assert (found.offline, found.other_offline) == tuple(sum(one[0] == -1 for one in each) for each in (own, others))
    behind = [[one for one in each if one[0] != -1 and one[2] != [1, 2, 3]] for each in (own, others)]
    assert [found.under_replicated, found.other_under_replicated] == [len(each) for each in behind]
