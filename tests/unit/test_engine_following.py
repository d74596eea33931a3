"""The tables' stay on a cluster, as far as it goes without brokers: where it begins, and what it may write."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from unittest.mock import Mock

import pytest
from confluent_kafka import OFFSET_BEGINNING

from kafkalert.bus.marks import Mark
from kafkalert.config.sections import Cluster
from kafkalert.engine import following
from kafkalert.engine.arrivals import Arrival
from kafkalert.engine.ending import AbandonedError, Ending
from kafkalert.engine.following import Following
from kafkalert.engine.metrics import Metrics
from kafkalert.engine.progress import Partition
from kafkalert.engine.stopping import Stopping
from kafkalert.engine.store import Checkpoint, LostTablesError, RebuildingError, Store
from kafkalert.engine.topicfault import OffsetGoneError
from tests.engine_fakes import FakeClock

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
