"""`lag -w` off a terminal: a line a change, and no other."""

from dataclasses import replace
from datetime import UTC, datetime

from kafkalert.ops.lag.movement import Verdict
from kafkalert.ops.lag.picture import VERSION, GroupLag, Snapshot
from kafkalert.views.lag import Lines

ONE = GroupLag("g.one", 2, Verdict.OK, 0, 0, True, 0.0, 1.0, 1.0, 0.0)
TWO = replace(ONE, group="g.two")
AT = datetime(2026, 1, 31, 8, 0, 12, tzinfo=UTC)


def seen(*groups: GroupLag, cluster: str = "dc1", problem: str = "") -> Snapshot:
    return Snapshot(VERSION, AT, cluster, 1.0, None, groups, (), problem)


def told(*snapshots: Snapshot) -> list[str]:
    """What is written of the last of them."""
    written: list[str] = []
    lines = Lines(written.extend)
    for snapshot in snapshots:
        written.clear()
        lines(snapshot)
    return [line.removeprefix("2026-01-31 08:00:12  ") for line in written]


def test_a_line_a_change() -> None:
    """A rate or a lag that is another one is no change; a verdict is."""
    assert told(seen(ONE, TWO)) == ["g.one: OK, nothing waits", "g.two: OK, nothing waits"]
    assert told(seen(ONE), seen(replace(ONE, records=3, rate_in=9.0))) == []
    stopped = replace(ONE, verdict=Verdict.STOPPED, records=3, seconds_behind=90.0)
    assert told(seen(ONE, TWO), seen(stopped, TWO)) == ["g.one: STOPPED, 3 records wait, 1m30s behind"]
    more = replace(stopped, records=4000, counted=False, seconds_behind=None)
    assert told(seen(ONE), seen(more)) == ["g.one: STOPPED, at most 4,000 records wait, ? behind"]


def test_what_does_not_answer_is_said_once() -> None:
    """And how it stands afterwards."""
    away = seen(problem="Cluster dc1 does not answer.")
    assert told(seen(ONE), away) == ["Cluster dc1 does not answer."]
    assert told(seen(ONE), away, away) == []
    assert told(seen(ONE), away, seen(ONE)) == ["g.one: OK, nothing waits"]


def test_a_switch_and_a_group_that_goes_are_said() -> None:
    assert told(seen(ONE), seen(ONE, cluster="dc2")) == ["Stages run on dc2 now.", "g.one: OK, nothing waits"]
    assert told(seen(ONE, TWO), seen(ONE)) == ["g.two: it is gone, or reads nothing that is there"]
