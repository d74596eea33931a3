"""A stage from start to stop: heartbeat, health, and a loop that is made anew when its clients break."""

import logging
from typing import Final

from confluent_kafka import KafkaException

from kafkalert.bus.cause import said
from kafkalert.bus.control.event import Event
from kafkalert.bus.control.state import Duty
from kafkalert.bus.denials import Denials
from kafkalert.bus.records.watermarks import ABSENT_SECONDS, MissingTopicsError
from kafkalert.bus.threads import LostThreadError
from kafkalert.config.names import STATUS
from kafkalert.config.sections import Settings
from kafkalert.engine.active import ActiveCluster
from kafkalert.engine.consuming.events import RetryError
from kafkalert.engine.consuming.unread import UnreadError
from kafkalert.engine.delivery import DeliveryError
from kafkalert.engine.ending import AbandonedError
from kafkalert.engine.observe import health
from kafkalert.engine.observe.heartbeat import Heartbeat, Report
from kafkalert.engine.observe.watchdog import LastCommit, Watchdog
from kafkalert.engine.options import RunOptions
from kafkalert.engine.stage import CallingStage, Given, Stage
from kafkalert.engine.stay import Goals, Stay, Work
from kafkalert.engine.stopping import ORDERLY_SECONDS, InterruptedStopError
from kafkalert.errors import DeniedError, NotReadyError, UnreachableError

_LOG = logging.getLogger(__name__)
_PASSING: Final = (RetryError, NotReadyError, DeliveryError, LostThreadError, UnreachableError, KafkaException)
"""What ends a stay, and may not end the next one."""
_BACKOFF_SECONDS: Final = (0.2, 0.5, 1.0, 2.0, 5.0)
_STEADY_SECONDS: Final = 60.0
"""A stay that lasted so long was a good one: the next failure is a first one again."""
_STUCK: Final = "stuck: its loop stands still"
_LOOK_SECONDS: Final = 0.1
_RIGHT_SECONDS: Final = 2.0
"""How often it is tried again where a right is missing, or somebody has to say where to go on."""
_LAST_SECONDS: Final = ORDERLY_SECONDS + 2.0
"""What the last stay may take to end: delivering and committing, and leaving the group."""


