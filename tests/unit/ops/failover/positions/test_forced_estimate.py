"""What a forced switch says may be lost, by heartbeats and copies that a test makes up."""

from collections.abc import Collection, Mapping
from types import SimpleNamespace
from typing import Literal, cast

import pytest
from msgspec.structs import replace

from kafkalert.bus.records.partitions import Partition
from kafkalert.config.sections import Cluster, Context, Engine, Settings
from kafkalert.engine.sources.kept import KEPT_SECONDS
from kafkalert.ops.failover.positions import forced_estimate as module
from kafkalert.ops.failover.positions.groups import Known
from kafkalert.ops.failover.positions.resume import ResumePoint
from kafkalert.ops.failover.positions.rewind import ends_told
from kafkalert.ops.failover.status.heartbeats import HeartbeatRecord, Totals
from kafkalert.ops.failover.status.picture import Survey
from kafkalert.ops.mirror.condition import Condition
from tests.support.fakes.engine import FakeClock

ENTRIES: Partition = ("accountentry", 0)
SETTINGS = Settings(
    context=Context(clusters=("dc1", "dc2")),
    clusters={name: Cluster(name=name, bootstrap="127.0.0.1:1") for name in ("dc1", "dc2")},
)
COPY = 1_000_000
"""The time of the newest copy on dc2."""


class NoGroups:
    """Groups of which none has committed anything on dc2."""

    def __init__(self, *_: object) -> None:
        pass

    def known(self, groups: Collection[str], _epoch: int) -> dict[str, Known]:
        """Nor has anybody tried."""
        return {group: Known({}, {}) for group in groups}


class TenCopies:
    """dc2 holds ten records."""

    def __init__(self, *_: object) -> None:
        pass

    def starts(self, partitions: Collection[Partition]) -> dict[Partition, int]:
        """From the beginning."""
        return dict.fromkeys(partitions, 0)

    def ends(self, partitions: Collection[Partition]) -> dict[Partition, int]:
        """As above."""
        return dict.fromkeys(partitions, 10)

    def high_watermarks(self, partitions: Collection[Partition]) -> dict[Partition, int]:
        """No transaction is open."""
        return self.ends(partitions)

    def since(self, times: Mapping[Partition, int]) -> dict[Partition, int]:
        """The last of them."""
        return dict.fromkeys(times, 9)


def beat(time: int, end: int) -> HeartbeatRecord:
    """One of alerting on dc1, which has processed everything."""
    return HeartbeatRecord("vm-1", "alerting", "dc1", "running", time, ends={"accountentry/0": end})


def look(
    monkeypatch: pytest.MonkeyPatch,
    beats: list[HeartbeatRecord],
    *,
    all_read: bool,
    all_seen: bool = True,
    flows: tuple[object, ...] = (),
    settings: Settings = SETTINGS,
) -> module.ForcedEstimate:
    """What the command would say by these heartbeats; `all_read`: whether they are all to the last.

    `all_seen`: whether all partitions on dc2 were looked through for copies. `flows`: as they were seen.
    """
    monkeypatch.setattr(module, "topics_of", lambda _cluster: {"accountentry": 1})
    monkeypatch.setattr(module, "newest_copies", lambda *_: ({ENTRIES: COPY}, {}, all_seen))
    monkeypatch.setattr(module, "heartbeats_since", lambda *_: (beats, all_read))
    monkeypatch.setattr(module, "Groups", NoGroups)
    monkeypatch.setattr(module, "Places", TenCopies)
    monkeypatch.setattr(module, "carried_if_told", lambda *_: {ENTRIES: 9})
    found = cast("Survey", SimpleNamespace(active="dc1", epoch=0, flows=flows))
    return module.estimate_forced(settings, found, "dc2", FakeClock(), 80.0)


BEATS = [beat(COPY - 200_000, 10), beat(COPY, 10), beat(COPY + 300_000, 13)]


