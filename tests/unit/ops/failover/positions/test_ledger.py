"""What a planned switch makes of a backlog that is too long to be read: a refusal, or records that are not verified."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from threading import Event

import pytest

from kafkalert.bus.connect import flow
from kafkalert.bus.control.state import View
from kafkalert.bus.records.mark_reader import reached
from kafkalert.bus.records.marks import Mark
from kafkalert.bus.records.partitions import Partition
from kafkalert.config.sections import Cluster
from kafkalert.errors import RefusedError
from kafkalert.ops.failover.positions import log_window
from kafkalert.ops.failover.positions import planned_positions as module
from kafkalert.ops.failover.positions.planned_positions import PlannedPositions
from tests.support.fakes.control import OTHER, SETTINGS
from tests.support.fakes.engine import FakeClock

TABLE = "customeralertsettings"
BUSY, QUIET, ROWS = ("accountentry", 0), ("accountentry", 1), (TABLE, 0)
MOST = 30


class Logs:
    """Both clusters' logs; `meanwhile` is called once a reader has begun."""

    def __init__(self) -> None:
        self.records: dict[str, dict[Partition, list[Mark]]] = {
            name: {one: [] for one in (BUSY, QUIET, ROWS)} for name in OTHER
        }
        self.meanwhile: Callable[[], None] = lambda: None
        self.aborted: dict[str, set[tuple[Partition, int]]] = {}

    def write(self, cluster: str, numbers: Iterable[int], one: Partition = BUSY, *, native: bool = True) -> None:
        """Records by number, which is their time as well; `native`: not the mirror's."""
        log = self.records[cluster][one]
        for number in numbers:
            log.append(Mark(len(log), number.to_bytes(8, "big"), native, number))


class FakePlaces:
    """As `Places`, of a cluster of `logs`."""

    def __init__(self, logs: Logs, cluster: Cluster) -> None:
        self._records = logs.records[cluster.name]

    def partitions(self, _: object) -> list[Partition]:
        """All of them."""
        return list(self._records)

    def starts(self, partitions: Iterable[Partition]) -> dict[Partition, int]:
        """Nothing has expired."""
        return dict.fromkeys(partitions, 0)

    def ends(self, partitions: Iterable[Partition]) -> dict[Partition, int]:
        """No transaction is open."""
        return {one: len(self._records[one]) for one in partitions}

    high_watermarks = ends

    def since(self, times: Mapping[Partition, int]) -> dict[Partition, int]:
        """As brokers answer."""
        found: dict[Partition, int] = {}
        for one, time in times.items():
            found.update((one, mark.offset) for mark in reversed(self._records[one]) if mark.timestamp >= time)
        return found


class FakeReader:
    """As `MarkReader`."""

    def __init__(self, logs: Logs, cluster: Cluster, *, uncommitted: bool = False) -> None:
        self._logs, self._records = logs, logs.records[cluster.name]
        self._hidden = () if uncommitted else logs.aborted.get(cluster.name, ())
        self.positions: dict[Partition, int] = {}
        self._at: dict[Partition, int] = {}

    def reached(self, ends: Mapping[Partition, int]) -> bool:
        """As the real one."""
        return reached(self.positions, ends)

    def start(self, at: Mapping[Partition, int]) -> None:
        """From there on."""
        self.positions, self._at = dict(at), dict(at)
        self._logs.meanwhile()

    def stop(self, partitions: Iterable[Partition]) -> None:
        """Those no longer."""
        for one in partitions:
            del self._at[one]

    def pump(self, seconds: float) -> list[tuple[Partition, Mark]]:
        """All that has come."""
        found = [(one, mark) for one, at in self._at.items() for mark in self._records[one][at:]]
        for one, mark in found:
            self.positions[one] = self._at[one] = mark.offset + 1
        if not found:
            Event().wait(seconds)
        return [(one, mark) for one, mark in found if (one, mark.offset) not in self._hidden]

    def close(self) -> None:
        """Nothing to leave."""


Know = dict[str, dict[Partition, int]]


@pytest.fixture
def logs(monkeypatch: pytest.MonkeyPatch) -> Logs:
    """Two clusters of which MOST records are read each."""
    made = Logs()
    monkeypatch.setattr(log_window, "MOST", MOST)
    monkeypatch.setattr(log_window, "Places", lambda cluster: FakePlaces(made, cluster))
    monkeypatch.setattr(log_window, "MarkReader", lambda cluster, _, **how: FakeReader(made, cluster, **how))
    monkeypatch.setattr(module, "topics_of", lambda _: {})
    return made


@pytest.fixture
def look(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[Know], list[str]]]:
    """Reads both clusters, as far as is needed where so much is known to have crossed, and returns what is assumed."""
    made: list[PlannedPositions] = []

    def run(known: Know) -> list[str]:
        monkeypatch.setattr(module, "_crossed", lambda _settings, _view, source: known.get(source, {}))
        made.append(PlannedPositions(SETTINGS, View(3, "dc1", None, None, (), 4), "dc1", "dc2", FakeClock()))
        told = made[-1].begin({"kafkalert.alerting": {BUSY: 0, QUIET: 0}})
        made[-1].await_read(lambda _: None)
        return told

    yield run
    for one in made:
        one.__exit__()


NOT_VERIFIED = "not verified: records of dc2 before the last {} offsets of each partition"


