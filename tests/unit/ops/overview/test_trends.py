"""How things move, as is known by looking again and again."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from kafkalert.ops.failover.status.movement import Trend
from kafkalert.ops.failover.status.picture import Survey
from kafkalert.ops.overview.trends import Trends
from tests.unit.ops.overview.test_verdict import WELL, instance

AT = datetime(2026, 11, 26, 3, 12, 44, tzinfo=UTC)


class Watched:
    """Somebody who looks now and then; the time is the seconds since he began."""

    def __init__(self) -> None:
        self._trends = Trends()

    def see(self, seconds: float, found: Survey) -> Trend:
        """What is known by then."""
        return self._trends.take(found, AT + timedelta(seconds=seconds), 1000 + seconds)


def waiting(*lags: int) -> Survey:
    """So many bookings wait for each instance."""
    return replace(WELL, instances=tuple(instance(f"vm-{number}", lag=lag) for number, lag in enumerate(lags)))


def test_a_backlog_grows_or_shrinks_by_what_the_last_half_minute_says() -> None:
    """Nobody knows before five seconds have passed; and what was before counts no more."""
    watched = Watched()
    assert watched.see(0, waiting(100, 200)).backlog_per_second is None
    assert watched.see(4, waiting(140, 200)).backlog_per_second is None
    assert watched.see(5, waiting(100, 250)).backlog_per_second == 10
    assert watched.see(20, waiting(0, 100)).backlog_per_second == -10
    assert watched.see(36, waiting(0, 100)).backlog_per_second == 0


def test_while_partitions_go_to_others_nobody_knows_how_a_backlog_moves() -> None:
    """They are counted twice then, or not at all."""
    watched = Watched()
    watched.see(0, waiting(100, 200))
    watched.see(10, waiting(100, 200))
    assert watched.see(11, waiting(700)).backlog_per_second is None
    assert watched.see(17, waiting(760)).backlog_per_second == 10


def test_a_switch_is_seen_with_where_stages_came_from() -> None:
    """Also one that was just over when the looking began; one of another day is long ago."""
    watched = Watched()
    old = replace(WELL, epoch=3, since=AT - timedelta(days=1))
    assert (watched.see(0, old).switched_seconds or 0) > 80_000
    moved = replace(WELL, epoch=4, active="dc2", since=AT + timedelta(seconds=7))
    seen = watched.see(8, moved)
    assert (seen.switched_seconds, seen.source, seen.target) == (0, "dc1", "dc2")
    assert watched.see(20, moved).switched_seconds == 12
    late = Watched().see(10, moved)
    assert (late.switched_seconds, late.source, late.target) == (3, "dc1", "dc2")


def test_without_a_switch_there_is_none() -> None:
    """Nor is a forced one that stays on its cluster a move."""
    watched = Watched()
    assert watched.see(0, replace(WELL, since=None)).switched_seconds is None
    assert watched.see(5, replace(WELL, since=AT, epoch=9)).switched_seconds is None
