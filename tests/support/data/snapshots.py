"""Snapshots of every state that a screen has to show, made by hand; the clock stands still in them."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from kafkalert.model.grade import Grade
from kafkalert.ops.failover.status.findings import judged
from kafkalert.ops.failover.status.history import Switch
from kafkalert.ops.failover.status.instances import Presence
from kafkalert.ops.failover.status.picture import PendingSwitch, Survey
from kafkalert.ops.mirror.condition import Condition
from kafkalert.ops.overview.changes import Change
from kafkalert.ops.overview.moving import Doing, Moving, Track
from kafkalert.ops.overview.series import SECONDS, PartitionSeen, Window
from kafkalert.ops.overview.snapshot import ContextSeen, Snapshot
from kafkalert.ops.overview.verdict import Judgement, Level, Trend, verdict
from tests.support.data.picture import WELL, clusters, flow, instance

AT: Final = datetime(2026, 11, 28, 3, 12, 44, tzinfo=UTC)
_MS: Final = int(AT.timestamp() * 1000)
CONTEXT: Final = ContextSeen("bank", ("dc1", "dc2"))
_RATES: Final[dict[str, Any]] = {
    "entries_per_second": 502.0,
    "alerts_per_second": 498.0,
    "p50_ms": 7,
    "p99_ms": 25,
    "entries": 90_210,
}


def _busy(survey: Survey, **more: object) -> Survey:
    """The same, with instances that have something to do."""
    instances = tuple(
        replace(one, host=f"host-{number}", lag=6, **_RATES) if one.stage == "alerting" else replace(one, host="host-9")
        for number, one in enumerate(survey.instances, 1)
    )
    return judged(replace(survey, instances=instances, **more))  # type: ignore[arg-type]  # fields of Survey


def _wave(top: float) -> list[float | None]:
    return [top * (0.8 + (second % 7) / 35) for second in range(SECONDS)]


WINDOW: Final = Window(
    bookings=_wave(1004),
    brought=_wave(1004),
    alerts=_wave(996),
    waiting=_wave(12),
    channels={"EMAIL": _wave(331), "SMS": _wave(334), "PUSH": _wave(331)},
)
PARTITIONS: Final = tuple(
    PartitionSeen("alerting", f"accountentry/{number}", 3, 251.0, None, _wave(3), f"host-{number % 2 + 1}")
    for number in range(4)
)


def snapshot(survey: Survey | None, **more: object) -> Snapshot:
    """A snapshot of a survey, with what flows."""
    judgement = verdict(survey) if survey is not None else Judgement(Level.LOADING, "Asking dc1 and dc2 ...")
    made = Snapshot(1, AT, 100.0, CONTEXT, judgement, survey)
    if survey is not None:
        made = replace(made, window=WINDOW, partitions=PARTITIONS)
    return replace(made, **more)  # type: ignore[arg-type]  # fields of Snapshot


CALM: Final = _busy(WELL)
_SILENT: Final = _busy(
    replace(WELL, instances=(instance("vm-1", presence=Presence.SILENT, since_beat=5.2), *WELL.instances[1:]))
)
_DEAD: Final = _busy(WELL, clusters=clusters("dc1"), groups=None)
_HELD: Final = _busy(
    replace(WELL, instances=tuple(replace(one, state="held: the tables are stale") for one in WELL.instances[:2]))
)
_PENDING: Final = PendingSwitch(4, "a1", "dc1", "dc2", "ann@ops", AT, "maintenance")
_MOVING: Final = Moving(
    "dc1",
    "dc2",
    "planned",
    "ann@ops",
    "maintenance",
    _MS - 1000,
    None,
    "",
    (
        Track("alerting", "vm-1", "host-1", ((_MS - 2000, Doing.WORKS), (_MS - 900, Doing.STANDS_STILL)), None),
        Track("bridge", "vm-9", "host-9", ((_MS - 2000, Doing.WORKS), (_MS - 950, Doing.STANDS_STILL)), None),
    ),
)
_OVER: Final = replace(
    _MOVING,
    ended=_MS - 500,
    outcome="COMMIT",
    tracks=tuple(
        replace(
            track,
            told=(*track.told, (_MS - 500, Doing.JOINS), (_MS - 300, Doing.WORKS)),
            paused=0.6,
        )
        for track in _MOVING.tracks
    ),
)
_SWITCHES: Final = (
    Switch(1, 3, "a0", AT - timedelta(hours=1), "planned", "dc2", "dc1", "switched", "ann@ops", "back", 0.4, 0, "", ""),
    Switch(1, 2, "a9", AT - timedelta(hours=9), "planned", "dc1", "dc2", "aborted", "ann@ops", "", 2.1, 0, "ann", "x"),
)
_CHANGES: Final = (
    Change(AT - timedelta(seconds=102), "alerting host-7 is alive.", Grade.GOOD),
    Change(AT - timedelta(seconds=107), "alerting host-7 is silent.", Grade.BAD),
)
_MANY: Final = _busy(replace(WELL, instances=tuple(instance(f"vm-{number}") for number in range(50))))
_REFUSED: Final = _busy(
    replace(
        WELL,
        instances=(
            instance("vm-1", dead_letters={"unknown-fingerprint": 12, "bad-bytes": 2}),
            *WELL.instances[1:],
        ),
    )
)
ONE_CLUSTER: Final = replace(CALM, clusters=clusters()[:1], flows=())

_MOVED: Final = Trend(switched_seconds=4.0, source="dc1", target="dc2")

STATES: Final[Mapping[str, Snapshot]] = {
    "calm": snapshot(CALM, changes=_CHANGES, switches=_SWITCHES),
    "loading": snapshot(None),
    "silent": snapshot(_SILENT),
    "held": snapshot(_HELD),
    "dead": snapshot(_DEAD, away={"dc1": 8.0}),
    "nobody": snapshot(
        None,
        judgement=Judgement(Level.ACT, "Neither dc1 nor dc2 answers from here. Look at your network first."),
        away={"dc1": 8.0, "dc2": 8.0},
    ),
    "production": snapshot(CALM, context=replace(CONTEXT, production=True, read_only=True)),
    "empty": snapshot(judged(replace(WELL, instances=(), groups=())), window=Window(), partitions=()),
    "switching": snapshot(_busy(WELL, pending=_PENDING), moving=_MOVING),
    "switched": snapshot(CALM, moving=_OVER, switches=_SWITCHES, judgement=verdict(CALM, _MOVED)),
    "given up": snapshot(
        _busy(WELL, active="dc2", given_up="dc1", flows=(flow("dc1", "dc2", Condition.STOPPED), flow("dc2", "dc1")))
    ),
    "refused": snapshot(_REFUSED),
    "one cluster": snapshot(ONE_CLUSTER, context=ContextSeen("bank", ("dc1",))),
    "many": snapshot(
        _MANY,
        partitions=tuple(
            PartitionSeen("alerting", f"accountentry/{number}", number, 12.0, 9.0, _wave(number), "host-1")
            for number in range(200)
        ),
    ),
}
"""Every state, by its name."""
