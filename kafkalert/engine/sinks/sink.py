"""Calls to the outside on threads of their own, so that one that hangs holds up nobody who must go on."""

import logging
from collections.abc import Callable, Collection, Hashable, Sequence
from threading import Condition, Lock, Thread
from typing import Final, NamedTuple

from confluent_kafka import Message

from kafkalert.bus.records.partitions import Partition
from kafkalert.bus.threads import lost, watched
from kafkalert.engine.clock import Clock
from kafkalert.engine.ending import AbandonedError
from kafkalert.engine.sinks.completion import Token
from kafkalert.engine.sinks.keyed import Job, KeyedQueue
from kafkalert.errors import KafkalertError, RestartError

_LOG = logging.getLogger(__name__)
BACKOFF_SECONDS: Final = (0.5, 1.0, 2.0, 5.0, 10.0, 30.0)
_LOOK_SECONDS: Final = 0.2
_MOST_LEFT: Final = 4
"""How many times its number of workers may hang in calls of earlier sinks of its name, before the process ends."""
_WORKERS: Final[dict[str, list[Thread]]] = {}
"""All workers of this process that may be alive, by their sink's name."""


class PassingError(Exception):
    """Raised by a call that failed for now: it is made again later, with the records of its key behind it."""


class Done(NamedTuple):
    """A record is done with: its call returned, or raised `error`, which no further attempt would change."""

    token: Token
    record: Message
    error: Exception | None


