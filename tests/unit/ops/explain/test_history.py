"""Which row was in force at a time, by what compaction has left: right or not known, never wrong."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from confluent_kafka import Message
from hypothesis import example, given, settings
from hypothesis import strategies as st

from kafkalert.bus.records.partitions import Partition
from kafkalert.config.names import ACCOUNTTOCUSTOMERIDS
from kafkalert.ops.explain.history import History, InForce, Version
from kafkalert.ops.explain.rows import read_versions, table_of
from kafkalert.ops.tail.log import Ends
from kafkalert.serde.codec import Codec
from tests.support.fakes.engine import FakeMessage

CODEC = Codec()
TABLE = table_of(CODEC, ACCOUNTTOCUSTOMERIDS, "t")
OWN, OTHER = "NL01KAFK0000000001", "NL02KAFK0000000002"


@dataclass
class Log:
    """Records of one partition, some of which compaction has taken: what `Look` gives of it."""

    records: list[FakeMessage]
    gone: set[int]

    def messages(self, ranges: Any) -> Iterator[tuple[str, Message]]:  # noqa: ANN401 - as Look
        """Those that are left."""
        ((first, stop),) = ranges.values()
        for one in self.records:
            if first <= one.offset() < stop and one.offset() not in self.gone:
                yield "t", one.real

    def history(self, gone_before: int | None = None) -> History:
        """What is told of OWN."""
        ends: dict[Partition, Ends] = {("t", 0): Ends(0, len(self.records))}
        versions, whole = read_versions(self, TABLE, OWN.encode(), ends)
        return History(tuple(versions), whole, gone_before)


def record(offset: int, time: int, account: str, customers: list[str] | None) -> FakeMessage:
    value = None
    if customers is not None:
        value = CODEC.encode("CustomerIds", {"customerIds": [{"id": one} for one in customers]})
    key = CODEC.encode("AccountId", {"id": account})
    return FakeMessage("t", value, key, at=offset, time=time)


def customers_of(one: InForce) -> list[str] | None:
    """Who may see the account by a row, None without one."""
    if one.value is None:
        return None
    return [each["id"] for each in CODEC.decode("CustomerIds", one.value)["customerIds"]]


CHANGES = st.lists(
    st.tuples(
        st.integers(0, 3),  # ms since the change before
        st.sampled_from([OWN, OWN, OTHER]),
        st.none() | st.lists(st.sampled_from(["c1", "c2"]), max_size=2, unique=True),
    ),
    max_size=8,
)


@settings(max_examples=300)
@given(CHANGES, st.integers(0, 9), st.integers(0, 9), st.integers(-1, 25), st.booleans())
@example([(1, OWN, ["c1"]), (1, OWN, ["c2"])], 1, 0, 1, False)
def test_a_row_of_then_is_right_or_not_known(
    changes: list[tuple[int, str, list[str] | None]], own_gone: int, other_gone: int, asked: int, cleaned: bool
) -> None:
    """Whatever compaction took (the oldest of a key first, a tombstone at last), what is told of a time was so."""
    records, times, now = [], [], 0
    for offset, (after, account, customers) in enumerate(changes):
        now += after
        times.append(now)
        records.append(record(offset, now, account, customers))
    gone: set[int] = set()
    for account, count in ((OWN, own_gone), (OTHER, other_gone)):
        mine = [at for at, (_, whose, _) in enumerate(changes) if whose == account]
        last_stays = not cleaned or not mine or changes[mine[-1]][2] is not None
        gone |= set(mine[: min(count, len(mine) - last_stays)])
    log = Log(records, gone)
    truth = None
    for at, (_, account, customers) in enumerate(changes):
        if account == OWN and times[at] <= asked:
            truth = customers
    told = log.history().at(asked)
    assert not told.known or customers_of(told) == truth
    assert told.known or gone, "nothing is gone, so everything is known"
    newest = [customers for _, account, customers in changes if account == OWN]
    assert customers_of(log.history().now()) == (newest[-1] if newest else None)


def test_a_tombstone_that_would_still_be_there_tells_that_there_was_no_row() -> None:
    """Of a key without any record: known for as long as tombstones are kept, and no longer."""
    log = Log([record(0, 10, OTHER, ["c1"]), record(1, 20, OTHER, ["c2"])], {0})
    assert log.history(gone_before=15).at(15) == InForce(True)
    assert not log.history(gone_before=15).at(14).known
    assert not log.history().at(15).known
    assert log.history().now() == InForce(True)


def test_of_two_partitions_the_later_time_counts() -> None:
    """As the tables have it, also where the old partition's history is longer."""

    def version(partition: int, offset: int, time: int) -> Version:
        (only,) = Log([record(0, time, OWN, [f"p{partition}-{offset}"])], set()).history().versions
        origin = time.to_bytes(8, "big") + partition.to_bytes(4, "big")
        return Version(partition, offset, time, origin + only.row[12:])

    history = History((version(0, 0, 10), version(0, 5, 40), version(1, 0, 20)), {0: True, 1: True})
    assert [customers_of(history.at(ms)) for ms in (9, 10, 20, 39, 40)] == [
        None,
        ["p0-0"],
        ["p1-0"],
        ["p1-0"],
        ["p0-5"],
    ]
    unsure = History(history.versions, {0: True, 1: False})
    assert not unsure.at(10).known, "the other partition may have had a row that is gone"
    assert customers_of(unsure.at(20)) == ["p1-0"]


def test_a_row_that_cannot_be_read_is_out_of_force() -> None:
    """As in the tables; the reason is told."""
    bad = FakeMessage("t", b"junk", CODEC.encode("AccountId", {"id": OWN}), at=1, time=20)
    history = Log([record(0, 10, OWN, ["c1"]), bad], set()).history()
    assert customers_of(history.at(15)) == ["c1"]
    assert history.now().value is None
    assert history.now().version is not None
    assert history.now().version.problem == "not-framed"  # type: ignore[union-attr]  # just looked