class Runner:
    """Runs one stage on the active cluster, whichever that is at the moment.

    The stage works on a thread that this one only watches: so a cluster that hangs, in whatever call, cannot keep the
    stage from moving to another one.
    """

    def __init__(
        self,
        settings: Settings,
        options: RunOptions,
        *,
        stage: Stage | CallingStage,
        given: Given,
    ) -> None:
        clock, stopping = given.clock, given.stopping
        self._settings = settings
        self._options = options
        self._stage = stage
        self._metrics = given.metrics
        self._clock = clock
        self._stopping = stopping
        self._active = ActiveCluster(settings, clock=clock, stopping=stopping)
        self._work = Work(
            settings, stage, given.metrics, self._active.fresh, self._look, self._changed, clock, stopping
        )
        self._heartbeat = Heartbeat(
            stage.name,
            self._active.clusters.values(),
            settings.topic(STATUS),
            metrics=given.metrics,
            report=self.report,
            patience=options.patience,
            clock=clock,
            stopping=stopping,
        )
        self._here: Stay | None = None  # where records are processed
        self._next: Stay | None = None  # clients for where they will be, if the pending attempt succeeds
        self._prepared: Event | None = None  # the PREPARE for which this instance stands still
        self._epoch = -1  # the highest that was worked in
        self._cluster = ""  # where that was
        self._waits = "starting"
        self._lacks = ""  # why the last stay could not process: it stays so until a stay gets further
        self._uncommitted = False  # whether a stay broke, and none has committed since what it may have processed
        self._goals: Goals = {}
        self._failures = 0
        self._retry_at = float("-inf")
        self._denials = Denials(clock.monotonic, 0.0 if options.until_end else options.patience)
        self._absences = Denials(clock.monotonic, ABSENT_SECONDS)
        self._watchdog = Watchdog()
        self._last_commit = LastCommit()

    def run(self) -> None:
        """Run until stopped or at the end.

        Raises KafkalertError for what cannot pass by waiting, RestartError for a loop that stands still for a minute.
        """
        if self._options.http_port is not None:
            health.serve(
                self._options.http_port,
                self._metrics,
                alive=self.alive,
                ready=self.ready,
                host=self._options.http_host,
            )
        self._active.start()
        self._heartbeat.start()
        try:
            self._active.await_settled(self._options.patience, self._denials)
            while not self._stopping and not self._turn():
                self._active.news.wait(_LOOK_SECONDS)
        finally:
            self._stopping.stop()
            if self._here is not None:
                self._here.join(_LAST_SECONDS)
                self._say_ended(self._here)
            self._heartbeat.end()
            self._active.close()
        if self._stopping.reason is not None:
            raise self._stopping.reason

    def report(self) -> Report:
        """Return what the stage is doing, in a word or two, and where."""
        here, prepared = self._here, self._prepared
        loop = None if here is None else here.loop  # read once: other threads take it away at any moment
        if loop is not None:
            state = f"held: {loop.held}" if loop.held else "running" if loop.joined else "joining"
            state = _STUCK if self._watchdog.stuck else state
        else:
            state = self._lacks or (self._waits if here is None else here.state)
        state = "stopping" if self._stopping else "prepared" if prepared is not None else state
        view = self._active.view()
        cluster, epoch = (view.active, view.epoch) if here is None else (here.cluster.name, here.epoch)
        attempt = "" if prepared is None else prepared.id
        passed_over = self._active.passed_over()
        if loop is None:
            return Report(state, cluster, epoch, attempt, passed_over=passed_over, uncommitted=self._uncommitted)
        return Report(
            state, cluster, epoch, attempt, loop.ends, loop.places, loop.ticked, passed_over, measured=loop.measured
        )

    def ready(self) -> bool:
        """Whether entries are processed."""
        here = self._here
        loop = None if here is None else here.loop
        return loop is not None and loop.joined and not loop.held and not self._watchdog.stuck

    def alive(self) -> bool:
        """Whether the loop still turns (a broker that is away does not stop it from turning)."""
        return not self._watchdog.stuck

    def _changed(self) -> None:
        """Something about a stay has changed; called from its thread."""
        self._active.news.set()
        self._heartbeat.now()

    def _turn(self) -> bool:
        """Do what the control logs and the stay of the moment ask for; whether the stage has reached its end."""
        self._active.news.clear()
        duty = self._active.duty(epoch=self._epoch, acknowledged=self._prepared)
        here = self._here
        # Of two forced switches of one epoch, the one that counts may be read later: the cluster changes then, too.
        if here is not None and duty.do != "hold" and (duty.epoch, duty.cluster) != (here.epoch, here.cluster.name):
            _LOG.warning("epoch %d: %s is left behind", duty.epoch, here.cluster.name)
            self._forget(here)
            self._here = here = None
        if here is not None and here.ended:
            self._here = None
            if here.finished:
                return True
            self._sort(here)
            here = None
        if here is not None and self._leaves_in_vain(here, duty):
            _LOG.warning("epoch %d: %s does not confirm the last commit; beginning anew", here.epoch, here.cluster.name)
            self._forget(here)
            self._here = here = None
            self._uncommitted = True
        if duty.attempt is not None:
            if here is not None:
                here.leave()
            else:
                self._stand_still(duty.attempt)
        elif duty.do == "process":
            self._go_on(duty)
        elif here is None:
            self._waits, self._lacks = f"held: {duty.why}", ""
        self._watch()
        return False

    def _leaves_in_vain(self, here: Stay, duty: Duty) -> bool:
        """Whether a stay leaves though nobody asks for it any more, and does not come to an end."""
        waits = here.ending.leaving and duty.do == "process" and self._heartbeat.is_answered(here.cluster.name)
        return self._last_commit.is_late(waits=waits, now=self._clock.monotonic())

    def _watch(self) -> None:
        """See that the loop turns. Raises RestartError once it has stood still for too long."""
        here = self._here
        loop = None if here is None or here.ending else here.loop  # who leaves may have to wait for its cluster
        was_stuck = self._watchdog.stuck
        self._lacks = self._lacks if loop is None else ""
        self._watchdog.look(None if loop is None else loop.ticked, self._clock.monotonic())
        if self._watchdog.stuck and not was_stuck:
            _LOG.warning("the loop has not turned for %.0f s", self._watchdog.still)
            self._heartbeat.now()
        self._watchdog.check()

    def _stand_still(self, attempt: Event) -> None:
        """Nothing is processed here: say so, and connect to where it may go on."""
        if self._prepared == attempt:
            return
        _LOG.warning("epoch %d: prepared to move to %s", attempt.epoch, attempt.target)
        self._prepared = attempt
        self._heartbeat.now()
        target = self._active.clusters.get(attempt.target)
        self._stage.dependency.expect(target)
        if self._next is not None and self._next.cluster != target:
            self._forget(self._next)
            self._next = None
        if target is not None and self._next is None:
            self._next = Stay(self._work, target)

    def _go_on(self, duty: Duty) -> None:
        """Process on the active cluster, unless a new try is not due yet."""
        if self._prepared is not None or (duty.epoch, duty.cluster) != (self._epoch, self._cluster):
            if self._prepared is not None or self._epoch >= 0:
                _LOG.warning("epoch %d: going on on %s", duty.epoch, duty.cluster)
            if self._prepared is not None and self._prepared.target != duty.cluster:
                self._stage.dependency.expect(None)
            self._prepared = None
            self._epoch, self._cluster = duty.epoch, duty.cluster
            self._failures, self._retry_at = 0, float("-inf")
            self._goals, self._lacks = {}, ""
        waiting, self._next = self._next, None
        if waiting is not None and (waiting.ended or waiting.cluster.name != duty.cluster or self._here is not None):
            self._forget(waiting)
            waiting = None
        if self._here is not None or self._clock.monotonic() < self._retry_at:
            return
        self._waits = "starting"
        here = waiting or Stay(self._work, self._active.clusters[duty.cluster])
        skips = self._active.skips(self._settings.group(self._stage.name))
        here.go(duty.epoch, skips, self._goals if self._options.until_end else None)
        self._here = here
        self._heartbeat.now()

    def _forget(self, stay: Stay) -> None:
        """Leave a stay behind, with whatever it waits for."""
        stay.abandon()
        self._metrics.lag = {}
        self._failures, self._retry_at = 0, float("-inf")

    def _look(self, stay: Stay) -> None:
        """Before `stay` goes on after a long silence: whether it still may. Called from its thread."""
        view = self._active.view()
        if (view.epoch, view.active) != (stay.epoch, stay.cluster.name):
            stay.ending.abandon()
        elif view.pending is not None and view.pending.source == stay.cluster.name:
            stay.ending.leave()

    def _sort(self, ended: Stay) -> None:
        """Decide what the end of a stay means: nothing, a new try later, or the end of the stage, which it raises."""
        self._metrics.lag = {}
        error = ended.error
        if isinstance(error, AbandonedError):
            return
        if ended.worked:
            self._uncommitted = error is not None or ended.unfinished > 0
        if error is None:
            return
        if isinstance(error, InterruptedStopError):
            self._say_ended(ended)
        elif isinstance(error, _PASSING):
            now = self._clock.monotonic()
            self._failures = 1 if now - ended.begun > _STEADY_SECONDS else self._failures + 1
            _LOG.warning("%s Trying again.", said(error))
            self._retry_at = now + _BACKOFF_SECONDS[min(self._failures, len(_BACKOFF_SECONDS)) - 1]
        elif isinstance(error, (DeniedError, UnreadError, MissingTopicsError)):
            (self._absences if isinstance(error, MissingTopicsError) else self._denials).wait(error)
            self._lacks = f"held: {error}"
            self._retry_at = self._clock.monotonic() + _RIGHT_SECONDS
        else:
            raise error

    def _say_ended(self, ended: Stay) -> None:
        """Say what kept the last stay from an orderly end."""
        if isinstance(ended.error, InterruptedStopError):
            _LOG.warning("%s %s", ended.error, ended.error.hint)