def test_what_was_aborted_refuses_nothing(logs: Logs, look: Callable[[Know], list[str]]) -> None:
    """No flow carries it, so it would be waited for until it leaves the last records; one that was not is another."""
    logs.write("dc1", range(100))
    logs.write("dc2", range(100), native=False)
    logs.write("dc2", [100])
    with pytest.raises(RefusedError):
        look({})
    logs.aborted["dc2"] = {(BUSY, 100)}
    later = iter([101])
    logs.meanwhile = lambda: logs.write("dc2", later)  # what comes after it began is another question
    assert NOT_VERIFIED.format(30) in look({})


def test_native_records_of_which_none_has_crossed_do_not_vouch_for_older_ones(
    logs: Logs, look: Callable[[Know], list[str]]
) -> None:
    """Of 100 entries that were written to dc2, the flow has brought ten; the last 30 would all cross after the switch.

    Those between would be processed on neither cluster.
    """
    logs.write("dc2", range(100))
    logs.write("dc1", range(10), native=False)
    with pytest.raises(RefusedError) as refused:
        look({})
    assert refused.value.exit_code == 5
    assert str(refused.value) == (
        "The mirror from dc2 to dc1 is behind in accountentry[0], perhaps by more than the last 30 offsets that were "
        "looked at."
    )
    assert "kafkalert mirror status" in refused.value.hint


def test_native_records_of_the_source_vouch_for_older_ones_too(logs: Logs, look: Callable[[Know], list[str]]) -> None:
    """Else the switch would begin with a backlog that it took for 30 records, and be called off after its time."""
    logs.write("dc1", range(100))
    logs.write("dc1", range(100, 200), QUIET)
    logs.write("dc1", range(200, 300), ROWS)
    with pytest.raises(RefusedError, match=r"from dc1 to dc2 .* accountentry\[0\] and 2 other partitions, .* last 10 "):
        look({})


def test_one_native_that_has_crossed_vouches_for_all_before_it(logs: Logs, look: Callable[[Know], list[str]]) -> None:
    """A flow carries a partition in order."""
    logs.write("dc2", range(100))
    logs.write("dc1", range(71), native=False)
    assert look({"dc1": {BUSY: 71}}) == [NOT_VERIFIED.format(30)]


def test_a_native_that_crosses_meanwhile_vouches_for_none(logs: Logs, look: Callable[[Know], list[str]]) -> None:
    """Copies of older ones have come before it, and of those the native records are not read any more."""
    logs.write("dc2", range(100))

    def cross() -> None:
        logs.meanwhile = lambda: None
        logs.write("dc1", range(100), native=False)

    logs.meanwhile = cross
    with pytest.raises(RefusedError):
        look({})


def test_a_cluster_that_has_copies_alone_is_not_refused(logs: Logs, look: Callable[[Know], list[str]]) -> None:
    """They are never confirmed, so there are many; that older records are not verified is said before it asks."""
    logs.write("dc1", range(100))
    logs.write("dc2", range(100), native=False)
    logs.write("dc1", range(100, 200), QUIET)
    logs.write("dc2", range(100, 200), QUIET, native=False)
    assert look({"dc1": {BUSY: 100, QUIET: 100}}) == [NOT_VERIFIED.format(15)]


@pytest.mark.parametrize(("crossed", "refused"), [(3, True), (4, False)])
def test_native_records_that_are_read_before_the_last_records_tell_too(
    logs: Logs, look: Callable[[Know], list[str]], crossed: int, *, refused: bool
) -> None:
    """Four were written to dc2 before 30 copies came there; as the group is behind, all of these are read."""
    logs.write("dc2", range(50, 100), native=False)
    logs.write("dc2", range(100, 104))
    logs.write("dc2", range(104, 134), native=False)
    logs.write("dc1", range(100, 100 + crossed), native=False)
    logs.write("dc1", range(104, 134))
    if refused:
        with pytest.raises(RefusedError):
            look({"dc1": {BUSY: 34}})
    else:
        assert look({"dc1": {BUSY: 34}}) == [NOT_VERIFIED.format(30)]


def test_rows_of_the_target_need_not_have_crossed(logs: Logs, look: Callable[[Know], list[str]]) -> None:
    """No group goes on there, and their copies may have been replaced since, by compaction."""
    logs.write("dc2", range(100), ROWS)
    assert look({}) == [NOT_VERIFIED.format(30)]


def test_nothing_is_assumed_where_all_can_be_read(logs: Logs, look: Callable[[Know], list[str]]) -> None:
    """However little of it has crossed."""
    logs.write("dc2", range(MOST))
    assert look({}) == []


def test_a_group_that_has_read_a_topic_that_is_not_known_here_is_not_moved(
    logs: Logs, look: Callable[[Know], list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A package brought it that this machine lacks: the switch would say that nothing is lost, and leave it behind."""
    logs.write("dc1", range(10))
    logs.write("dc2", range(10), native=False)
    monkeypatch.setattr(module, "topics_of", lambda _: {BUSY[0]: 1})
    monkeypatch.setattr(flow, "topics", lambda _: ())
    with pytest.raises(
        RefusedError, match=f"has read {BUSY[0]} on dc1, which is no topic that is known here"
    ) as raised:
        look({})
    assert "Install the package" in raised.value.hint
