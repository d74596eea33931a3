"""The tables' stay on a cluster, as far as it goes without brokers: where it begins, and what it may write."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import pytest
from confluent_kafka import OFFSET_BEGINNING, TopicPartition
from msgspec.structs import replace

from kafkalert.bus.records.marks import Mark
from kafkalert.bus.records.partitions import Partition
from kafkalert.config.sections import Cluster
from kafkalert.engine.ending import AbandonedError, Ending
from kafkalert.engine.observe.metrics import Metrics
from kafkalert.engine.stopping import Stopping
from kafkalert.errors import KafkalertError, RestartError
from kafkalert.tables import following
from kafkalert.tables.arrivals import Arrival
from kafkalert.tables.cut_logs import check_uncut
from kafkalert.tables.faults import LostTablesError, RebuildingError
from kafkalert.tables.follower import Follower
from kafkalert.tables.following import QUIET_SECONDS, Following
from kafkalert.tables.store import Checkpoint, Store
from kafkalert.tables.topicfault import OffsetGoneError
from tests.support.fakes.engine import FakeClock

TOPICS = {"a": ("id-of-a-on-dc2", 4)}
DAY_MS = 86_400_000
CLOCK = FakeClock()


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """Tables that were read on dc1, up to half a minute ago, when records had come a minute and ten minutes ago."""
    one = Store(tmp_path, size=1 << 24, flavour=b"test")
    arrivals = (Arrival(CLOCK.wall - 60_000, b"recent--"), Arrival(CLOCK.wall - 600_000, b"sure----"))
    with one.write() as txn:
        for number in range(4):
            kept = Checkpoint("dc1", "id-of-a-on-dc1", 100, CLOCK.wall - 30_000, arrivals)
            one.put_checkpoint(txn, "a", number, kept)
    yield one
    one.close()


def stay_on_dc2(store: Store, ending: Ending | None = None, others: str = "dc1") -> Following:
    """A stay there, which has not begun."""
    return Following(
        store,
        Cluster(name="dc2", bootstrap="127.0.0.1:1"),
        {},
        others=frozenset({others}),
        dead_topic="dead",
        keep_tombstones_ms=DAY_MS,
        put_away={},
        whole=lambda: None,
        waits=lambda _: None,
        metrics=Metrics(),
        clock=CLOCK,
        ending=ending or Ending(Stopping(CLOCK)),
    )


class Marks:
    """Where each id lies in dc2's partitions."""

    def __init__(self, lie: dict[Partition, dict[bytes, int]], ends: dict[Partition, int]) -> None:
        self._lie, self._ends = lie, ends
        self.positions: dict[Partition, int] = {}
        self._left: dict[Partition, int] = {}

    def start(self, at: Mapping[Partition, int]) -> None:
        """Read these."""
        assert min(at.values(), default=0) >= 0, "the library takes what is negative for a place of its own"
        self.positions, self._left = dict(at), dict(at)

    def stop(self, partitions: Sequence[Partition]) -> None:
        """Read these no longer."""
        for one in partitions:
            self._left.pop(one, None)

    def pump(self, _: float) -> list[tuple[Partition, Mark]]:
        """All of what was started."""
        read = [
            (one, Mark(offset, id_, native=False, timestamp=0))
            for one, start in self._left.items()
            for id_, offset in sorted(self._lie.get(one, {}).items(), key=lambda item: item[1])
            if offset >= start
        ]
        self.positions |= {one: self._ends[one] for one in self._left}
        return read


Begin = Callable[..., dict[Partition, Checkpoint]]


@pytest.fixture
def begin(store: Store, monkeypatch: pytest.MonkeyPatch) -> Begin:
    """Begins a stay on dc2, whose partitions end at 70, 80, 0 and 90."""
    ends = {("a", number): end for number, end in enumerate((70, 80, 0, 90))}
    lie = {("a", 0): {b"sure----": 49, b"recent--": 69}, ("a", 1): {b"recent--": 79}, ("a", 3): {b"sure----": 89}}
    monkeypatch.setattr(following, "ends", lambda *_: ends)
    monkeypatch.setattr(following, "MarkReader", lambda *_: Marks(lie, ends))

    def at(ending: Ending | None = None, keep_ms: int = DAY_MS, others: str = "dc1") -> dict[Partition, Checkpoint]:
        return stay_on_dc2(store, ending, others)._start(Mock(), TOPICS, {"a": keep_ms})

    return at


def test_on_another_cluster_it_goes_on_by_id_and_the_tables_are_not_whole(store: Store, begin: Begin) -> None:
    """Behind a record that is sure to lie before all that is unread, or from the beginning where none is found.

    Nothing is decided by rows that went back in time, and a crash meanwhile goes on from there.
    """
    at = begin()
    assert {key: one.offset for key, one in at.items()} == {
        ("a", 0): 50,
        ("a", 1): OFFSET_BEGINNING,
        ("a", 2): 0,
        ("a", 3): 90,
    }
    assert {one.topic_id for one in at.values()} == {"id-of-a-on-dc2"}
    assert store.checkpoints() == at
    with store.read() as txn, pytest.raises(RebuildingError) as raised:
        store.check_whole(txn)
    assert not raised.value.emptied


