"""The control log of both clusters, as instances and the command use it. Kafka is at its edge; the rules are pure."""

import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from threading import Thread
from typing import NamedTuple

from kafkalert.bus.control import lease as rules
from kafkalert.bus.control.changed import Changed
from kafkalert.bus.control.event import Event, Step
from kafkalert.bus.control.lease import Read
from kafkalert.bus.control.overdue import Overdue, aborted, soon
from kafkalert.bus.control.plausible import PassedOver
from kafkalert.bus.control.reader import Reader
from kafkalert.bus.control.state import View, lacking, remarks, resolve, same_switch
from kafkalert.bus.control.writer import Writer
from kafkalert.bus.instance import instance_name
from kafkalert.bus.threads import lost
from kafkalert.config.sections import Cluster
from kafkalert.errors import KafkalertError

_LOG = logging.getLogger(__name__)
WRITE_SECONDS = 2.0
"""How long a copy or an ABORT that an instance writes may take."""


class Held(NamedTuple):
    """What one log holds: events that count, the highest epoch that one of them begins, records passed over."""

    events: int
    highest: int
    passed_over: int


def _wall_ms() -> int:
    return time.time_ns() // 1_000_000


class ControlLog:
    """What the control logs of a context's clusters say, kept up to date by one thread a cluster.

    `await_settled`, `await_event` and `write` wait, each within its bound; all else returns at once, whatever the
    clusters do.

    Args:
        clusters: of the context, one or two.
        topic: the control log's name.
        home: name of the cluster that is active before any switch.
        monotonic: the clock of every `now`.
        wall_ms: what events of its own carry as `at`.
        lease: seconds for which what was read may be acted by.
        by: who writes them.
        delay: seconds to wait before writing what others see to be missing, too.
        ended: told, on its thread, that a reader has ended and by which error; `problem` says it as well.

    Raises:
        ConfigError: no client can be made of a cluster's properties.
    """

    def __init__(
        self,
        clusters: Sequence[Cluster],
        topic: str,
        *,
        home: str,
        monotonic: Callable[[], float] = time.monotonic,
        wall_ms: Callable[[], int] = _wall_ms,
        lease: float = rules.SECONDS,
        by: str = "",
        delay: Callable[[], float] = soon,
        ended: Callable[[BaseException | None], None] = lambda _: None,
    ) -> None:
        self._clusters = {cluster.name: cluster for cluster in clusters}
        self._home = home
        self._monotonic = monotonic
        self._wall_ms = wall_ms
        self._lease = lease
        self._by = by or instance_name()
        self._logs: dict[str, tuple[Event, ...]] = {}
        self._reads = {name: Read() for name in self._clusters}
        self._problems: dict[str, KafkalertError] = {}
        self._ended = ended
        self._lost: dict[str, KafkalertError] = {}
        self._view = resolve({}, home)
        self._settled = False
        self._callbacks: list[Callable[[], None]] = []
        self._overdue = Overdue(monotonic, delay)
        self._chore: Thread | None = None
        self._closed = False
        self.changed = Changed()
        """Notified whenever something was read, and whenever a look at a log's end ended."""
        self._readers = {
            cluster.name: Reader(cluster, topic, self, among=self._clusters, monotonic=monotonic)
            for cluster in clusters
        }
        self._writers = {cluster.name: Writer(cluster, topic) for cluster in clusters}

    def start(self) -> None:
        """Begin to read."""
        for reader in self._readers.values():
            reader.start()

    def close(self) -> None:
        """End; what hangs with its cluster is left to its daemon thread after a second."""
        with self.changed:
            self._closed = True
        for reader in self._readers.values():
            reader.end()
        for writer in self._writers.values():
            writer.close()
        deadline = time.monotonic() + 1.0
        for reader in self._readers.values():
            if reader.ident is not None:
                reader.join(max(0.0, deadline - time.monotonic()))

    def view(self) -> View:
        """Return what is known now; the same object until something changes it."""
        return self._view

    def subscribe(self, callback: Callable[[], None]) -> None:
        """Have `callback` called, on a reader's thread and with nothing, after `view()` has changed; it is quick."""
        self._callbacks.append(callback)

    def reachable(self) -> set[str]:
        """Return the clusters whose logs were read within the lease."""
        return rules.reachable(self._reads, self._monotonic(), self._lease)

    def fresh(self, now: float) -> bool:
        """Whether the active cluster may be touched by what was read: see `lease.fresh`. Cheap, without a lock.

        A context of one cluster has no switch, so there it always may.
        """
        return len(self._clusters) == 1 or rules.fresh(self._reads, self._view.active, now, self._lease)

    def lasts(self, view: View, now: float) -> bool:
        """Whether who began by `view` may still touch its cluster: nothing else was decided, and `fresh`. Cheap."""
        return same_switch(self._view, view) and self.fresh(now)

    def settled(self) -> bool:
        """Whether an instance that starts may begin: see `lease.settled`."""
        return self._settled

    def await_settled(self, timeout: float) -> bool:
        """Whether it is settled within `timeout` seconds. Raises what `problem` returns, as soon as it does."""
        self.changed.wait_for(lambda: self.settled() or self.problem() is not None, timeout)
        problem = self.problem()
        if problem is not None:
            raise problem
        return self.settled()

    def problem(self) -> KafkalertError | None:
        """One of `problems`, or None."""
        return next(iter(self.problems().values()), None)

    def problems(self) -> dict[str, KafkalertError]:
        """Return what waiting does not mend, by cluster.

        That is a topic that is missing or refused, or a log that is read no longer.
        """
        with self.changed:
            return {**self._problems, **self._lost}

    def skipped(self) -> int:
        """How many records were passed over: they are no event, or cannot be meant."""
        return sum(reader.skipped for reader in self._readers.values())

    def passed_over(self) -> list[PassedOver]:
        """Return the newest of them, by cluster and offset."""
        return [passed for reader in self._readers.values() for passed in tuple(reader.passed_over)]

    def held(self) -> dict[str, Held]:
        """Return what was read of each cluster's log so far."""
        return {
            name: Held(len(self._logs.get(name, ())), reader.screen.highest, reader.skipped)
            for name, reader in self._readers.items()
        }

    def remarks(self) -> tuple[Event, ...]:
        """Return what stands in the logs and decides nothing, as `state.remarks` has it."""
        with self.changed:
            return remarks(self._logs)

    def lacking(self) -> dict[str, list[Event]]:
        """Return what the log of each cluster that was read lately lacks of what was decided, in order."""
        with self.changed:
            near = self.reachable()
            return {name: events for name, events in lacking(self._logs, self._view).items() if name in near}

    def write(self, cluster: str, event: Event, timeout: float) -> bool:
        """Write `event` to the log of `cluster`: True once acknowledged, False if after `timeout` s that is unknown.

        Which event was first is told by reading: `await_event`, then `view`. Raises ConfigError or KafkalertError where
        the cluster refused it, or all would pass it over, so that it does not stand there.
        """
        problem = self._problems.get(cluster)
        if problem is not None:
            raise problem
        why = self._readers[cluster].screen.odd(event)
        if why:
            raise KafkalertError(
                f"The control log of {cluster} would not take the event. {why}",
                hint="`kafkalert failover repair` shows why, and mends it.",
            )
        return self._writers[cluster].write(event, timeout)

    def await_event(self, cluster: str, epoch: int, attempt: str, event: Step, timeout: float) -> bool:
        """Whether this record was read back from the log of `cluster` within `timeout` seconds."""
        return self.changed.wait_for(
            lambda: any(logged.key == (epoch, attempt, event) for logged in self._logs.get(cluster, ())), timeout
        )

    def copy_lacking(self) -> None:
        """Write what a reachable cluster's log lacks. To be called now and then; it never waits itself.

        Every instance sees the same lack: each waits a random while and looks again before it writes.
        """
        if self._writing():  # before the look at what is lacking: what is written now will be there
            return
        due = self._overdue.lacking(self.lacking())
        if due:
            self._do(due)

    def abort_overdue(self) -> None:
        """Write ABORT for an attempt whose time is over: its operator is gone. To be called now and then, as above."""
        if self._writing():
            return
        with self.changed:
            pending = self._view.pending
            near = self.reachable()
        overdue = self._overdue.attempt(pending)
        if overdue is not None and overdue.source in near:
            self._do({overdue.source: [aborted(overdue, self._by, self._wall_ms())]})

    def _writing(self) -> bool:
        """Whether something that was missing is being written, or was and has not been read back yet."""
        return self._chore is not None and self._chore.is_alive()

    def _do(self, events: dict[str, list[Event]]) -> None:
        """Write on a thread of its own; in order, and no further once an event is not acknowledged and read back."""

        def chore() -> None:
            for name, those in events.items():
                try:
                    for event in those:
                        if self._closed or not self.write(name, event, WRITE_SECONDS):
                            break
                        if not self.await_event(name, event.epoch, event.id, event.event, WRITE_SECONDS):
                            break
                except KafkalertError as error:
                    _LOG.warning("control log of %s: %s", name, error)
                self._writers[name].close()

        self._chore = Thread(target=chore, name="control-write", daemon=True)
        self._chore.start()

    # The readers' side.

    def took(self, cluster: str, events: tuple[Event, ...]) -> None:
        """As Sink."""
        self._keep(cluster, events, None)

    def confirmed(self, cluster: str, events: tuple[Event, ...], began: float) -> None:
        """As Sink."""
        self._keep(cluster, events, began)

    def failed(self, cluster: str, began: float, problem: KafkalertError | None) -> None:
        """As Sink."""
        if problem is not None and len(self._clusters) == 1:
            self._keep(cluster, (), began)  # no switch, no log: a context of one cluster may do without
            return
        with self.changed:
            self._reads[cluster] = replace(self._reads[cluster], failed_at=began)
            if problem is not None:
                self._problems[cluster] = problem
            self.changed.notify_all()

    def ended(self, cluster: str, error: BaseException | None) -> None:
        """As Sink."""
        if error is not None:
            with self.changed:
                self._lost[cluster] = lost(f"Reading the control log of {cluster}", error)
                self.changed.notify_all()
        self._ended(error)

    def _keep(self, cluster: str, events: tuple[Event, ...], began: float | None) -> None:
        with self.changed:
            before = self._view
            if self._logs.get(cluster) != events:  # an empty log counts once it is known to be empty
                self._logs[cluster] = events
                self._view = resolve(self._logs, self._home)
                self._settled = rules.settled(self._logs, set(self._clusters), self._view)
            self._problems.pop(cluster, None)
            if began is not None:
                self._reads[cluster] = rules.confirmed(self._reads[cluster], cluster, self._view, began)
            changed = self._view != before
            self.changed.notify_all()
        for callback in self._callbacks if changed else ():
            callback()
