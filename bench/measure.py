"""The measurements. Each treats all contestants alike and looks at them from outside, through the broker."""

from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from threading import Thread
from time import perf_counter, sleep
from typing import Final

from bench.arrivals import Arrivals
from bench.contestants import Contestant
from bench.data import Entry
from bench.feed import Outputs
from kafkalert.bus.clients import producer
from kafkalert.errors import KafkalertError

RATE: Final = 1000
"""Entries a second while latency is measured."""
WARM_UP_SECONDS: Final = 10

# Of a backlog, the part before which nothing is counted: a virtual machine compiles, caches fill.
_WARM_UP_PART: Final = 0.2
_LOOK_SECONDS: Final = 0.05
_QUIET_SECONDS: Final = 2.0
_FIRST_SECONDS: Final = 300.0


@dataclass(frozen=True, slots=True)
class Throughput:
    """A backlog worked off.

    Attributes:
        rate: entries a second, after the first fifth of the backlog.
        outputs: outbound records in all.
        cpu: processor time for an entry, microseconds, start included.
        memory: most anonymous memory seen, bytes.
    """

    rate: float
    outputs: int
    cpu: float
    memory: int


@dataclass(frozen=True, slots=True)
class Latency:
    """From the entry's produce to the arrival of its outbound record, milliseconds, over `outputs` records."""

    p50: float
    p90: float
    p99: float
    outputs: int


def throughput(contestant: Contestant, entries: Sequence[Entry]) -> Throughput:
    """Write a backlog while it is stopped, start it, and watch the outbound topics grow until it has committed all."""
    contestant.feed.entries(entries)
    outputs, backlog = Outputs(contestant.feed), contestant.backlog()
    before = outputs.count()
    contestant.start()
    seen: list[tuple[float, int]] = []
    memory, cpu = 0, 0.0
    quiet_since = perf_counter()
    while True:
        contestant.check()
        count, now = outputs.count() - before, perf_counter()
        if count and (not seen or count != seen[-1][1]):
            seen.append((now, count))
            memory, cpu = max(memory, contestant.memory()), contestant.cpu_seconds()
            quiet_since = now
        elif now - quiet_since > _QUIET_SECONDS:
            if not backlog.left():
                break
            if now - quiet_since > _FIRST_SECONDS:
                raise KafkalertError(f"{contestant.name} sent nothing for {_FIRST_SECONDS:.0f} s.")
        sleep(_LOOK_SECONDS)
    contestant.stop()
    if not seen:
        raise KafkalertError(f"{contestant.name} sent nothing for the whole backlog.")
    last, total = seen[-1]
    begun, sent = next((at, count) for at, count in seen if count >= _WARM_UP_PART * total)
    if last == begun:
        raise KafkalertError("The backlog is too short to be measured.", hint="Give --backlog a larger number.")
    rate = len(entries) * (total - sent) / total / (last - begun)
    return Throughput(rate, total, cpu / len(entries) * 1e6, memory)


def latency(contestant: Contestant, entries: Sequence[Entry]) -> Latency:
    """Send entries at `RATE` to the running contestant and time their outbound records, the first 10 s apart."""
    contestant.start()
    contestant.await_ready()
    sent: dict[str, float] = {}
    took: list[float] = []
    with closing(Arrivals(contestant.feed)) as arrivals:
        sender = Thread(target=_pace, args=(contestant, entries, sent))
        sender.start()
        quiet_since = perf_counter()
        counted = {entry.id for entry in entries[WARM_UP_SECONDS * RATE :]}
        while sender.is_alive() or perf_counter() - quiet_since < _QUIET_SECONDS:
            contestant.check()
            arrival = arrivals.next(0.5)
            if arrival is None:
                continue
            quiet_since = arrival.at
            if arrival.entry in counted:
                took.append((arrival.at - sent[arrival.entry]) * 1000)
        sender.join()
    contestant.stop()
    if not took:
        raise KafkalertError(f"{contestant.name} sent nothing while latency was measured.")
    took.sort()
    p50, p90, p99 = (took[min(len(took) - 1, int(part * len(took)))] for part in (0.5, 0.9, 0.99))
    return Latency(p50, p90, p99, len(took))


def _pace(contestant: Contestant, entries: Sequence[Entry], sent: dict[str, float]) -> None:
    sender = producer(contestant.feed.cluster, linger_ms=0)
    topic = contestant.feed.topic("accountentry")
    start = perf_counter()
    for i, entry in enumerate(entries):
        ahead = start + i / RATE - perf_counter()
        if ahead > 0:
            sleep(ahead)
        sent[entry.id] = perf_counter()
        sender.produce(topic, entry.value, entry.key, headers=[("ka-id", entry.id.encode())])
        sender.poll(0)
    sender.flush()


def start_seconds(contestant: Contestant, probes: Sequence[Entry]) -> float:
    """From the start of the process to the first outbound record of entries that waited for it.

    It is left running, with nothing to do; `probes` are enough entries that some of them raise alerts.
    """
    with closing(Arrivals(contestant.feed)) as arrivals:
        contestant.feed.entries(probes)
        mine = {probe.id for probe in probes}
        started = perf_counter()
        contestant.start()
        while perf_counter() - started < _FIRST_SECONDS:
            contestant.check()
            arrival = arrivals.next(0.5)
            if arrival is not None and arrival.entry in mine:
                while arrivals.next(_QUIET_SECONDS):
                    contestant.check()  # what the probes left undone would count in a later run
                return arrival.at - started
    raise KafkalertError(f"{contestant.name} sent nothing within {_FIRST_SECONDS:.0f} s of its start.")
