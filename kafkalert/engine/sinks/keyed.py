"""What is on its way to the outside, by key: one record of a key at a time, in order."""

from collections import deque
from collections.abc import Collection, Hashable, Iterator
from dataclasses import dataclass
from heapq import heapify, heappop, heappush
from itertools import count

from confluent_kafka import Message

from kafkalert.bus.records.partitions import Partition
from kafkalert.engine.sinks.completion import Token


@dataclass(eq=False, slots=True)
class Job:
    """A record on its way. `size` in bytes; `attempt` counts its calls from 1, the first of them at `begun_ms`.

    `running`: a call is under way. `dropped`: its partition went meanwhile, and nobody waits for how it ends.
    """

    token: Token
    record: Message
    key: Hashable
    size: int
    attempt: int = 1
    begun_ms: int = 0
    running: bool = False
    dropped: bool = False


class KeyedQueue:
    """Jobs, a line for each key. The first of a line is ready, runs, or waits for its next attempt; others wait for it.

    `jobs` and `bytes` count those that were not dropped, `running` those of them that run. Not for several threads at
    once.
    """

    def __init__(self) -> None:
        self._lines: dict[Hashable, deque[Job]] = {}
        self._ready: deque[Job] = deque()
        self._again: list[tuple[float, int, Job]] = []
        self._numbers = count()  # of two that are due at once, the one that failed first is tried first
        self.jobs = self.bytes = self.running = 0

    def put(self, job: Job) -> None:
        """Add a job behind those of its key."""
        line = self._lines.setdefault(job.key, deque())
        line.append(job)
        if len(line) == 1:
            self._ready.append(job)
        self.jobs += 1
        self.bytes += job.size

    def take(self, now: float) -> Job | None:
        """Return the job to run next, which runs from now on (`now` in monotonic seconds); None where none is ready."""
        while self._again and self._again[0][0] <= now:
            self._ready.append(heappop(self._again)[2])
        if not self._ready:
            return None
        job = self._ready.popleft()
        job.running = True
        self.running += 1
        return job

    def due(self) -> float | None:
        """When the next attempt of a job is due, in monotonic seconds; None where no job waits for one."""
        return self._again[0][0] if self._again else None

    def done(self, job: Job) -> None:
        """End a job that ran: the next one of its key is ready."""
        line = self._lines[job.key]
        line.popleft()
        if not job.dropped:
            self._uncount(job)
        if line:
            self._ready.append(line[0])
        else:
            del self._lines[job.key]

    def again(self, job: Job, due: float) -> None:
        """Have a job that ran run again, at `due` (monotonic seconds) or later; those of its key wait behind it."""
        job.running = False
        self.running -= 1
        job.attempt += 1
        heappush(self._again, (due, next(self._numbers), job))

    def drop(self, partitions: Collection[Partition]) -> None:
        """Take out the jobs of these partitions. One that runs keeps its key's others waiting until it has ended."""
        self._ready = deque(job for job in self._ready if job.token.partition not in partitions)
        self._again = [item for item in self._again if item[2].token.partition not in partitions]
        heapify(self._again)
        for key, line in list(self._lines.items()):
            first = line[0]
            kept: deque[Job] = deque()
            for job in line:
                if not job.dropped and job.token.partition in partitions:
                    job.dropped = True
                    self._uncount(job)
                if job.running or not job.dropped:
                    kept.append(job)
            if not kept:
                del self._lines[key]
                continue
            self._lines[key] = kept
            if kept[0] is not first:
                self._ready.append(kept[0])

    def begun(self) -> Iterator[Job]:
        """Yield the jobs whose calls have begun: those that run, and those that failed and are to run again."""
        firsts = (line[0] for line in self._lines.values())
        return (job for job in firsts if not job.dropped and (job.running or job.attempt > 1))

    def _uncount(self, job: Job) -> None:
        self.jobs -= 1
        self.bytes -= job.size
        self.running -= job.running
