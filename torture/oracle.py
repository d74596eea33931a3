"""What has to hold at the end of a leg, by what was read from both clusters: pure functions that name what does not."""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Final, NamedTuple

from tests.support.follow import Alert
from torture.topics import Entry

GRACE_MS: Final = 10_000
"""How long after a forced COMMIT an instance may go on by what it last read of the control logs: the lease."""


class Stay(NamedTuple):
    """Stages are on a cluster from `since` (ms) on."""

    cluster: str
    since: int
    forced: bool


def repeated(before: Counter[str], after: Counter[str]) -> Iterator[str]:
    """For a calm leg: what was alerted before is not alerted again, and the rest once."""
    wrong = {one: count for one, count in (after - before).items() if before[one] or count > 1}
    if wrong:
        yield f"{len(wrong)} alerts were written more than once, such as {_some(wrong)}"


def uncalled(written: Collection[str], allowed: Collection[str]) -> Iterator[str]:
    """Every alert is one that somebody asked for, of an entry that was not aborted."""
    wrong = set(written) - set(allowed)
    if wrong:
        yield f"{len(wrong)} alerts that nobody asked for, such as {_some(wrong)}"


def differing(alerts: Sequence[Alert]) -> Iterator[str]:
    """Alerts of one id are equal, wherever they lie."""
    first = {one.output.id: one.output.what for one in reversed(alerts)}
    wrong = {one.output.id for one in alerts if first[one.output.id] != one.output.what}
    if wrong:
        yield f"{len(wrong)} alerts have repeats that differ, such as {_some(wrong)}"


def disordered(alerts: Sequence[Alert], entries: Mapping[str, Sequence[Entry]], stays: Sequence[Stay]) -> Iterator[str]:
    """Within a stay, the alerts for one receiver of one account come as the account's entries lie on the cluster.

    By their first occurrences, in each of the entries' partitions, and but for entries that lie there more than once,
    as a source that sends again writes them. What was alerted in an earlier stay, a forced switch has done again; and
    some of it may have come just after that switch, from who had not read of it.
    """
    for cluster, there in entries.items():
        times = Counter(one.id for one in there)
        places = {one.id: (one.partition, one.offset) for one in there if times[one.id] == 1}
        series: dict[tuple[object, ...], dict[str, None]] = defaultdict(dict)
        first: dict[tuple[object, ...], int] = {}
        for one in alerts:
            if one.native and one.cluster == cluster and one.output.entry in places:
                stay = sum(each.since <= one.at for each in stays)
                partition, _ = places[one.output.entry]
                receiver = one.output.place[0], one.output.key, one.output.account
                if first.setdefault((*receiver, one.output.entry), stay) == stay:
                    series[stay, partition, *receiver][one.output.entry] = None
        for who, ids in series.items():
            wrong = [pair for pair in pairwise(ids) if places[pair[0]] > places[pair[1]]]
            if wrong:
                yield f"alerts on {cluster} are out of order, stay {who[0]}: {len(wrong)} times, such as {wrong[0]}"


def on_both(alerts: Sequence[Alert], stays: Sequence[Stay]) -> Iterator[str]:
    """Nothing is alerted on a cluster once stages are on the other one."""
    wrong = []
    for one in alerts:
        stay = [each for each in stays if each.since <= one.at][-1]
        graced = stay.forced and one.at <= stay.since + GRACE_MS
        if one.native and stay.cluster != one.cluster and not graced:
            wrong.append(one.output.id)
    if wrong:
        yield f"{len(wrong)} alerts were written to a cluster that was not the active one, such as {_some(wrong)}"


def unequal(found: Mapping[str, Collection[object]], what: str) -> Iterator[str]:
    """Both clusters hold the same."""
    (one, ones), (other, others) = ((name, set(held)) for name, held in found.items())
    if ones != others:
        yield f"{what}: {len(ones - others)} on {one} alone, {len(others - ones)} on {other} alone"


def _some(ids: Collection[str]) -> str:
    return ", ".join(sorted(ids)[:3])
