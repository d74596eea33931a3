"""Heartbeats when read: what no instance of ours writes is none, and nothing that anybody writes raises."""

import json
import subprocess
import sys
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kafkalert.ops.failover.beats import LONGEST_BYTES, Beat, decode
from kafkalert.ops.failover.roll import MOST_INSTANCES, Presence, Roll
from kafkalert.ops.failover.turnout import Turnout
from tests.engine_fakes import FakeClock

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
    assert (beat.instance, beat.ends, beat.lags, beat.totals.entries) == (
        "host-7",
        {"accountentry/0": 12},
        {"accountentry/0": 4},
        8,
    )
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
        {"pid": "7"},
        {"ends": {"accountentry/0": -5}},
        {"ends": {f"t/{n}": 1 for n in range(10_001)}},
        {"lags": [1]},
        {"partitions": {"t": list(range(10_001))}},
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
    roll = Roll([], "status", clock=FakeClock())
    real = Beat("real-1", "alerting", "dc1", "running", 1)
    assert roll._take(real, "dc1", live=True)
    taken = [roll._take(Beat(f"ghost-{n}", "alerting", "dc1", "running", 1), "dc1", live=True) for n in range(3000)]
    assert sum(taken) == MOST_INSTANCES - 1
    assert roll._take(real, "dc1", live=True)
    assert roll.members()["real-1"].presence(FakeClock().now) is Presence.ALIVE


CONTAINER = """
import os, socket
os.getpid, socket.gethostname = lambda: 1, lambda: "bank"
from kafkalert.config.sections import Cluster
from kafkalert.engine.clock import SystemClock
from kafkalert.engine.metrics import Metrics
from kafkalert.engine.pulse import Pulse, Report
from kafkalert.engine.stopping import Stopping
clock, report = SystemClock(), Report("running", "dc1", 0)
cluster = Cluster(name="dc1", bootstrap="127.0.0.1:1")
pulse = Pulse("alerting", [cluster], "status", metrics=Metrics(), report=lambda: report, patience=None, clock=clock,
              stopping=Stopping(clock))
print(pulse._beat(report, stopped=False).decode())
"""


def test_two_containers_of_one_host_name_are_two_instances() -> None:
    """Each is process 1 there. A switch that saw one of them would move stages while the other one works on."""
    clock = FakeClock()
    roll = Roll([], "status", clock=clock)
    for _ in range(2):
        done = subprocess.run(
            [sys.executable, "-c", CONTAINER], capture_output=True, check=True, timeout=60, stdin=subprocess.DEVNULL
        )
        beat = decode(done.stdout)
        assert beat is not None
        assert (beat.host, beat.pid) == ("bank", 1)
        assert roll._take(beat, "dc1", live=True)
    names = sorted(roll.members())
    assert [name.startswith("bank-1-") for name in names] == [True, True]
    turnout = Turnout(roll, target="dc2", clock=clock)
    turnout.begin("attempt", 1)
    assert sorted(turnout.working(2)) == names
