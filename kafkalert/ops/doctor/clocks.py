"""Clocks: this machine's against those of Connect workers and of machines that run stages. Nothing is written."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import Final

from kafkalert.config import names
from kafkalert.config.sections import Cluster, Settings
from kafkalert.engine.clock import Clock
from kafkalert.ops.doctor.checkup import Checks, Checkup, Subject
from kafkalert.ops.doctor.mirror import Heard
from kafkalert.ops.doctor.words import age
from kafkalert.ops.failover.status.heartbeats import STOPPED
from kafkalert.ops.failover.status.instances import InstanceWatcher, WatchedInstance
from kafkalert.ops.wording import harmless

LOOK_MS: Final = 2_000
BAD_MS: Final = 30_000
"""Forced switches allow for clocks that lie half a minute apart."""
_DATE_MS: Final = 1_000
"""HTTP tells whole seconds."""
_BEAT_MS: Final = 300
"""How long a heartbeat may take until it is read here."""
_HINT: Final = "Have both machines' clocks set by NTP (`timedatectl`, `chronyc tracking`)."
WATCH_SECONDS: Final = 2.2
"""Heartbeats come each second."""


@dataclass(frozen=True, slots=True)
class Offset:
    """By how much a clock is ahead of this machine's: `least` to `most` ms."""

    whose: str
    least: int
    most: int


def of_worker(url: str, heard: Heard) -> Offset | None:
    """Return the offset of a Connect worker's clock, by the Date of its answer; None where it does not tell."""
    try:
        date = parsedate_to_datetime(heard.worker.date)
    except ValueError:
        return None
    told = round(date.timestamp() * 1000)
    # The answer was written between the two moments, within the second that it names.
    return Offset(f"the Connect worker {url}", told - heard.answered, told + _DATE_MS - heard.asked)


def of_instances(members: Iterable[WatchedInstance], clock: Clock) -> list[Offset]:
    """Return the offset of each machine that runs instances which beat now: that of its first one by name."""
    found: dict[str, Offset] = {}
    for one in sorted(members, key=lambda member: member.beat.instance):
        if one.arrived is not None and one.beat.state != STOPPED and one.beat.host not in found:
            arrived = clock.wall_ms() - round((clock.monotonic() - one.arrived) * 1000)
            ahead = one.beat.time - arrived
            whose = f"{harmless(one.beat.host) or '?'} ({harmless(one.beat.instance)})"
            found[one.beat.host] = Offset(whose, ahead, ahead + _BEAT_MS)
    return list(found.values())


def watch(settings: Settings, clusters: Sequence[Cluster], clock: Clock) -> list[Offset]:
    """Listen to the heartbeats of clusters for about two seconds."""
    watcher = InstanceWatcher(clusters, settings.topic(names.STATUS), clock=clock)
    watcher.start()
    try:
        give_up = clock.monotonic() + WATCH_SECONDS
        while (left := give_up - clock.monotonic()) > 0:
            watcher.wait(left)
        return of_instances(watcher.members().values(), clock)
    finally:
        watcher.close()


def judge(cluster: str, name: str, offsets: Sequence[Offset]) -> Iterator[Checkup]:
    """Yield a check for each clock that is known to be wrong, or this machine's is; one for all others."""
    checks = Checks(Subject.CLOCKS, cluster)
    fine = []
    for one in offsets:
        least = max(one.least, -one.most, 0)
        if least < LOOK_MS:
            fine.append(one)
            continue
        side = "ahead of" if one.least > 0 else "behind"
        text = f"The clock of {one.whose} is {age(least / 1000)} or more {side} this machine's."
        yield checks.bad(one.whose, text, _HINT) if least >= BAD_MS else checks.look(one.whose, text, _HINT)
    if fine:
        each = "; ".join(f"{one.whose} {_seconds(one.least)} to {_seconds(one.most)}" for one in fine)
        yield checks.ok(name, f"No clock is 2 s away from this machine's: {each}.")
    if not offsets:
        yield checks.skipped(name, "None of them tells a time, and Kafka does not tell that of its brokers.")


def offsets_of_workers(heard: Mapping[str, Heard | Exception]) -> list[Offset]:
    """Return what the workers that answered tell."""
    found = [of_worker(url, one) for url, one in heard.items() if isinstance(one, Heard)]
    return [one for one in found if one is not None]


def _seconds(ms: int) -> str:
    return f"{ms / 1000:+.1f} s"
