"""A stay on one cluster, as its runner sees it."""

from contextlib import nullcontext
from types import SimpleNamespace
from typing import Any
from unittest.mock import MagicMock, Mock

import pytest

from kafkalert.config.sections import Cluster
from kafkalert.engine.consuming.events import OutOfRangeError, RetryError
from kafkalert.engine.consuming.progress import Place, Progress
from kafkalert.engine.consuming.unfetched import Unfetched
from kafkalert.engine.loop import Loop
from kafkalert.engine.observe.metrics import Metrics
from kafkalert.engine.stay import Stay, _Orders
from tests.support.fakes.engine import FakeClock, FakeMessage

DC1 = Cluster(name="dc1", bootstrap="127.0.0.1:1")
WAITED = 11.0


class FakeLoop:
    """One that notes whether anybody could see it when its time was set."""

    def __init__(self, clock: FakeClock) -> None:
        self.consumer, self.busy, self.joined, self.unfinished = Mock(), False, True, 0
        self.stays: list[Stay] = []
        self.set: list[tuple[float, bool]] = []
        self._ticked = clock.monotonic()

    @property
    def ticked(self) -> float:
        """When it last turned."""
        return self._ticked

    @ticked.setter
    def ticked(self, now: float) -> None:
        self._ticked = now
        self.set.append((now, self.stays[0].loop is None))

    def join(self, *_: object) -> None:
        """Become a member."""

    def run(self) -> bool:
        """End at once, as at a stop."""
        return False

    def close(self) -> None:
        """Leave."""


def staying(
    monkeypatch: pytest.MonkeyPatch,
    loop: FakeLoop,
    clock: FakeClock,
    metrics: Metrics,
    unread: Mock,
    seconds: float = 0,
) -> Stay:
    """A stay that has ended, on a thread of its own, which `seconds` passed by before it might process."""
    for name, value in (
        ("Loop", loop),
        ("Member", loop),
        ("Delivery", Mock()),
        ("Inputs", Mock()),
        ("Beginning", Mock()),
        ("group_properties", {}),
    ):
        monkeypatch.setattr(f"kafkalert.engine.stay.{name}", Mock(return_value=value))
    monkeypatch.setattr("kafkalert.engine.stay.topic_ids", lambda *_: {})
    settings, stopping = Mock(), MagicMock()
    settings.engine.linger.total_seconds.return_value = 0.05
    stopping.__bool__.return_value = False

    def ready(*_: object) -> bool:
        clock.pass_by(seconds)
        return True

    unread.owes.return_value = False
    dependency = Mock(await_ready=ready, topics=())
    stage = SimpleNamespace(inputs=[], outputs=[], name="alerting", dependency=dependency)
    work: Any = Mock(settings=settings, stage=stage, metrics=metrics, clock=clock, stopping=stopping, unread=unread)
    stay = Stay(work, DC1)
    loop.stays.append(stay)
    stay.go(1, {}, None)
    stay.join(10)
    return stay


