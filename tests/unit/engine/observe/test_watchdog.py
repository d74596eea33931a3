"""A loop that stands still is told from a machine that slept."""

from kafkalert.bus.instance import instance_name
from kafkalert.engine.observe.watchdog import LEAVE_SECONDS, STUCK_SECONDS, LastCommit, Watchdog


def test_a_loop_that_turns_is_never_stuck() -> None:
    watchdog = Watchdog()
    for second in range(100):
        watchdog.look(second - 0.5, second)
    assert not watchdog.stuck


def test_a_loop_that_stands_still_is_stuck_after_ten_seconds_and_no_more_once_it_turns() -> None:
    watchdog = Watchdog()
    for step in range(int(STUCK_SECONDS * 10) + 1):
        watchdog.look(0.0, step / 10)
    assert not watchdog.stuck
    watchdog.look(0.0, STUCK_SECONDS + 0.2)
    assert watchdog.stuck
    watchdog.look(STUCK_SECONDS + 0.3, STUCK_SECONDS + 0.4)
    assert not watchdog.stuck


def test_a_process_that_was_stopped_for_an_hour_gives_its_loop_time_to_turn() -> None:
    """Watcher and loop stood still together; whoever wakes first must not blame the other."""
    watchdog = Watchdog()
    watchdog.look(0.0, 0.1)
    watchdog.look(0.0, 3600.0)
    assert watchdog.still == 1.0


def test_without_a_loop_nothing_is_stuck() -> None:
    watchdog = Watchdog()
    for second in range(100):
        watchdog.look(None, second)
    assert not watchdog.stuck


def test_an_instance_has_one_name_for_life() -> None:
    """HOST-PID-HEX: in containers, host and pid alone would be those of another one."""
    name = instance_name()
    assert name == instance_name()
    host_and_pid, _, digits = name.rpartition("-")
    assert host_and_pid.rpartition("-")[2].isdigit()
    assert len(bytes.fromhex(digits)) == 2


def test_who_waits_in_vain_for_its_last_commit_has_its_time() -> None:
    """It is counted from when there is no reason to wait any more, and anew after each reason."""
    commit = LastCommit()
    assert not commit.is_late(waits=False, now=0.0)
    assert not commit.is_late(waits=True, now=1000.0)
    assert not commit.is_late(waits=True, now=1000.0 + LEAVE_SECONDS)
    assert commit.is_late(waits=True, now=1000.1 + LEAVE_SECONDS)
    assert not commit.is_late(waits=False, now=1001.0 + LEAVE_SECONDS)
    assert not commit.is_late(waits=True, now=1002.0 + LEAVE_SECONDS)
