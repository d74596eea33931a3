"""The tables' follower: reads both compacted topics into the store, one process a machine at a time."""

import fcntl
import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from threading import Event, Thread
from typing import Final

from confluent_kafka import KafkaException

from kafkalert.bus.denials import Denials
from kafkalert.bus.records.partitions import Partition
from kafkalert.bus.records.watermarks import ABSENT_SECONDS, MissingTopicsError
from kafkalert.bus.threads import LostThreadError, watched
from kafkalert.config.sections import Cluster
from kafkalert.engine.clock import Clock
from kafkalert.engine.delivery import DeliveryError
from kafkalert.engine.ending import AbandonedError, Ending, alone
from kafkalert.engine.observe.metrics import Metrics
from kafkalert.engine.stopping import Stopping
from kafkalert.errors import DeniedError, KafkalertError, RestartError, UnreachableError
from kafkalert.tables.faults import TablesFullError
from kafkalert.tables.following import Following
from kafkalert.tables.kinds import Table
from kafkalert.tables.store import Store
from kafkalert.tables.topicfault import OffsetGoneError

_LOG = logging.getLogger(__name__)
RETRY_SECONDS: Final = 1.0
SAY_SECONDS: Final = 10.0
_LOOK_SECONDS: Final = 0.2
_PASSING: Final = (
    TablesFullError,
    UnreachableError,
    DeniedError,
    DeliveryError,
    LostThreadError,
    KafkaException,
    OSError,
)
"""What may pass, so that the follower waits for it."""


