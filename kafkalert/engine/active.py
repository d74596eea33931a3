"""Which cluster a process may work on, by the control logs of all of them."""

import logging
from collections.abc import Iterable
from threading import Event, Thread
from typing import Final

from kafkalert.bus.control.event import Event as ControlEvent
from kafkalert.bus.control.log import ControlLog
from kafkalert.bus.control.plausible import KEPT, PassedOver
from kafkalert.bus.control.state import Duty, View, duty
from kafkalert.bus.denials import Denials
from kafkalert.bus.records.partitions import Partition
from kafkalert.bus.threads import watched
from kafkalert.config.names import CONTROL
from kafkalert.config.sections import Cluster, Settings
from kafkalert.engine.clock import Clock
from kafkalert.engine.consuming.skipping import Ranges, ranges
from kafkalert.engine.stopping import Stopping
from kafkalert.errors import DeniedError, KafkalertError, UnreachableError

_LOG = logging.getLogger(__name__)
_LOOK_SECONDS: Final = 0.05
_SAY_SECONDS: Final = 10.0
_UPKEEP_SECONDS: Final = 1.0
_FRESH_SECONDS: Final = 0.25
"""Far less than what a command waits beyond the lease."""


class ActiveCluster:
    """Where this process may work: the active cluster, its epoch, and what is going on about them.

    `news` is set whenever a log brought something. In a context of one cluster there is nothing to read: that cluster
    is active, in epoch 0.
    """

    def __init__(self, settings: Settings, *, clock: Clock, stopping: Stopping) -> None:
        names = settings.context.clusters
        self.clusters: dict[str, Cluster] = {name: settings.clusters[name] for name in names}
        self.news = Event()
        self._clock = clock
        self._stopping = stopping
        self._alone = View(epoch=0, active=names[0], commit=None, pending=None, history=(), next_epoch=1)
        self._fresh = (-1, "", float("-inf"))
        self._log: ControlLog | None = None
        if len(names) > 1:
            topic = settings.topic(CONTROL)
            self._log = ControlLog(
                list(self.clusters.values()),
                topic,
                home=names[0],
                monotonic=clock.monotonic,
                ended=stopping.thread_ended,
            )
            self._log.subscribe(self._told)

    def start(self) -> None:
        """Begin to read."""
        if self._log is not None:
            self._log.start()
            keep = watched("control upkeep", self._keep, self._stopping.thread_ended)
            Thread(target=keep, name="control upkeep", daemon=True).start()

    def close(self) -> None:
        """Stop reading."""
        if self._log is not None:
            self._log.close()

    def view(self) -> View:
        """Return what the logs say, as far as they were read."""
        return self._alone if self._log is None else self._log.view()

    def duty(self, *, epoch: int, acknowledged: ControlEvent | None) -> Duty:
        """Return what this process has to do now.

        `epoch` is the highest that it has worked in, `acknowledged` the PREPARE for which it stands still.
        """
        settled = self._log is None or self._log.settled()
        view = self.view()
        fresh = self.fresh(self._clock.monotonic(), view.epoch, view.active)
        return duty(view, settled=settled, fresh=fresh, epoch=epoch, acknowledged=acknowledged)

    def fresh(self, now: float, epoch: int, cluster: str) -> bool:
        """Whether the logs were read lately enough to work in `epoch` on `cluster`, and still say so.

        Cheap: an answer is good for a moment. Another epoch never is, and of two forced switches of one epoch only the
        cluster of the one that counts: what was read says to work elsewhere.
        """
        known, where, until = self._fresh  # at once: several threads ask
        if epoch == known and cluster == where and now < until:
            return True
        if self._log is not None:
            view = self.view()
            if (view.epoch, view.active) != (epoch, cluster) or not self._log.fresh(now):
                return False
        self._fresh = (epoch, cluster, now + _FRESH_SECONDS)
        return True

    def passed_over(self) -> int:
        """How many records of the control logs decide nothing."""
        return 0 if self._log is None else self._log.skipped()

    def skips(self, group: str) -> dict[Partition, Ranges]:
        """Return what `group` passes over in this epoch."""
        commit = self.view().commit
        return {} if commit is None else ranges(commit.detail, group)

    def await_settled(self, patience: float | None, denials: Denials) -> bool:
        """Return True once it is known where to work; False if stopped first.

        Raises ConfigError where the logs' topic is missing, UnreachableError after `patience` seconds, DeniedError once
        `denials` do not wait any more.
        """
        log = self._log
        if log is None:
            return True
        began = said = self._clock.monotonic()
        while not log.settled():
            problem = log.problem()
            if isinstance(problem, DeniedError):
                denials.wait(problem)
            elif problem is not None:
                raise problem
            now = self._clock.monotonic()
            missing = " and ".join(sorted(self.clusters.keys() - log.reachable())) or "every cluster"
            if now - said >= _SAY_SECONDS:
                said = now
                _LOG.warning("the control log of %s was not read yet; waiting for it", missing)
            if patience is not None and now - began > patience:
                if isinstance(problem, DeniedError):
                    raise problem
                raise UnreachableError(
                    f"The control log of {missing} was not read in {now - began:.0f} s, longer than --wait allows.",
                    hint="Where to work is known once every cluster was read, or after `failover --force`.",
                )
            self.news.wait(_LOOK_SECONDS)
            self.news.clear()
            if self._stopping:
                return False
        return True

    def _told(self, *_: object) -> None:
        self.news.set()

    def _keep(self) -> None:
        """Now and then: end an attempt that nobody ends, and give a cluster what its log lacks."""
        log, revoked = self._log, Denials(self._clock.monotonic, None)
        said: set[PassedOver] = set()
        while log is not None and not self._stopping.wait(_UPKEEP_SECONDS):
            _say_new(log.passed_over(), said)
            problem = log.problem()
            if isinstance(problem, DeniedError) and log.settled():  # before that, `await_settled` says it
                revoked.wait(problem)
            try:
                log.abort_overdue()
                log.copy_lacking()
            except KafkalertError as error:  # the next turn tries again, and other instances do the same
                _LOG.info("control log: %s", error)


def _say_new(passed_over: Iterable[PassedOver], said: set[PassedOver]) -> None:
    """Log a line for each record that decides nothing; whoever writes many fills no log by it."""
    for odd in passed_over:
        if odd not in said and len(said) < KEPT:
            said.add(odd)
            _LOG.warning("control log of %s, offset %d is passed over: %s", odd.cluster, odd.offset, odd.why)
