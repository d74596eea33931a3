"""What a forced switch says may be lost, by heartbeats and copies that a test makes up."""

from collections.abc import Collection, Mapping
from types import SimpleNamespace
from typing import Any, cast

import pytest

from kafkalert.config.sections import Cluster, Context, Settings
from kafkalert.engine.kept import KEPT_SECONDS
from kafkalert.ops.failover import outlook as module
from kafkalert.ops.failover.beats import Beat
from kafkalert.ops.failover.going import Going
from kafkalert.ops.failover.horizon import Partition
from kafkalert.ops.failover.picture import Survey
from tests.engine_fakes import FakeClock

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

    def committed(self, _groups: Collection[str]) -> dict[str, Any]:
        """Nothing."""
        return {}


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

    def since(self, times: Mapping[Partition, int]) -> dict[Partition, int]:
        """The last of them."""
        return dict.fromkeys(times, 9)


def beat(time: int, end: int) -> Beat:
    """One of alerting on dc1, which has processed everything."""
    return Beat("vm-1", "alerting", "dc1", "running", time, ends={"accountentry/0": end}, lags={"accountentry/0": 0})


def look(monkeypatch: pytest.MonkeyPatch, beats: list[Beat], *, all_read: bool) -> module.Outlook:
    """What the command would say by these heartbeats; `all_read`: whether they are all to the last."""
    monkeypatch.setattr(module, "topics_of", lambda _cluster: {"accountentry": 1})
    monkeypatch.setattr(module, "newest_copies", lambda *_: {ENTRIES: COPY})
    monkeypatch.setattr(module, "beats_since", lambda *_: (beats, all_read))
    monkeypatch.setattr(module, "Groups", NoGroups)
    monkeypatch.setattr(module, "Places", TenCopies)
    monkeypatch.setattr(module, "_carried", lambda *_: {ENTRIES: 9})
    found = cast("Survey", SimpleNamespace(active="dc1", flows=()))
    return module.outlook(SETTINGS, found, "dc2", FakeClock(), 80.0)


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


def words_of(*goings: Going) -> str:
    """What is said of these."""
    return " ".join(module._loss(goings, COPY, "dc1", "dc2", healthy=True).words)


def test_partitions_that_repeat_nothing_are_no_news() -> None:
    idle = Going("alerting", ("accountentry", 0), 7, 0, None, 0)
    done = Going("alerting", ("accountentry", 1), 7, 0, COPY - 60_000, 0)
    assert words_of(idle, done).startswith("No entry is processed again. Not mirrored: 0 known")
    behind = Going("alerting", ("accountentry", 2), 7, 5, COPY, 0)
    assert words_of(idle, done, behind).startswith("Groups go back to 1970-01-01 00:16:40 UTC; at most 5 entries are")
    unknown = Going("alerting", ("accountentry", 3), 0, 2, None, 0)
    said = words_of(idle, done, behind, unknown)
    assert "at most 7 entries" in said
    assert "For 1 partition it is not known" in said


def test_what_a_bridge_sends_again_is_told_to_be_beside_the_numbers() -> None:
    """Whether anything is counted or not: it comes from the source, and no cluster knows of it."""
    nothing = words_of(Going("alerting", ("accountentry", 0), 7, 0, COPY, 0))
    unknown = words_of(Going("alerting", ("accountentry", 0), 0, 2, None, None))
    for said in (nothing, unknown):
        numbers, beside = said.split(" Lost only where the source cannot send again. ")
        assert "No entry is processed again." in numbers or "At most 2 entries are processed again." in numbers
        assert beside.startswith(
            "A bridge that runs sends its last 60 s again; what of that was processed is processed again, too, beside "
            "the numbers above."
        )


def test_the_seconds_that_a_bridge_is_said_to_send_again_are_those_that_it_keeps() -> None:
    assert f"sends its last {KEPT_SECONDS:g} s again" in words_of()