@pytest.mark.parametrize(
    ("offset", "stands", "is_cut"),
    [
        (50, b"recent--", False),
        (50, b"sure----", False),
        (50, b"another-", True),
        (50, None, False),
        (50, KafkalertError("dc2 does not answer."), False),
        (71, None, True),
        (0, b"another-", False),
    ],
    ids=["what was read last", "what it moved here behind", "another one", "none", "not read", "short", "no offset"],
)
def test_where_a_log_was_cut_the_tables_are_read_again(
    store: Store, monkeypatch: pytest.MonkeyPatch, offset: int, stands: bytes | KafkalertError | None, *, is_cut: bool
) -> None:
    """Rows that were written at offsets before the one at which it goes on would be read by nobody."""
    ends = {("a", 0): 70}
    marks = Marks({("a", 0): {stands: max(offset - 1, 0)}} if isinstance(stands, bytes) else {}, ends)
    if isinstance(stands, KafkalertError):
        monkeypatch.setattr(marks, "pump", Mock(side_effect=stands))
    monkeypatch.setattr(following, "ends", lambda *_: ends)
    monkeypatch.setattr(following, "MarkReader", lambda *_: marks)
    read = replace(store.checkpoints()["a", 0], cluster="dc2", topic_id="id-of-a-on-dc2", offset=offset)
    store.empty()
    with store.write() as txn:
        store.put_checkpoint(txn, "a", 0, read)
    with pytest.raises(OffsetGoneError, match="Topic a has lost records") if is_cut else nullcontext():
        assert stay_on_dc2(store)._start(Mock(), {"a": (read.topic_id, 1)}, {}) == {("a", 0): read}


def test_tables_that_know_no_record_are_compared_with_none() -> None:
    """They hold none yet, or come from a version that kept none."""
    reader: Any = Marks({("a", 0): {b"another-": 49}}, {("a", 0): 70})
    check_uncut({("a", 0): Checkpoint("dc2", "t", 50, 0)}, {("a", 0): 70}, reader, CLOCK)


def test_who_was_abandoned_moves_nothing(store: Store, begin: Begin) -> None:
    """The store is as it was."""
    before = store.checkpoints()
    ending = Ending(Stopping(CLOCK))
    ending.abandon()
    with pytest.raises(AbandonedError):
        begin(ending)
    assert store.checkpoints() == before
    with store.read() as txn:
        store.check_whole(txn)


@pytest.mark.parametrize("made_again", [False, True])
def test_tables_that_were_taken_away_are_not_called_followed(store: Store, tmp_path: Path, *, made_again: bool) -> None:
    """Nor are those that another process has made in their place: by the file `alive` all would go on."""
    (tmp_path / "tables").rename(tmp_path / "taken")
    if made_again:
        (tmp_path / "tables").mkdir()
        (tmp_path / "tables" / "data.mdb").touch()
        (tmp_path / "tables" / "lock.mdb").touch()
    with pytest.raises(LostTablesError):
        stay_on_dc2(store)._alive()
    assert not (tmp_path / "alive").exists()


def test_tables_that_were_not_read_for_too_long_are_read_again(begin: Begin) -> None:
    """By the topic's own setting where that is shorter than the configuration's: its tombstones may be gone."""
    with pytest.raises(OffsetGoneError):
        begin(keep_ms=50_000)


def test_tables_of_a_cluster_that_is_not_the_others_are_read_again(begin: Begin) -> None:
    """They are another environment's."""
    with pytest.raises(OffsetGoneError):
        begin(others="dc3")


def test_a_bug_ends_the_stage_so_that_it_is_started_again(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another process may follow well; this one does not go on with tables that nobody keeps."""
    stopping = Stopping(CLOCK)
    follower = Follower(
        store, [], [], dead_topic="dead", keep_tombstones_ms=DAY_MS, metrics=Metrics(), clock=CLOCK, stopping=stopping
    )
    follower._cluster = Cluster(name="dc1", bootstrap="127.0.0.1:1")
    monkeypatch.setattr(follower, "_follow", Mock(side_effect=ValueError("what?")))
    follower._take_turns()
    assert isinstance(stopping.reason, RestartError)
    assert "ValueError" in str(stopping.reason)


class Places:
    """Counts what it is asked; every partition ends at 100 but the last, which goes on."""

    def __init__(self) -> None:
        self.asked = 0

    def ends(self, partitions: Iterable[Partition]) -> dict[Partition, int]:
        """All at once."""
        self.asked += 1
        return {one: 101 if one[1] == 3 else 100 for one in partitions}

    def get_watermark_offsets(self, one: TopicPartition, **_: object) -> tuple[int, int]:
        """One by one, as a consumer is asked."""
        return 0, self.ends([(one.topic, one.partition)])[one.topic, one.partition]


def test_the_ends_of_quiet_partitions_are_asked_for_at_once(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """The consumer's own fetch keeps an answer back for half a second, and so long the tables are not followed."""
    clock = FakeClock()
    monkeypatch.setattr(f"{__name__}.CLOCK", clock)
    stay, at = stay_on_dc2(store), store.checkpoints()
    places: Any = Places()
    stay._note_quiet(places, at)
    assert places.asked == 0
    clock.pass_by(QUIET_SECONDS)
    stay._note_quiet(places, at)
    assert places.asked == 1
    assert store.checkpoints() == at
    assert [at["a", number].seen == clock.wall for number in range(4)] == [True, True, True, False]
