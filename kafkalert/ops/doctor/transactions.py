"""Transactions that hang: records behind them are acknowledged, and reach nobody."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from kafkalert.bus.records.mark_reader import MarkReader, Places
from kafkalert.bus.records.partitions import Partition
from kafkalert.bus.transactions import tool
from kafkalert.config.sections import Cluster
from kafkalert.engine.clock import Clock
from kafkalert.ops.doctor.checkup import NO_TOPIC, Checks, Checkup, Subject
from kafkalert.ops.doctor.words import age
from kafkalert.ops.wording import counted

BRIEF_SECONDS: Final = 10.0
"""A transaction is open for a moment; one for so long is to be looked at."""
HUNG_SECONDS: Final = 60.0
"""Producers let a transaction time out after 60 s, unless they are configured otherwise."""
_READ_SECONDS: Final = 1.5


@dataclass(frozen=True, slots=True)
class Open:
    """A transaction that is open: where it begins, how many offsets wait, and its first record's time in ms."""

    partition: Partition
    offset: int
    waiting: int
    began: int | None


def check(cluster: Cluster, topics: list[str], clock: Clock) -> list[Checkup]:
    """Look for transactions in `topics`, which have to be there. Raises UnreachableError, DeniedError."""
    if not topics:
        return [Checks(Subject.TRANSACTIONS, cluster.name).skipped("partitions", NO_TOPIC)]
    places = Places(cluster)
    partitions = places.partitions(topics)
    ends = places.high_watermarks(partitions)
    stable = places.ends(partitions)  # after the others: what came in between waits for nobody
    gaps = {one: at for one, at in stable.items() if at < ends[one]}
    times = _times(cluster, gaps, clock) if gaps else {}
    found = [Open(one, at, ends[one] - at, times.get(one)) for one, at in sorted(gaps.items())]
    return list(judge(cluster, found, len(partitions), clock.wall_ms()))


def judge(cluster: Cluster, found: list[Open], partitions: int, now: int) -> Iterator[Checkup]:
    """Yield a check for each transaction that is open for longer than a moment; one for all other partitions."""
    checks = Checks(Subject.TRANSACTIONS, cluster.name)
    brief = 0
    for one in found:
        topic, number = one.partition
        seconds = None if one.began is None or one.began < 0 else (now - one.began) / 1000
        if seconds is not None and seconds < BRIEF_SECONDS:
            brief += 1
            continue
        name = f"{topic}[{number}]"
        since = "since when is not known" if seconds is None else f"for {age(seconds)}, by the time of its first record"
        text = (
            f"A transaction is open in {name} on {cluster.name} from offset {one.offset} on, {since}: "
            f"nothing from there on ({counted(one.waiting, 'record')}) reaches a stage or the mirror until it ends."
        )
        hint = f"{tool(cluster, topic, number, one.offset)}."
        hung = seconds is not None and seconds >= HUNG_SECONDS
        yield checks.bad(name, text, hint) if hung else checks.look(name, text, hint)
    if len(found) == brief:
        now_open = f"; {counted(brief, 'transaction')} began a moment ago" if brief else ""
        yield checks.ok("partitions", f"No transaction hangs in {counted(partitions, 'partition')}{now_open}.")


def _times(cluster: Cluster, at: Mapping[Partition, int], clock: Clock) -> dict[Partition, int]:
    """Return the time of the first record of each transaction, in ms, as far as it can be read soon."""
    reader = MarkReader(cluster, "", uncommitted=True)
    found: dict[Partition, int] = {}
    try:
        reader.start(at)
        give_up = clock.monotonic() + _READ_SECONDS
        while len(found) < len(at) and (left := give_up - clock.monotonic()) > 0:
            for one, mark in reader.pump(left):
                if one not in found:
                    found[one] = mark.timestamp
                    reader.stop([one])
    finally:
        reader.close()
    return found