def test_a_loop_that_waited_counts_as_turning_from_its_first_turn(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is made when a switch is prepared; a beat that saw that time would show it as stuck."""
    clock = FakeClock()
    loop, made = FakeLoop(clock), clock.monotonic()
    assert staying(monkeypatch, loop, clock, Metrics(entries=1), Mock(), WAITED).error is None
    assert loop.set == [(made + WAITED, True)]


@pytest.mark.parametrize(
    ("metrics", "compare"),
    [(Metrics(), True), (Metrics(entries=1), None), (Metrics(entries=1, gone={("a", 0): 0}), False)],
    ids=["it starts", "it has processed, and may switch", "it was held"],
)
def test_records_are_compared_at_a_start_and_where_the_cluster_has_no_offset(
    monkeypatch: pytest.MonkeyPatch, metrics: Metrics, compare: bool | None
) -> None:
    """A switch costs no question more."""
    clock, refused = FakeClock(), OutOfRangeError(("a", 0), 5)
    loop, looked = FakeLoop(clock), Mock(return_value=None)
    monkeypatch.setattr(loop, "run", Mock(side_effect=refused))
    stay = staying(monkeypatch, loop, clock, metrics, Mock(look=looked))
    assert stay.error is refused
    at_first = [] if compare is None else [{"compare": compare, "refused": None}]
    assert [one.kwargs for one in looked.call_args_list] == [*at_first, {"compare": True, "refused": refused}]


def test_up_to_the_end_is_asked_for_once_a_topic_and_not_of_the_loops_consumer(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whose own fetch would keep each partition's answer back."""
    asked: list[list[tuple[str, int]]] = []

    def ends(partitions: list[tuple[str, int]]) -> dict[tuple[str, int], int]:
        asked.append(partitions)
        return dict.fromkeys(partitions, 7)

    monkeypatch.setattr("kafkalert.engine.stay.Places", lambda _: SimpleNamespace(ends=ends))
    stay: Any = SimpleNamespace(_work=SimpleNamespace(stage=SimpleNamespace(inputs=["a", "b"])), cluster=DC1)
    loop: Any = Mock()
    loop.run.return_value = True
    goals: Any = {}
    assert Stay._to_the_end(stay, loop, goals, {"a": ("id-a", 3), "b": ("id-b", 2)})
    assert asked == [[("a", 0), ("a", 1), ("a", 2)], [("b", 0), ("b", 1)]]
    assert goals["b"] == {("b", 0): 7, ("b", 1): 7}
    loop.consumer.get_watermark_offsets.assert_not_called()


def test_ends_are_of_the_moment_at_which_they_were_measured() -> None:
    """Heartbeats tell how old that is, and between two commits nothing is measured."""
    member = Mock(skipped=0)
    member.ends.return_value = {("accountentry", 0): 7}
    clock, section = FakeClock(), Mock(batch=1)
    section.commit_interval.total_seconds.return_value = 1.0
    parts: Any = dict.fromkeys(("progress", "delivery", "dead", "orders", "ending"), Mock())
    loop = Loop(Mock(), member, section, metrics=Metrics(), clock=clock, **parts)
    clock.pass_by(WAITED)
    loop._measure_lag()
    measured = clock.monotonic()
    clock.pass_by(WAITED)
    assert (loop.ends, loop.measured) == ({("accountentry", 0): 7}, measured)
    loop._set_hold("the customer tables are 8 s out of date")
    loop._measure_lag()
    assert loop.measured == measured, "one that is held fetches nothing, and hears of no end"
    loop._set_hold("")
    loop._measure_lag()
    assert loop.measured == clock.monotonic()


@pytest.mark.parametrize(
    ("reason", "leaving", "fresh", "may"),
    [("", False, True, True), ("the tables", False, True, False), ("", True, True, False), ("", False, False, False)],
)
def test_a_call_begins_only_while_the_stay_may_process(reason: str, *, leaving: bool, fresh: bool, may: bool) -> None:
    """Not while the stage is held, once it leaves, or where another cluster may be in use by now."""
    work: Any = SimpleNamespace(unfetched=Mock(), clock=FakeClock(), stage=Mock(), fresh=Mock(return_value=fresh))
    work.stage.dependency.hold.return_value = reason
    stay: Any = SimpleNamespace(_work=work, ending=leaving, epoch=3, cluster=DC1, holds=False)
    assert _Orders(stay, work, Mock()).hold(None) == reason
    assert Stay._may_begin(stay) is may
    if may:
        work.fresh.assert_called_once_with(work.clock.monotonic(), 3, "dc1")


@pytest.mark.parametrize("awaited", [{("a", 0): 5}, {("a", 0): 9}, {}, None])
def test_a_partition_that_brings_nothing_ends_the_stay(awaited: dict[tuple[str, int], int] | None) -> None:
    """By what the cluster says of its logs, and what the loop waits for."""
    clock = FakeClock()
    work: Any = SimpleNamespace(unfetched=Unfetched(), clock=clock, stage=Mock())
    orders = _Orders(Mock(), work, Mock(ends={("a", 0): 9}))
    orders.hold(awaited)
    clock.pass_by(100)
    with pytest.raises(RetryError, match="has brought nothing") if awaited == {("a", 0): 5} else nullcontext():
        assert orders.hold(awaited) is work.stage.dependency.hold.return_value


@pytest.mark.parametrize(
    ("held", "records", "awaited"),
    [("", 0, {("a", 0): 5}), ("", 1, {("a", 0): 6}), ("", 2, None), ("the tables", 0, {})],
    ids=["nothing came", "all was taken", "more may have come", "held"],
)
def test_what_a_loop_waits_for(held: str, records: int, awaited: dict[tuple[str, int], int] | None) -> None:
    """It tells its orders, who see whether that still comes."""
    member, progress, section = Mock(skipped=0), Progress(), Mock(batch=2)
    progress.assigned({("a", 0): Place(5)})
    member.fetch.return_value = [FakeMessage(of="a", at=5 + one).real for one in range(records)]
    member.without_skipped.return_value = []
    section.commit_interval.total_seconds.return_value = 1.0
    parts: Any = dict.fromkeys(("delivery", "dead", "orders", "ending"), Mock())
    stage = Mock(inputs=["a"])
    loop = Loop(stage, member, section, progress=progress, metrics=Metrics(), clock=FakeClock(), **parts)
    loop._set_hold(held)
    loop._step()
    assert loop._awaited() == awaited