class Follower(Thread):
    """Keeps the store like the topics of the cluster that it was last told to `follow`.

    Runs where it gets the store's lock; elsewhere it waits for its turn. `problem` says what keeps it from following,
    or is empty. While it follows, and has reached every partition's end once, it touches the file `alive` in the
    store's folder, by which every worker of the machine knows that the tables are kept up to date. Where rows cannot be
    stored, it takes the file away.

    It reads on a thread that it leaves behind when it has to follow elsewhere: a cluster that hangs holds nothing up.
    """

    def __init__(
        self,
        store: Store,
        clusters: Iterable[Cluster],
        followed: Sequence[Table],
        *,
        dead_topic: str,
        keep_tombstones_ms: int,
        metrics: Metrics,
        clock: Clock,
        stopping: Stopping,
    ) -> None:
        super().__init__(name="tables", daemon=True)
        self._store = store
        self._names = frozenset(cluster.name for cluster in clusters)
        self._tables = {table.topic: table for table in followed}
        self._dead_topic = dead_topic
        self._metrics = metrics
        self._keep_ms = keep_tombstones_ms
        self._clock = clock
        self._stopping = stopping
        self._absences = Denials(clock.monotonic, ABSENT_SECONDS)
        self._said_at = float("-inf")
        self._cluster: Cluster | None = None
        self._news = Event()
        self._put_away: dict[str, dict[Partition, int]] = {}
        self._expected: Cluster | None = None
        self._next: _Stay | None = None
        self._waited = False
        self.problem = ""

    def follow(self, cluster: Cluster) -> None:
        """Follow on this cluster from now on."""
        self._cluster = cluster
        self._news.set()
        if self.ident is None:
            self.start()

    def expect(self, cluster: Cluster | None) -> None:
        """Connect to a cluster that may be the one to follow on soon; None where it will not be."""
        self._expected = cluster
        self._news.set()

    def run(self) -> None:
        """Follow until stopped; wait out what can pass, and stop the stage for what cannot."""
        watched(self.name, self._take_turns, self._stopping.thread_ended)()

    def _take_turns(self) -> None:
        with self._store.open_follower_lock() as lock:
            while not self._stopping:
                try:
                    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    if self._cluster is not None:
                        self._follow(self._cluster)
                except BlockingIOError:
                    self._stopping.wait(0.2)
                except AbandonedError:
                    continue
                except OffsetGoneError as error:
                    self._retry(error, rebuild=True)
                except _PASSING as error:
                    self._retry(error)
                except MissingTopicsError as error:
                    self._await_topics(error)
                except KafkalertError as error:
                    self._stopping.stop(error)
                except Exception as error:  # noqa: BLE001 - a thread's end: unfollowed tables must not go unsaid
                    _LOG.debug("tables", exc_info=True)  # with -vv only: its text may hold anything
                    what = f"The tables cannot be followed ({type(error).__name__})."
                    self._stopping.stop(RestartError(what, hint="This is a bug in kafkalert; please report it."))

    def _retry(self, error: Exception, *, rebuild: bool = False) -> None:
        now, text = self._clock.monotonic(), str(error)
        if text != self.problem or now - self._said_at >= SAY_SECONDS:
            self._said_at = now
            _LOG.warning("tables: %s%s", text, " They are read again from the beginning." if rebuild else "")
        self.problem = text
        if isinstance(error, TablesFullError):
            # Changes arrive that cannot be kept: nothing may be decided by what was there before them.
            self._store.note_not_alive()
        if rebuild:
            self._put_away.clear()
            try:
                self._store.empty()
            except TablesFullError as full:
                self.problem = str(full)
        self._news.wait(RETRY_SECONDS)

    def _await_topics(self, error: MissingTopicsError) -> None:
        """Wait for topics that are missing, and stop the stage once they were missing for too long."""
        try:
            self._absences.wait(error)
        except MissingTopicsError as gone:
            self._stopping.stop(gone)
        self.problem = str(error)
        self._news.wait(RETRY_SECONDS)

    def _follow(self, cluster: Cluster) -> None:
        """Follow on one cluster until stopped or told to follow elsewhere. Raises what that raises."""
        waiting, self._next = self._next, None
        if waiting is not None and (waiting.cluster is not cluster or waiting.ended):
            waiting.ending.abandon()
            waiting = None
        here = waiting or self._stay(cluster)
        here.going.set()
        while not here.ended:
            self._news.wait(_LOOK_SECONDS)
            self._news.clear()
            if self._cluster is not cluster:
                _LOG.warning("tables: going on on %s", self._cluster.name if self._cluster else "")
                here.ending.abandon()
                return
            self._meet(self._expected)
        if here.error is not None:
            raise here.error

    def _meet(self, expected: Cluster | None) -> None:
        """Be connected to `expected`, and to no other cluster that is not followed on."""
        if self._next is not None and self._next.cluster is not expected:
            self._next.ending.abandon()
            self._next = None
        if self._next is None and expected is not None and expected is not self._cluster:
            self._next = self._stay(expected)

    def _stay(self, cluster: Cluster) -> "_Stay":
        """Return a stay on a thread of its own, which waits there until it is told to go."""
        stay = _Stay(cluster, Ending(self._stopping))

        def work() -> None:
            Following(
                self._store,
                cluster,
                self._tables,
                others=self._names - {cluster.name},
                dead_topic=self._dead_topic,
                keep_tombstones_ms=self._keep_ms,
                put_away=self._put_away.setdefault(cluster.name, {}),
                whole=self._whole,
                waits=self._waits,
                metrics=self._metrics,
                clock=self._clock,
                ending=stay.ending,
            ).run(stay.going)

        def ended(error: BaseException | None) -> None:
            stay.error = None if error is None else alone(error)
            stay.ended = True
            self._news.set()

        name = f"tables on {cluster.name}"
        Thread(target=watched(name, work, ended), name=name, daemon=True).start()
        return stay

    def _waits(self, why: str) -> None:
        """Say what keeps rows back for too long; nothing where nothing does."""
        now = self._clock.monotonic()
        if why and now - self._said_at >= SAY_SECONDS:
            self._said_at = now
            _LOG.warning("tables: %s", why)
        if self._waited and not why:
            self._whole()
        self._waited = bool(why)
        self.problem = why or self.problem

    def _whole(self) -> None:
        if self.problem:
            _LOG.warning("tables: going on")
            self.problem = ""


@dataclass
class _Stay:
    """A thread that follows on a cluster, once it is told to go; `error` is what ended it, if anything did."""

    cluster: Cluster
    ending: Ending
    going: Event = field(default_factory=Event)
    ended: bool = False
    error: BaseException | None = None
