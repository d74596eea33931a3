"""Whether a cluster that does not answer here is alive all the same: instances that beat elsewhere tell of it."""

from collections.abc import Iterable
from typing import Final

from kafkalert.engine.clock import Clock
from kafkalert.errors import RefusedError
from kafkalert.ops.failover.status.instances import InstanceWatcher, Presence, WatchedInstance
from kafkalert.ops.failover.switch.context import listed
from kafkalert.ops.wording import counted

RECENT_MS: Final = 3000
"""A cluster that took a heartbeat so lately is alive; instances send one each second."""
WAIT_SECONDS: Final = 6.0
"""A cluster that has only just died was still alive in the last beats: those grow old meanwhile."""
_STEP_SECONDS: Final = 0.2
_BEATING: Final = frozenset({Presence.ALIVE, Presence.STUCK})
"""Also one that is stuck beats, and a cluster that takes its beats is alive."""


def reaching(members: Iterable[WatchedInstance], cluster: str, now: float) -> list[str]:
    """Return the instances that beat, and whose heartbeats `cluster` took lately, as they say themselves."""
    return sorted(
        member.beat.instance
        for member in members
        if member.presence(now) in _BEATING and member.beat.taken_ms_ago.get(cluster, RECENT_MS + 1) <= RECENT_MS
    )


def check_unreached(watcher: InstanceWatcher, cluster: str, clock: Clock) -> None:
    """Check that no instance reaches `cluster`, which does not answer here. Raises RefusedError after WAIT_SECONDS."""
    give_up = clock.monotonic() + WAIT_SECONDS
    while who := reaching(watcher.members().values(), cluster, clock.monotonic()):
        if clock.monotonic() >= give_up:
            raise RefusedError(
                f"{cluster} is alive: it takes heartbeats of {counted(len(who), 'instance')} ({listed(who)}). It does "
                "not answer this command alone.",
                hint=f"Mend how this machine reaches {cluster}: `kafkalert topics plan --cluster {cluster}` names the "
                "cause. To leave it all the same, end those instances first.",
            )
        watcher.wait(_STEP_SECONDS)
