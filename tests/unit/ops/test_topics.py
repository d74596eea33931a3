"""What should be against what is: the comparison of topics, without a broker."""

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kafkalert.config import names
from kafkalert.config.pipeline import TOPICS
from kafkalert.config.sections import Cluster, Context, Engine, Settings, Topics
from kafkalert.errors import RefusedError, UnreachableError
from kafkalert.ops import topic_admin
from kafkalert.ops.topics import (
    Action,
    Comparison,
    State,
    Topic,
    changes,
    check_refusals,
    compare,
    min_insync,
    summary,
    wanted,
)


def settings(topics: Topics | None = None, *, mode: str = "one-hop", prefix: str = "") -> Settings:
    return Settings(
        context=Context(clusters=("dc1",), prefix=prefix),
        clusters={"dc1": Cluster(name="dc1", bootstrap="localhost:1")},
        topics=topics or Topics(),
        engine=Engine.model_validate({"mode": mode}),
    )


WANTED = {topic.name: topic for topic in wanted(settings())}
ANY_TOPIC = st.builds(
    Topic,
    st.just("accountentry"),
    st.integers(1, 9),
    st.integers(1, 5),
    st.dictionaries(st.sampled_from(["cleanup.policy", "retention.ms"]), st.sampled_from(["delete", "compact", "5"])),
    st.booleans(),
)
SHOULD = st.builds(
    Topic,
    st.just("accountentry"),
    st.integers(1, 9),
    st.integers(1, 5),
    st.just({"cleanup.policy": "delete", "retention.ms": "5", "min.insync.replicas": "1"}),
    st.booleans(),
)


def test_every_topic_of_the_design_is_wanted() -> None:
    """All topics are there in two-hop mode; in one-hop mode all but the one that only the second hop reads."""
    assert [topic.name for topic in wanted(settings(mode="two-hop"))] == list(TOPICS)
    assert set(WANTED) == set(TOPICS) - {names.CUSTOMERACCOUNTENTRY}


def test_names_and_prefix_are_the_configurations() -> None:
    """A renamed topic is wanted by its name here, prefix included."""
    section = Topics(names={"accountentry": "entries"})
    assert "test.entries" in {topic.name for topic in wanted(settings(section, prefix="test."))}


def test_what_is_kept_how_long() -> None:
    """Tables are compacted, the rest is deleted by age; control is kept for ever, and in one partition."""
    section = Topics(retention=timedelta(days=3), delete_retention=timedelta(days=2), partitions=7)
    topics = {topic.name: topic for topic in wanted(settings(section))}
    for name in (names.ACCOUNTTOCUSTOMERIDS, names.CUSTOMERALERTSETTINGS):
        assert topics[name].config["cleanup.policy"] == "compact"
        assert topics[name].config["delete.retention.ms"] == str(2 * 86_400_000)
    for name in (names.ACCOUNTENTRY, names.DEADLETTER, *names.RECEIPTS):
        assert topics[name].config["cleanup.policy"] == "delete"
        assert topics[name].config["retention.ms"] == str(3 * 86_400_000)
        assert topics[name].partitions == 7
    assert topics[names.CONTROL].config["retention.ms"] == topics[names.CONTROL].config["retention.bytes"] == "-1"
    assert topics[names.CONTROL].partitions == topics[names.STATUS].partitions == 1
    assert all(topic.config["message.timestamp.type"] == "CreateTime" for topic in topics.values())


@pytest.mark.parametrize(("replication", "least"), [(1, 1), (2, 1), (3, 2), (4, 3), (5, 3)])
def test_a_broker_may_be_lost(replication: int, least: int) -> None:
    """A record is on a majority, and one broker's loss never stops writing."""
    assert min_insync(replication) == least
    assert replication == 1 or least < replication


def test_a_missing_topic_is_created_whole() -> None:
    """What is missing is created with its every setting, and described in words."""
    found = compare("dc1", WANTED[names.ACCOUNTENTRY], None)
    assert found.state is State.MISSING
    assert {each.action for each in found.differences} == {Action.CREATE}
    assert changes([found]) == ["create accountentry on dc1: 4 partitions, replication 1, kept for 7d"]


@given(SHOULD)
def test_what_is_as_it_should_be_is_left_alone(should: Topic) -> None:
    """No difference is found between a topic and itself, whatever else it is set to."""
    in_sync = {"min.insync.replicas": str(min_insync(should.replication)), "segment.ms": "1"}
    found = compare("dc1", should, replace(should, config=should.config | in_sync))
    assert found.state is State.FINE
    assert changes([found]) == []


@given(SHOULD, ANY_TOPIC)
def test_what_can_be_mended_is_then_as_it_should_be(should: Topic, found: Topic) -> None:
    """After the changes that are announced, only what was refused or is left to people differs."""
    first = compare("dc1", should, found)
    mended = dict(found.config)
    partitions = found.partitions
    for each in first.differences:
        if each.action is Action.CONFIGURE:
            mended[each.what] = each.wanted
        elif each.action is Action.RAISE:
            partitions = int(each.wanted)
    second = compare("dc1", should, replace(found, partitions=partitions, config=mended))
    assert changes([second]) == []
    left = {each.what for each in first.differences if each.action in {Action.REFUSE, Action.BY_HAND}}
    assert {each.what for each in second.differences} == left


