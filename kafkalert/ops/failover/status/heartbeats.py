"""One heartbeat of an instance, as it stands on kafkalert.status."""

from typing import Annotated, Final, Self

import msgspec
from msgspec import Meta
from msgspec.structs import replace

STOPPED: Final = "stopped"
PREPARED: Final = "prepared"
RUNNING: Final = "running"
LONGEST_BYTES: Final = 2**19
"""Of a heartbeat. One that tells of 2,000 partitions fits, if the names of their topics have at most 50 characters."""
_Count = Annotated[int, Meta(ge=0, le=2**63 - 1)]
_Rate = Annotated[float, Meta(ge=0, le=1e12)]
_Name = Annotated[str, Meta(min_length=1, max_length=256)]
_Stage = Annotated[str, Meta(pattern=r"^[A-Za-z0-9._-]{1,64}\Z")]
_Cluster = Annotated[str, Meta(pattern=r"^[A-Za-z0-9_-]{0,64}\Z")]
_Words = Annotated[str, Meta(max_length=2000)]
_Place = Annotated[str, Meta(min_length=1, max_length=300)]
_Offsets = Annotated[dict[_Place, _Count], Meta(max_length=10_000)]
_Reasons = Annotated[dict[_Words, _Count], Meta(max_length=100)]


class Totals(msgspec.Struct, frozen=True):
    """What an instance has done since its start."""

    entries: _Count = 0
    alerts: Annotated[dict[_Words, _Count], Meta(max_length=100)] = {}


class Rates(msgspec.Struct, frozen=True):
    """Records a second, over the last second or so: entries processed, alerts written."""

    entries: _Rate = 0.0
    alerts: _Rate = 0.0


class Latency(msgspec.Struct, frozen=True):
    """Milliseconds from a booking's record time to its alerts, of the last second; None where there were none."""

    p50: _Count | None = None
    p99: _Count | None = None


class Committed(msgspec.Struct, frozen=True):
    """What was last committed of a partition: the next offset, and the id of the record before it (hex, or empty)."""

    offset: _Count
    id: Annotated[str, Meta(pattern=r"^([0-9a-f]{16})?\Z")] = ""


class HeartbeatRecord(msgspec.Struct, frozen=True, rename="camel"):
    """What an instance says of itself; fields that nothing here needs are not read.

    `cluster`, `epoch`: where it works, and since which switch. `attempt`: the id of the attempt for which it stands
    still, else "". `loop_turned_ms_ago`: since its loop last turned, None without one. `time`: ms by its own clock.
    `taken_ms_ago`: by cluster, since that last took a heartbeat of it.
    `ends`: "TOPIC/P" to the end of the partitions that it reads, `ends_ms_ago`, None where that is not told; `lag`:
    records of them all that it has not processed, `lags` the same of each. `committed`: what was last committed of
    each, with all its outputs acknowledged. `skipped_by_switch`: records passed over because a switch says that they
    were processed before it.
    `uncommitted`: its last work ended before all that it had processed, or begun to, was committed.
    `dead_letters`, `skipped_settings`: counts by reason since its start. `restarts`: how often it was started again by
    its supervisor.
    """

    instance: _Name
    stage: _Stage
    cluster: _Cluster
    state: _Words
    time: _Count
    host: _Words = ""
    epoch: _Count = 0
    attempt: _Words = ""
    loop_turned_ms_ago: _Count | None = None
    taken_ms_ago: Annotated[dict[_Name, _Count], Meta(max_length=100)] = {}
    lag: _Count = 0
    ends_ms_ago: _Count | None = None
    ends: _Offsets = {}
    committed: Annotated[dict[_Place, Committed], Meta(max_length=10_000)] = {}
    lags: _Offsets = {}
    rates: Rates = Rates()
    latency_ms: Latency = Latency()
    dead_letters: _Reasons = {}
    skipped_settings: _Reasons = {}
    restarts: _Count = 0
    totals: Totals = Totals()
    skipped_by_switch: _Count = 0
    uncommitted: bool = False

    def brief(self) -> Self:
        """Without what it tells of partitions and of kinds of alerts, which may be much."""
        return replace(self, ends={}, committed={}, lags={}, totals=Totals(self.totals.entries))


_DECODER: Final = msgspec.json.Decoder(HeartbeatRecord)


def decode(value: bytes | None) -> HeartbeatRecord | None:
    """Return the heartbeat that a record's value holds; None where it holds none, as anybody may write to a topic.

    None also for one that no instance of ours writes: too large, a name that no terminal shows, a number below 0.
    """
    if value is None or len(value) > LONGEST_BYTES:
        return None
    try:
        beat = _DECODER.decode(value)
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return None
    return beat if beat.instance.isprintable() and beat.host.isprintable() else None
