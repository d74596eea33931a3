"""One heartbeat of an instance, as it stands on kafkalert.status."""

from typing import Final

import msgspec

STOPPED: Final = "stopped"
PREPARED: Final = "prepared"


class Totals(msgspec.Struct, frozen=True):
    """What an instance has done since its start."""

    entries: int = 0


class Beat(msgspec.Struct, frozen=True, rename="camel"):
    """What an instance says of itself; fields that nothing here needs are not read.

    `cluster`, `epoch`: where it works, and since which switch. `attempt`: the id of the attempt for which it stands
    still, else "". `loop_turned_ms_ago`: since its loop last turned, None without one. `time`: ms by its own clock.
    `ends`: "TOPIC/P" to the end of the partitions that it reads; `lag`: records of them all that it has not processed,
    `lags` the same by partition, where it says so.
    """

    instance: str
    stage: str
    cluster: str
    state: str
    time: int
    host: str = ""
    pid: int = 0
    epoch: int = 0
    attempt: str = ""
    loop_turned_ms_ago: int | None = None
    lag: int = 0
    partitions: dict[str, list[int]] = {}
    ends: dict[str, int] = {}
    lags: dict[str, int] = {}
    totals: Totals = Totals()


_DECODER: Final = msgspec.json.Decoder(Beat)


def decode(value: bytes | None) -> Beat | None:
    """The heartbeat that a record's value holds; None where it holds none, as anybody may write to a topic."""
    try:
        return _DECODER.decode(value or b"")
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return None