def test_what_came_long_after_the_last_copy_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    """A quiet bank, whose mirror stood still for minutes while entries came, and then dc1 died."""
    loss = look(monkeypatch, BEATS, all_read=True).loss
    assert loss.lost == 3
    assert any("Not mirrored: 3 known, plus up to 1 s." in words for words in loss.words)


def test_no_number_is_said_where_the_newest_heartbeats_were_not_read(monkeypatch: pytest.MonkeyPatch) -> None:
    loss = look(monkeypatch, BEATS[:-1], all_read=False).loss
    assert loss.lost is None
    assert any("is not known" in words for words in loss.words)


def test_where_not_all_partitions_were_read_it_is_not_known_what_crossed(monkeypatch: pytest.MonkeyPatch) -> None:
    """The one that was not may be the latest of all; that dc2 holds no copy would not be true."""
    found = look(monkeypatch, BEATS, all_read=True, all_seen=False)
    said = " ".join(found.loss.words)
    assert found.whole is None
    assert "Alerts on dc2 could not all be read in time, so it is not known which of dc1 had crossed." in said
    assert "no copy" not in said


@pytest.mark.parametrize(
    ("mode", "read", "whole"),
    [
        ("one-hop", "accountentry/0", COPY + 700_000),
        ("two-hop", "accountentry/0", COPY),
        ("one-hop", "customeraccountentry/0", COPY),
    ],
)
def test_in_two_hops_entries_without_alerts_are_no_quiet(
    monkeypatch: pytest.MonkeyPatch, mode: Literal["one-hop", "two-hop"], read: str, whole: int
) -> None:
    """They make records for the second hop, which may not have crossed. An instance may run in that mode by itself."""
    beats = [
        replace(beat(COPY + 1000 * at, 10), ends={read: 10}, taken_ms_ago={"dc1": 0}, totals=Totals(at))
        for at in range(0, 801, 100)
    ]
    flow = SimpleNamespace(source="dc1", state=Condition.RUNNING)
    settings = SETTINGS.model_copy(update={"engine": Engine(mode=mode)})
    assert look(monkeypatch, beats, all_read=True, flows=(flow,), settings=settings).whole == whole


def test_how_old_the_newest_ends_are_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """The number is of the moment at which they were told, and dc1 lived on for two seconds more."""
    heard = HeartbeatRecord("vm-2", "bridge", "dc1", "running", COPY + 2000, taken_ms_ago={"dc1": 0})
    first = HeartbeatRecord("vm-2", "bridge", "dc1", "running", COPY, taken_ms_ago={"dc1": 0})
    loss = look(monkeypatch, [beat(COPY, 13), first, heard], all_read=True).loss
    assert any("Not mirrored: 3 known, plus up to 3 s." in words for words in loss.words)


def test_heartbeats_are_read_from_before_the_overlap(monkeypatch: pytest.MonkeyPatch) -> None:
    """However long it is: of a shorter time nothing would be known of where groups were then."""
    look(monkeypatch, BEATS, all_read=True)
    asked: list[int] = []

    def since(_settings: object, _cluster: object, at: int, _clock: object) -> tuple[list[HeartbeatRecord], bool]:
        asked.append(at)
        return BEATS, True

    monkeypatch.setattr(module, "heartbeats_since", since)
    found = cast("Survey", SimpleNamespace(active="dc1", epoch=0, flows=()))
    module.estimate_forced(SETTINGS, found, "dc2", FakeClock(), 1200.0)
    assert asked == [COPY - round((module.HISTORY_SECONDS + 1200) * 1000)]