class Sink:
    """Makes `call` for each record that is offered, on `workers` daemon threads: a process that ends waits for none.

    Records of one key go one at a time, in the order in which they were offered; keys do not wait for each other. A
    call that hangs holds its worker, its key, and room for its record. Where all workers hang, no room becomes free:
    `offer` says that the sink is full, and `flush`, `abandon` and `close` do as they do otherwise.

    `call` may raise PassingError, and is made again after `backoff` (seconds, the last for all further attempts); it
    sees by `Job.attempt` how often it was tried. What else it raises ends the record. `most_records` and `most_bytes`
    bound what was offered and is not done with. No call begins while `may` says no, which any thread asks. All
    but `abandon` is for one thread, the loop's.

    A thread whose call never returns is left behind. Raises RestartError where too many are: only the end of their
    process ends them.
    """

    def __init__(
        self,
        name: str,
        call: Callable[[Job], None],
        *,
        workers: int,
        most_records: int,
        most_bytes: int,
        clock: Clock,
        may: Callable[[], bool],
        backoff: Sequence[float] = BACKOFF_SECONDS,
    ) -> None:
        left = _WORKERS[name] = [thread for thread in _WORKERS.get(name, ()) if thread.is_alive()]
        if len(left) > _MOST_LEFT * workers:
            raise RestartError(
                f"{len(left)} calls of {name} have not returned, of this stay and of earlier ones.",
                hint="Give each call a timeout, or a shorter one.",
            )
        self._name = name
        self._call = call
        self._most_records = most_records
        self._most_bytes = most_bytes
        self._clock = clock
        self._may = may
        self._backoff = backoff
        self._queue = KeyedQueue()
        self._inbox: list[Done] = []
        self._failed: KafkalertError | None = None
        self._closed = self._abandoned = False
        # Held for moments only, never during a call; it guards all of the above.
        lock = Lock()
        self._work_came = Condition(lock)
        self._waited_for = Condition(lock)
        for number in range(workers):
            own = f"{name} {number}"
            left.append(Thread(target=watched(own, self._work, self._ended), name=own, daemon=True))
            left[-1].start()

    def offer(self, token: Token, record: Message, key: Hashable, size: int) -> bool:
        """Take a record of `size` bytes, or say that there is no room for it now (False). Returns at once.

        One that is larger than `most_bytes` has room where nothing else is in flight. Raises AbandonedError, and
        RestartError where a worker has ended.
        """
        with self._work_came:
            self._check()
            queue = self._queue
            too_large = queue.jobs > 0 and queue.bytes + size > self._most_bytes
            if self._closed or too_large or queue.jobs >= self._most_records:
                return False
            queue.put(Job(token, record, key, size))
            self._work_came.notify()
            return True

    def drain(self) -> list[Done]:
        """Return the records that are done with since the last call, in the order of that. Raises as `offer` does."""
        with self._work_came:
            self._check()
            done, self._inbox = self._inbox, []
            return done

    def drop(self, partitions: Collection[Partition]) -> None:
        """Begin nothing more of these partitions, which are read elsewhere.

        How their calls end is neither told nor waited for by `flush`. Until such a call ends, it holds its worker, and
        its key's records wait for it: the partition may come back.
        """
        with self._work_came:
            self._queue.drop(partitions)
            self._work_came.notify_all()  # a record of another partition may have come first in its key's line
            self._waited_for.notify_all()

    def begun(self) -> list[Job]:
        """Return what has begun and is not done with, also what is to be called again, longest first."""
        with self._work_came:
            return sorted(self._queue.begun(), key=lambda job: job.begun_ms)

    def unfinished(self) -> int:
        """How many calls have begun that nobody has heard of as done with: see `begun`, and `drain`."""
        with self._work_came:
            return len(self._inbox) + sum(1 for _ in self._queue.begun())

    def await_change(self, seconds: float) -> None:
        """Wait until a record is done with, at most so long. Raises as `offer` does."""
        with self._waited_for:
            self._check()
            if not self._inbox:
                self._waited_for.wait(seconds)

    def flush(self, seconds: float, waiting: Callable[[], None]) -> bool:
        """Wait until all records are done with, at most so long; whether they are. Of a closed sink, those that run.

        `waiting` is called a few times a second, and may raise to end it. Raises as `offer` does.
        """
        until = self._clock.monotonic() + seconds
        while True:
            with self._waited_for:
                self._check()
                if not (self._queue.running if self._closed else self._queue.jobs):
                    return True
                left = until - self._clock.monotonic()
                if left <= 0:
                    return False
                self._waited_for.wait(min(left, _LOOK_SECONDS))
            waiting()

    def abandon(self) -> None:
        """Begin nothing more and tell of nothing more, from another thread: `flush` is woken. Returns at once.

        A call that is under way goes on by itself; whoever offers, drains or flushes has AbandonedError from now on.
        """
        with self._work_came:
            self._abandoned = True
            self._close()

    def close(self) -> None:
        """Begin nothing more, and let each worker end, after its call if it is making one. Returns at once.

        What was done with by then can still be drained.
        """
        with self._work_came:
            self._close()

    def _close(self) -> None:
        self._closed = True
        self._work_came.notify_all()
        self._waited_for.notify_all()

    def _check(self) -> None:
        if self._abandoned:
            raise AbandonedError("The stage has moved to another cluster.")
        if self._failed is not None:
            raise self._failed

    def _work(self) -> None:
        while self._turn():
            pass

    def _turn(self) -> bool:
        """Make the next call; False where there is none any more. By itself, so that no record is kept in between."""
        job = self._next()
        if job is None:
            return False
        try:
            self._call(job)
        except PassingError as error:
            _LOG.info("%s: attempt %d: %s", self._name, job.attempt, type(error.__cause__ or error).__name__)
            self._repeat(job)
        except Exception as error:  # noqa: BLE001 - told to whoever drains
            self._finish(job, error)
        else:
            self._finish(job, None)
        return True

    def _next(self) -> Job | None:
        """Return the job to run next, waited for; None once the sink is closed."""
        with self._work_came:
            while not self._closed:
                if not self._may():
                    self._work_came.wait(_LOOK_SECONDS)
                    continue
                now = self._clock.monotonic()
                job = self._queue.take(now)
                if job is not None:
                    job.begun_ms = job.begun_ms or self._clock.wall_ms()
                    return job
                due = self._queue.due()
                self._work_came.wait(None if due is None else due - now)
        return None

    def _repeat(self, job: Job) -> None:
        wait = self._backoff[min(job.attempt, len(self._backoff)) - 1]
        with self._work_came:
            if job.dropped:
                self._leave(job)
                return
            self._queue.again(job, self._clock.monotonic() + wait)
            self._waited_for.notify_all()  # it runs no more
            # All of them: each that waits has to know by when, as any of the others may be given a call that hangs.
            self._work_came.notify_all()

    def _finish(self, job: Job, error: Exception | None) -> None:
        with self._work_came:
            if not job.dropped:
                self._inbox.append(Done(job.token, job.record, error))
            self._leave(job)

    def _leave(self, job: Job) -> None:
        self._queue.done(job)
        self._work_came.notify()
        self._waited_for.notify_all()

    def _ended(self, error: BaseException | None) -> None:
        """Note that a worker has ended: unless the sink was closed, the stage ends. Its record is not done with."""
        if error is None:
            return
        with self._work_came:
            if self._failed is None:
                self._failed = lost(f"The thread {self._name}", error)
            self._waited_for.notify_all()
