"""What every command about failover looks at while it runs: the control log and the heartbeats of all clusters."""

from collections.abc import Callable, Iterable
from threading import Thread
from typing import Final, Self

from kafkalert.bus.control.log import ControlLog
from kafkalert.config import names
from kafkalert.config.sections import Settings
from kafkalert.engine.clock import Clock
from kafkalert.errors import UnreachableError
from kafkalert.ops.failover.status.heartbeats import HeartbeatRecord
from kafkalert.ops.failover.status.instances import BACK_SECONDS, InstanceWatcher, Presence

CONTROL_SECONDS: Final = 5.0
"""How long a control log is waited for, before it counts as one that cannot be read."""
PAST_SECONDS: Final = 190.0
"""So far back heartbeats are read for who hears all of them: charts of three minutes are full from the first moment."""
_STEP_SECONDS: Final = 0.05
_BEAT_SECONDS: Final = 1.3


class Watch:
    """Follows both from the block's begin to its end, on threads that nothing waits for.

    `hear` is given each heartbeat, whole, on the thread of its cluster.
    """

    def __init__(
        self, settings: Settings, clock: Clock, *, hear: Callable[[HeartbeatRecord], None] | None = None
    ) -> None:
        self._settings = settings
        self._clock = clock
        back = BACK_SECONDS if hear is None else PAST_SECONDS
        clusters = [settings.clusters[name] for name in settings.context.clusters]
        self.control = ControlLog(clusters, settings.topic(names.CONTROL), home=clusters[0].name)
        status = settings.topic(names.STATUS)
        self.watcher = InstanceWatcher(clusters, status, clock=clock, hear=hear, back_seconds=back)

    def __enter__(self) -> Self:
        self.control.start()
        self.watcher.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.watcher.close()
        Thread(target=self.control.close, name="close", daemon=True).start()  # waits for its readers, as nobody here

    def await_control(self, clusters: Iterable[str], seconds: float = CONTROL_SECONDS) -> None:
        """Wait until the control log of each of `clusters` was read to its end, at most `seconds`.

        Raises ConfigError where one has no such topic, UnreachableError where none could be read.
        """
        wanted = set(clusters)
        control = self.control
        control.changed.wait_for(lambda: control.reachable() >= wanted or control.problem() is not None, seconds)
        problem = control.problem()
        if problem is not None:
            raise problem
        if not control.reachable():
            raise nobody(self._settings)

    def await_beats(self, clusters: Iterable[str], seconds: float, *, quick: bool = False) -> None:
        """Wait until beats of each of `clusters` have been awaited for `seconds`; twice as long for one that hangs.

        A little more than the second between two beats is enough where everybody known was heard in it, on each; who is
        `quick` does not wait for the rest of that second, in which one might be heard of whom nobody knows yet.
        """
        wanted = list(clusters)
        give_up = self._clock.monotonic() + 2 * seconds
        while (now := self._clock.monotonic()) < give_up:
            watched = min((self.watcher.watched(name, now) for name in wanted), default=seconds)
            members = self.watcher.members().values()
            missed = any(member.presence(now) is Presence.SILENT or member.unheard(wanted, now) for member in members)
            is_heard = any(member.presence(now) is Presence.ALIVE for member in members) and not missed
            if watched >= seconds or (watched >= _BEAT_SECONDS and not missed) or (quick and watched and is_heard):
                return
            self.watcher.wait(_STEP_SECONDS)


def nobody(settings: Settings) -> UnreachableError:
    """Return the sentence for a context no cluster of which answers."""
    where = [f"{name} ({settings.clusters[name].bootstrap})" for name in settings.context.clusters]
    what = f"Neither {' nor '.join(where)} answers." if len(where) > 1 else f"Cluster {where[0]} does not answer."
    return UnreachableError(what, hint="Start one, or correct bootstrap under [clusters].")
