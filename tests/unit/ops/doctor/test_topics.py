"""Topics: what is missing or differs, what two clusters have unlike, and what has too few replicas."""

from types import SimpleNamespace
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from kafkalert.config.sections import Cluster, Context, Settings
from kafkalert.ops.doctor.topics import alike, configured, replicated
from kafkalert.ops.topics import Topic, compare, wanted

SETTINGS = Settings(context=Context(clusters=("dc1",)), clusters={"dc1": Cluster(name="dc1", bootstrap="h:1")})
WANTED = wanted(SETTINGS)


def found(one: Topic, **config: str) -> Topic:
    """A topic as it should be, but for some settings."""
    changed = {name.replace("_", "."): value for name, value in config.items()}
    return Topic(one.name, one.partitions, one.replication, one.config | changed, one.keyed)


def test_a_topic_that_differs_is_as_bad_as_what_it_does() -> None:
    """A table that is deleted by age loses rows; records that are kept longer harm nobody."""
    entries, table, *others = WANTED
    comparisons = [
        compare("dc1", entries, found(entries, retention_ms="1")),
        compare("dc1", table, found(table, cleanup_policy="delete")),
        *(compare("dc1", one, None) for one in others[:2]),
        *(compare("dc1", one, found(one)) for one in others[2:]),
    ]
    missing, longer, lost, fine = configured("dc1", comparisons)
    assert missing.text == f"2 topics do not exist on dc1: {others[0].name}, {others[1].name}."
    assert [str(one.grade) for one in (missing, longer, lost, fine)] == ["bad", "look", "bad", "ok"]
    assert "topics apply" in longer.hint
    assert f"{len(others) - 2} topics of {len(WANTED)}" in fine.text


def test_partitions_that_apply_does_not_add() -> None:
    (entries, *_) = WANTED
    fewer = Topic(entries.name, 2, 1, entries.config)
    (one,) = configured("dc1", [compare("dc1", entries, fewer)])
    assert (str(one.grade), "Set partitions = 2" in one.hint) == ("bad", True)


COUNTS = st.dictionaries(st.sampled_from("abcdef"), st.integers(1, 5))


@given(COUNTS, COUNTS)
def test_what_two_clusters_have_unlike(here: dict[str, int], there: dict[str, int]) -> None:
    """Just the topics that both have, with other numbers; what one lacks is told by itself."""
    checks = list(alike({"dc1": here, "dc2": there}))
    unlike = {name for name in {*here} & {*there} if here[name] != there[name]}
    assert {one.name for one in checks if one.is_finding} == unlike
    assert [one.name for one in checks if not one.is_finding] == ["both clusters"] * (not unlike and bool({*here} & {*there}))  # noqa: E501 - one expression  # fmt: skip


def test_one_cluster_has_nothing_to_differ_from() -> None:
    assert list(alike({"dc1": {"a": 1}})) == []


def test_partitions_without_leaders_and_replicas() -> None:
    def part(leader: int, isrs: int) -> SimpleNamespace:
        return SimpleNamespace(leader=leader, replicas=[1, 2, 3], isrs=[1, 2, 3][:isrs])

    parts = {0: part(1, 3), 1: part(-1, 0), 2: part(2, 2)}
    metadata: Any = SimpleNamespace(topics={"a": SimpleNamespace(error=None, partitions=parts)})
    offline, behind = replicated("dc1", metadata, ["a", "b"])
    assert offline.text == "a[1] on dc1 has no leader: nobody reads or writes there."
    assert behind.text.startswith("a[2] on dc1 has fewer replicas in sync")
    del parts[1], parts[2]
    (fine,) = replicated("dc1", metadata, ["a", "b"])
    assert fine.text == "All replicas of 1 partition are in sync."
