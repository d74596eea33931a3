"""A switch as it is seen from outside: what each instance did, by its heartbeats, and for how long it stood still."""

from typing import Any

from kafkalert.bus.control.event import Event
from kafkalert.bus.control.state import View
from kafkalert.ops.failover.status.heartbeats import HeartbeatRecord
from kafkalert.ops.overview.moving import AFTER_SECONDS, Course, Doing

NOW = 1_800_000_000_000
PREPARE = Event(1, "a", "PREPARE", "planned", "dc1", "dc2", "ann@ops", NOW, "why")
COMMIT = Event(1, "a", "COMMIT", "planned", "dc1", "dc2", "ann@ops", NOW + 400, "why")
GOING = View(0, "dc1", None, PREPARE, (PREPARE,), 2)
DONE = View(1, "dc2", COMMIT, None, (PREPARE, COMMIT), 2)


def beat(at: int, state: str = "running", **more: Any) -> HeartbeatRecord:  # noqa: ANN401 - any field
    """A heartbeat of alerting, so many ms from PREPARE."""
    fields: dict[str, Any] = {"instance": "vm-1", "stage": "alerting", "cluster": "dc1", "host": "h", **more}
    return HeartbeatRecord(state=state, time=NOW + at, **fields)


def test_an_instance_works_stands_still_joins_and_works_again() -> None:
    """Its pause is from where it stood still until it worked again; what comes twice changes nothing."""
    course = Course()
    for one in (
        beat(-900),
        beat(50, attempt="a"),
        beat(50, attempt="a"),
        beat(450, "loading"),
        beat(700, cluster="dc2"),
    ):
        course.add(one, NOW + 1000)
    moving = course.moving(DONE, NOW + 1000)
    assert moving is not None
    assert (moving.source, moving.target, moving.by, moving.reason, moving.outcome) == (
        "dc1",
        "dc2",
        "ann@ops",
        "why",
        "COMMIT",
    )
    assert (moving.began, moving.ended) == (NOW, NOW + 400)
    (track,) = moving.tracks
    assert track.told == (
        (NOW - 900, Doing.WORKS),
        (NOW + 50, Doing.STANDS_STILL),
        (NOW + 450, Doing.JOINS),
        (NOW + 700, Doing.WORKS),
    )
    assert track.paused == 0.65


def test_one_that_has_not_gone_on_has_no_pause_yet() -> None:
    """While it goes on."""
    course = Course()
    course.add(beat(-900), NOW)
    course.add(beat(50, attempt="a"), NOW)
    moving = course.moving(GOING, NOW + 100)
    assert moving is not None
    assert (moving.outcome, moving.ended) == ("", None)
    assert moving.tracks[0].paused is None


def test_a_switch_that_is_over_is_shown_for_half_a_minute() -> None:
    """And none where there was none."""
    course = Course()
    assert course.moving(DONE, COMMIT.at + round(AFTER_SECONDS * 1000) - 1) is not None
    assert course.moving(DONE, COMMIT.at + round(AFTER_SECONDS * 1000) + 1) is None
    assert course.moving(View(0, "dc1", None, None, (), 1), NOW) is None


def test_heartbeats_of_other_times_take_no_room() -> None:
    """Of the future, or of long ago; and who is gone is forgotten."""
    course = Course()
    for number in range(6000):
        course.add(beat(2**62 - NOW, instance=f"x-{number}"), NOW)
        course.add(beat(number - NOW, instance=f"y-{number}"), NOW)
    assert len(course._beats) == 0
    course.add(beat(0), NOW)
    assert len(course._beats) == 1
