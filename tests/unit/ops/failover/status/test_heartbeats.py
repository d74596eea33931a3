"""Heartbeats when read: what no instance of ours writes is none, and nothing that anybody writes raises."""

import json
import subprocess
import sys
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from kafkalert.config import names
from kafkalert.config.sections import Cluster
from kafkalert.engine.consuming.progress import Place
from kafkalert.engine.observe.heartbeat import Heartbeat, Report
from kafkalert.engine.observe.metrics import Metrics
from kafkalert.engine.stopping import Stopping
from kafkalert.ops.failover.positions.crossed import MOST_BYTES, _Kept
from kafkalert.ops.failover.status.heartbeats import LONGEST_BYTES, Committed, HeartbeatRecord, Totals, decode
from kafkalert.ops.failover.status.instances import MOST_INSTANCES, InstanceWatcher, Presence
from kafkalert.ops.failover.switch.readiness import Readiness
from tests.support.fakes.engine import FakeClock

GOOD: dict[str, Any] = {
    "instance": "host-7",
    "stage": "alerting",
    "cluster": "dc1",
    "state": "running",
    "time": 1_700_000_000_000,
    "host": "host",
    "pid": 7,
    "epoch": 3,
    "attempt": "",
    "lag": 4,
    "partitions": {"accountentry": [0, 1]},
    "ends": {"accountentry/0": 12},
    "lags": {"accountentry/0": 4},
    "totals": {"entries": 8, "alerts": {}},
    "skippedBySwitch": 6,
    "later": [1],
}


def with_(**changed: object) -> bytes:
    """A beat, with some of its fields changed."""
    return json.dumps(GOOD | changed).encode()


def test_a_beat_of_ours_is_read() -> None:
    beat = decode(with_())
    assert beat is not None
    assert (beat.instance, beat.ends, beat.lag, beat.totals.entries) == ("host-7", {"accountentry/0": 12}, 4, 8)
    assert beat.skipped_by_switch == 6
    assert decode(msgspec.json.encode(beat)) == beat


@pytest.mark.parametrize(
    "changed",
    [
        {"instance": ""},
        {"instance": "x" * 257},
        {"instance": "\x1b[2Jhost-1"},
        {"host": "a\nb"},
        {"stage": "alerting\x1b"},
        {"stage": "x" * 65},
        {"cluster": "dc 1"},
        {"state": "x" * 2001},
        {"time": -1},
        {"time": 2**63},
        {"lag": -1},
        {"lag": 1e300},
        {"epoch": 2**64},
        {"epoch": "7"},
        {"ends": {"accountentry/0": -5}},
        {"ends": {f"t/{n}": 1 for n in range(10_001)}},
        {"ends": [1]},
        {"committed": {f"t/{n}": {"offset": 1} for n in range(10_001)}},
        {"totals": {"entries": -1}},
        {"skippedBySwitch": -1},
        {"later": "x" * LONGEST_BYTES},
    ],
    ids=lambda changed: next(iter(changed)),
)
def test_an_odd_beat_is_none(changed: dict[str, object]) -> None:
    assert decode(with_(**changed)) is None


@given(st.none() | st.binary() | st.text().map(str.encode) | st.sampled_from([b"[" * 200_000, b'{"a":' * 100_000]))
def test_whatever_anybody_writes_raises_nothing(value: bytes | None) -> None:
    assert decode(value) is None


def test_ghosts_fill_no_memory_and_push_nobody_out() -> None:
    watcher = InstanceWatcher([], "status", clock=FakeClock())
    real = HeartbeatRecord("real-1", "alerting", "dc1", "running", 1)
    assert watcher._take(real, "dc1", live=True)
    taken = [
        watcher._take(HeartbeatRecord(f"ghost-{n}", "alerting", "dc1", "running", 1), "dc1", live=True)
        for n in range(3000)
    ]
    assert sum(taken) == MOST_INSTANCES - 1
    assert watcher._take(real, "dc1", live=True)
    assert watcher.members()["real-1"].presence(FakeClock().now) is Presence.ALIVE


