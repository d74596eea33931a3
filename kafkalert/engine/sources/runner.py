"""What brings records in from outside, from start to stop: where to send, heartbeat, health, and an orderly end."""

from collections.abc import Callable, Sequence
from threading import Event
from typing import Any

from kafkalert.bus.denials import Denials
from kafkalert.bus.records.watermarks import topic_ids
from kafkalert.config.names import STATUS
from kafkalert.config.sections import Settings
from kafkalert.engine.active import ActiveCluster
from kafkalert.engine.observe import health
from kafkalert.engine.observe.heartbeat import Heartbeat, Report
from kafkalert.engine.options import RunOptions
from kafkalert.engine.sources.delivery import SourceDelivery
from kafkalert.engine.stage import Given
from kafkalert.engine.stopping import InterruptedStopError
from kafkalert.errors import DeniedError, UnreachableError

_AGAIN_SECONDS = 1.0


class SourceRunner:
    """Runs the stage `name`, which sends to `topics` by `delivery`, on whichever cluster is active.

    `waits`: whether a missing right is waited for, as long as `options.patience`; else the stage ends with it.
    `acknowledged`: see SourceDelivery.
    """

    def __init__(
        self,
        name: str,
        topics: Sequence[str],
        settings: Settings,
        options: RunOptions,
        given: Given,
        *,
        waits: bool,
        acknowledged: Callable[[Any], None] | None = None,
    ) -> None:
        self._topics = [*topics, settings.topic(STATUS)]
        self._options = options
        self._metrics = given.metrics
        self._stopping = given.stopping
        self._active = ActiveCluster(settings, clock=given.clock, stopping=given.stopping)
        self._denials = Denials(given.clock.monotonic, options.patience if waits else 0.0)
        self._begun = Event()  # the topics are there
        self.delivery = SourceDelivery(
            self._active,
            commit_seconds=settings.engine.commit_interval.total_seconds(),
            denials=self._denials,
            clock=given.clock,
            stopping=given.stopping,
            acknowledged=acknowledged,
        )
        self._heartbeat = Heartbeat(
            name,
            self._active.clusters.values(),
            settings.topic(STATUS),
            metrics=given.metrics,
            report=self._report,
            patience=options.patience,
            clock=given.clock,
            stopping=given.stopping,
        )
        self.delivery.changed = self._heartbeat.now

    def idle(self) -> None:
        """Answer a switch. To be called often while nothing comes in, on the thread that sends."""
        if self._begun.is_set():
            self.delivery.poll()

    def run(self, feed: Callable[[], None]) -> bool:
        """Call `feed`, which sends, as soon as that can be; return once all was acknowledged.

        Returns whether it was stopped before. Raises what `feed` and `delivery` raise, KafkalertError (the topics),
        UnreachableError (past `options.patience`).
        """
        options, stopping = self._options, self._stopping
        if options.http_port is not None:
            health.serve(
                options.http_port, self._metrics, alive=lambda: True, ready=self._ready, host=options.http_host
            )
        self._active.start()
        self._heartbeat.start()
        try:
            if self._active.await_settled(options.patience, self._denials):
                self._await_topics()
                self._begun.set()
                feed()
                self.delivery.flush()
        except InterruptedStopError as late:
            raise stopping.reason or late from late
        finally:
            stopped = bool(stopping)
            stopping.stop()
            self._heartbeat.end()
            self._active.close()
            self.delivery.close()
        if stopping.reason is not None:
            raise stopping.reason
        return stopped

    def _ready(self) -> bool:
        return self._begun.is_set() and self.delivery.sends

    def _report(self) -> Report:
        """Return what a heartbeat says."""
        view, delivery = self._active.view(), self.delivery
        prepared, held, cluster = delivery.prepared, delivery.held, delivery.cluster
        working = "running" if self._begun.is_set() else "starting"
        state = "prepared" if prepared is not None else f"held: {held}" if held else working
        where, epoch = (view.active, view.epoch) if cluster is None else (cluster.name, delivery.epoch)
        attempt = "" if prepared is None else prepared.id
        passed_over = self._active.passed_over()
        return Report("stopping" if self._stopping else state, where, epoch, attempt, passed_over=passed_over)

    def _await_topics(self) -> None:
        """Return once the active cluster says that the topics are there. Raises ConfigError where they are not."""
        active, stopping = self._active, self._stopping
        while not stopping:
            try:
                topic_ids(active.clusters[active.view().active], self._topics)
            except UnreachableError:
                stopping.wait(_AGAIN_SECONDS)
            except DeniedError as error:
                self._denials.wait(error)
                stopping.wait(_AGAIN_SECONDS)
            else:
                return