def test_ends_of_before_give_no_number(monkeypatch: pytest.MonkeyPatch) -> None:
    """Alerting had ended, or was held, minutes before dc1 died: nobody knows what came meanwhile."""
    bridge = [
        HeartbeatRecord("vm-2", "bridge", "dc1", "running", COPY + 1000 * at, taken_ms_ago={"dc1": 0})
        for at in range(300)
    ]
    assert look(monkeypatch, [beat(COPY, 13), *bridge], all_read=True).loss.lost is None
    held = HeartbeatRecord(
        "vm-1", "alerting", "dc1", "held: the disk is full", COPY + 300_000, ends={"accountentry/0": 13}
    )
    assert look(monkeypatch, [beat(COPY, 13), *bridge, held], all_read=True).loss.lost is None


def test_no_heartbeat_makes_a_group_read_what_its_stage_does_not(monkeypatch: pytest.MonkeyPatch) -> None:
    """But an instance may run in two hops where one is configured."""
    one = HeartbeatRecord(
        "vm-1", "alerting", "dc1", "running", COPY, ends={"outboundemailmessage/0": 5, "accountentry/0": 10}
    )
    two = HeartbeatRecord("vm-1", "alerting", "dc1", "running", COPY, ends={"customeraccountentry/0": 5})
    there = dict.fromkeys(("accountentry", "outboundemailmessage", "customeraccountentry"), 1)
    for beats, topics in ((one, {"accountentry"}), (two, {"accountentry", "customeraccountentry"})):
        asked = module._readable(SETTINGS, ends_told([beats], "dc1"), there)
        assert {topic for topic, _ in asked["kafkalert.alerting"]} == topics
    assert look(monkeypatch, [one], all_read=True).offsets().keys() == {"kafkalert.alerting"}


def words_of(*resume_points: ResumePoint) -> str:
    """What is said of these."""
    return " ".join(module._loss(resume_points, COPY, "dc1", "dc2", healthy=True, late=1).words)


def test_partitions_that_repeat_nothing_are_no_news() -> None:
    idle = ResumePoint("alerting", ("accountentry", 0), 7, 0, None, 0)
    done = ResumePoint("alerting", ("accountentry", 1), 7, 0, COPY - 60_000, 0)
    assert words_of(idle, done).startswith("No entry is processed again. Not mirrored: 0 known")
    behind = ResumePoint("alerting", ("accountentry", 2), 7, 5, COPY, 0)
    assert words_of(idle, done, behind).startswith("Groups go back to 1970-01-01 00:16:40 UTC; at most 5 entries are")
    unknown = ResumePoint("alerting", ("accountentry", 3), 0, 2, None, 0)
    said = words_of(idle, done, behind, unknown)
    assert "at most 7 entries" in said
    assert "For 1 partition it is not known" in said


def test_what_a_bridge_sends_again_is_told_to_be_beside_the_numbers() -> None:
    """Whether anything is counted or not: it comes from the source, and no cluster knows of it."""
    nothing = words_of(ResumePoint("alerting", ("accountentry", 0), 7, 0, COPY, 0))
    unknown = words_of(ResumePoint("alerting", ("accountentry", 0), 0, 2, None, None))
    for said in (nothing, unknown):
        numbers, beside = said.split(" Lost only where the source cannot send again. ")
        assert "No entry is processed again." in numbers or "At most 2 entries are processed again." in numbers
        assert beside.startswith(
            "A bridge that runs sends its last 60 s again; what of that was processed is processed again, too, beside "
            "the numbers above."
        )


def test_the_seconds_that_a_bridge_is_said_to_send_again_are_those_that_it_keeps() -> None:
    assert f"sends its last {KEPT_SECONDS:g} s again" in words_of()


def test_of_two_groups_of_a_partition_the_one_that_tells_more_counts() -> None:
    """A stage that is installed and does not run tells nothing of what did not cross."""
    tells = ResumePoint("kafkalert.alerting", ("accountentry", 0), 7, 0, COPY, 3)
    silent = ResumePoint("kafkalert.large", ("accountentry", 0), 0, 0, None, None)
    for points in ([tells, silent], [silent, tells]):
        assert module._loss(points, COPY, "dc1", "dc2", healthy=True, late=1).lost == 3