@given(SHOULD, ANY_TOPIC)
def test_keys_are_never_parted_and_nothing_is_taken_away(should: Topic, found: Topic) -> None:
    """Partitions are only ever added, and only where no key's order or compaction depends on them."""
    raised = [each for each in compare("dc1", should, found).differences if each.action is Action.RAISE]
    assert not raised or (not should.keyed and should.partitions > found.partitions)
    assert compare("dc1", should, found).state is not State.MISSING


@given(SHOULD, ANY_TOPIC)
def test_no_more_replicas_have_to_be_in_sync_than_there_are(should: Topic, found: Topic) -> None:
    """A topic with too few replicas stays writable: its min.insync.replicas fits the replicas that it has."""
    for each in compare("dc1", should, found).differences:
        if each.what == "min.insync.replicas":
            assert int(each.wanted) <= found.replication


def test_a_refusal_says_what_and_why() -> None:
    """Raising the partitions of a keyed topic ends with a sentence that names both numbers."""
    should = WANTED[names.ACCOUNTENTRY]
    found = compare("dc1", should, replace(should, partitions=2))
    assert found.detail == "2 partitions, 4 wanted; apply adds none, as the order of keys would break"
    with pytest.raises(RefusedError, match="accountentry on dc1 has 2 partitions and should have 4") as error:
        check_refusals([found])
    assert "partitions = 2" in error.value.hint


def test_more_partitions_than_wanted_are_left_to_people() -> None:
    """Kafka cannot take partitions away: it is said, and refused by nobody."""
    should = WANTED[names.ACCOUNTENTRY]
    found = compare("dc1", should, replace(should, partitions=9))
    assert [each.action for each in found.differences] == [Action.BY_HAND]
    check_refusals([found])


def test_durations_are_told_as_people_write_them() -> None:
    """A retention is told in milliseconds, as Kafka has it, and as the configuration says it."""
    should = WANTED[names.ACCOUNTENTRY]
    found = compare("dc1", should, replace(should, config=should.config | {"retention.ms": "3600000"}))
    assert found.detail == "retention.ms is 3600000 (1h), 604800000 (7d) wanted"


def test_no_default_of_a_broker_shortens_what_is_promised() -> None:
    """A topic that is deleted by age has its size unlimited, by a setting of its own; a broker's may be 1 MiB."""
    for topic in WANTED.values():
        assert topic.config.get("retention.bytes", "-1") == "-1"
        assert ("retention.bytes" in topic.config) == (topic.config["cleanup.policy"] == "delete")
    should = WANTED[names.RECEIPTS[0]]
    found = compare("dc1", should, replace(should, config=should.config | {"retention.bytes": "1048576"}))
    assert found.detail == "retention.bytes is 1048576 bytes, unlimited wanted"
    assert [each.action for each in found.differences] == [Action.CONFIGURE]


def test_the_last_line_counts_what_apply_corrects_and_what_it_cannot() -> None:
    """A topic may be among both."""
    should = WANTED[names.ACCOUNTENTRY]
    fine = compare("dc1", should, should)
    both = compare("dc1", should, replace(should, partitions=9, config=should.config | {"retention.ms": "1"}))
    by_hand = compare("dc1", should, replace(should, partitions=9))
    assert by_hand.detail == "9 partitions, 4 wanted; apply cannot remove any"
    assert summary([fine]) == "1 topic, all in order."
    said = "4 topics: 3 not in order. `kafkalert topics apply` corrects 2 and cannot correct 2."
    assert summary([fine, compare("dc1", should, None), both, by_hand]) == said


class Slow:
    """A broker that shows what was made only when it is asked for the fourth time, and does not answer the second."""

    def __init__(self) -> None:
        self.asked = 0
        self.now = 0.0

    def plan(self, _settings: Settings, _clusters: object = ()) -> list[Comparison]:
        """What it shows."""
        self.asked += 1
        if self.asked == 2:
            raise UnreachableError("busy")
        should = WANTED[names.ACCOUNTENTRY]
        return [compare("dc1", should, should if self.asked > 3 else None)]

    def sleep(self, seconds: float) -> None:
        """Time passes."""
        self.now += seconds

    def monotonic(self) -> float:
        """The time."""
        return self.now


def test_what_was_just_made_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """600 partitions take a broker longer than a few seconds; they were listed as missing."""
    slow = Slow()
    monkeypatch.setattr(topic_admin, "plan", slow.plan)
    monkeypatch.setattr(topic_admin, "time", slow)
    after = topic_admin._await_shown(settings(), ["dc1"], 60.0)
    assert [one.state for one in after] == [State.FINE]


def test_it_is_waited_for_no_longer_than_that(monkeypatch: pytest.MonkeyPatch) -> None:
    slow = Slow()
    monkeypatch.setattr(topic_admin, "plan", slow.plan)
    monkeypatch.setattr(topic_admin, "time", slow)
    assert [one.state for one in topic_admin._await_shown(settings(), ["dc1"], 0.15)] == [State.MISSING]