def told(count: int, topic: str) -> bytes:
    """A beat as an instance writes it that reads so many partitions, where everything is about as long as it gets."""
    clock, read = FakeClock(), [(topic, number) for number in range(count)]
    report = Report(
        "running",
        "dc1",
        1000,
        ends=dict.fromkeys(read, 10**11),
        committed=dict.fromkeys(read, Place(10**11, "0123456789abcdef")),
        turned=clock.now,
    )
    heartbeat = Heartbeat(
        "alerting",
        [Cluster(name=name, bootstrap="127.0.0.1:1") for name in ("dc1", "dc2")],
        "status",
        metrics=Metrics(lag=dict.fromkeys(read, 10**9)),
        report=lambda: report,
        patience=None,
        clock=clock,
        stopping=Stopping(clock),
    )
    return heartbeat._beat(report, stopped=False)


def test_a_beat_that_tells_of_two_thousand_partitions_is_read() -> None:
    """Also where topics have long names; one that is larger is none of ours."""
    beat = decode(told(2000, "a" * 50))
    assert beat is not None
    assert len(beat.ends) == len(beat.committed) == 2000
    assert decode(told(4000, "a" * 50)) is None


@pytest.mark.parametrize(("instances", "partitions"), [(300, 4), (1, 1500)])
def test_there_is_room_for_ten_minutes_of_heartbeats(instances: int, partitions: int) -> None:
    kept = _Kept()
    kept.take(told(partitions, names.ACCOUNTENTRY))
    assert kept._bytes * instances * 600 < MOST_BYTES


def test_little_is_kept_of_who_beats_at_length() -> None:
    """Two thousand ghosts with half a megabyte each would fill all memory. Nothing of it is looked at here."""
    watcher = InstanceWatcher([], "status", clock=FakeClock())
    at = Committed(7, "0123456789abcdef")
    words = [f"accountentry/{number}" for number in range(1000)]
    totals = Totals(8, {"x" * 2000: 1})
    ghost = HeartbeatRecord("ghost", "alerting", "dc1", "running", 1, ends=dict.fromkeys(words, 7), totals=totals)
    assert watcher._take(replace(ghost, committed=dict.fromkeys(words, at), lag=4), "dc1", live=True)
    kept = watcher.members()["ghost"].beat
    assert len(msgspec.json.encode(kept)) < 1000
    assert (kept.totals.entries, kept.lag) == (8, 4)


CONTAINER = """
import os, socket
os.getpid, socket.gethostname = lambda: 1, lambda: "bank"
from kafkalert.config.sections import Cluster
from kafkalert.engine.clock import SystemClock
from kafkalert.engine.observe.metrics import Metrics
from kafkalert.engine.observe.heartbeat import Heartbeat, Report
from kafkalert.engine.stopping import Stopping
clock, report = SystemClock(), Report("running", "dc1", 0)
cluster = Cluster(name="dc1", bootstrap="127.0.0.1:1")
heartbeat = Heartbeat("alerting", [cluster], "status", metrics=Metrics(), report=lambda: report, patience=None,
                      clock=clock, stopping=Stopping(clock))
print(heartbeat._beat(report, stopped=False).decode())
"""


def test_two_containers_of_one_host_name_are_two_instances() -> None:
    """Each is process 1 there. A switch that saw one of them would move stages while the other one works on."""
    clock = FakeClock()
    watcher = InstanceWatcher([], "status", clock=clock)
    for _ in range(2):
        done = subprocess.run(
            [sys.executable, "-c", CONTAINER], capture_output=True, check=True, timeout=60, stdin=subprocess.DEVNULL
        )
        beat = decode(done.stdout)
        assert beat is not None
        assert beat.host == "bank"
        assert watcher._take(beat, "dc1", live=True)
    names = sorted(watcher.members())
    assert [name.startswith("bank-1-") for name in names] == [True, True]
    readiness = Readiness(watcher, target="dc2", clock=clock)
    readiness.begin("attempt", 1)
    assert sorted(readiness.working(2)) == names
