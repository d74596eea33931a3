"""Records that expired on the source before they crossed: told from what the flow confirmed, step by step."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kafkalert.bus.connect.client import Connect
from kafkalert.bus.connect.flow import Flow, flows, offsets_topic
from kafkalert.bus.control.event import Event
from kafkalert.bus.control.state import View
from kafkalert.bus.records.partitions import Partition
from kafkalert.commands.mirror import _row
from kafkalert.config.sections import Cluster, Context, Settings
from kafkalert.ops.mirror import expired as module
from kafkalert.ops.mirror.confirmed import NEWEST, Confirmed, _take
from kafkalert.ops.mirror.expired import STEADY_MS, TOLD_MS, Expired, Log, Told, bases_of, expired, summed, words
from kafkalert.ops.mirror.status import _expired
from tests.support.data.picture import flow
from tests.support.fakes.engine import FakeClock, FakeMessage

NOW = 10**12
ONE, TWO = ("accountentry", 0), ("accountentry", 1)
KEPT = (offsets_topic("dc2"), 0)
"""Where the workers beside the target keep what they confirmed."""
SETTINGS = Settings(
    context=Context(clusters=("dc1", "dc2")),
    clusters={name: Cluster(name=name, bootstrap="a:1", connect="http://127.0.0.1:1") for name in ("dc1", "dc2")},
)


def log(start: int, *steps: tuple[int, int], base: int = 0, end: int = 1000) -> Log:
    """A log whose flow has confirmed offsets so many ms ago."""
    return Log(start, end, base, [Confirmed(offset, NOW - ago) for offset, ago in steps])


@given(st.data())
def test_what_expired_before_it_crossed_is_told_for_a_day_at_most_after_it_was_passed_over(data: st.DataObject) -> None:
    """Whether the flow stands before the gap, or has carried a later record since, and confirmed others after it.

    No longer once that record has expired too: what expires after it has crossed leaves the same traces.
    """
    carried = data.draw(st.integers(1, 50))
    gone = data.draw(st.integers(1, 50))
    later = data.draw(st.lists(st.integers(1, 9), max_size=4))
    start = carried + gone
    before = [(carried - 1, 200_000)]
    assert log(start, *before).gone(NOW) == gone
    offset, after = start - 1, []
    for number, step in enumerate(later):
        offset += step
        after.append((offset, 100_000 - number * 20_000))
    assert log(start, *before, *after).gone(NOW) == gone
    told = log(start, *((at, ago + TOLD_MS) for at, ago in [*before, *after]))
    assert told.gone(NOW) == (0 if after else gone)
    if after:
        assert log(after[0][0] + 1, *before, *after).gone(NOW) == 0


@given(st.lists(st.tuples(st.integers(1, 9), st.integers(1, 9)), min_size=1, max_size=20), st.integers(0, 200))
def test_what_expired_after_it_had_crossed_is_never_told(steps: Sequence[tuple[int, int]], start: int) -> None:
    """Confirmed one by one however slowly, or many in one quick step; then the log begins anywhere before the end."""
    offset, ago, made = -1, 10**8, []
    for count, quick in steps:
        offset += 1
        made.append((offset, ago))
        ago -= STEADY_MS - quick
        offset += count
        made.append((offset, ago))
        ago -= 60_000
    assert log(min(start, offset + 1), *made).gone(NOW) == 0


@given(
    st.sampled_from(["1e999", "-1e999", "NaN", "1.5", "9" * 400, "[]", "null", "[" * 2000, "9" * 5000]), st.booleans()
)
def test_what_kafka_cannot_count_was_not_confirmed(told: str, is_offset: bool) -> None:
    """Whoever may write to the topic of Connect's offsets may write any number there."""
    flow = Flow("dc1", "dc2", "m")
    found: dict[tuple[str, int], list[Confirmed]] = defaultdict(list)
    for partition, offset in ((1, told) if is_offset else (told, 1), (0, 7)):
        key = f'["m", {{"cluster": "dc1", "topic": "accountentry", "partition": {partition}}}]'
        _take(FakeMessage(body=f'{{"offset": {offset}}}'.encode(), id=key.encode(), time=5).real, flow, found)
    assert found == {ONE: [Confirmed(7, 5)]}


def test_before_the_switch_to_the_cluster_nothing_is_missing() -> None:
    """There the flow dropped what came from the other one, and confirmed none of it."""
    assert log(500, (10, 0), base=500).gone(NOW) == 0
    assert log(500, (10, 0), base=480).gone(NOW) == 20
    assert log(500, base=0).gone(NOW) == 0, "a flow that was never there confirmed nothing"


def test_only_of_the_cluster_in_use_from_the_planned_switch_on() -> None:
    """After a forced one nobody knows what had crossed before."""
    first = View(0, "dc1", None, None, (), 1)
    assert bases_of(first, "dc1", [ONE, TWO]) == {ONE: 0, TWO: 0}
    assert bases_of(first, "dc2", [ONE, TWO]) == {}
    assert bases_of(_switched("planned", {"dc2": {"accountentry/0": 7}}), "dc2", [ONE, TWO]) == {ONE: 7}
    assert bases_of(_switched("forced", {}), "dc2", [ONE, TWO]) == {}
    assert bases_of(_switched("planned", "nonsense"), "dc2", [ONE, TWO]) == {}


def _switched(mode: Literal["planned", "forced"], ends: Any) -> View:  # noqa: ANN401 - what anybody may have written
    event = Event(3, "x", "COMMIT", mode, "dc1", "dc2", "ann@ops", 0, detail={"ends": ends})
    return View(3, "dc2", event, None, (event,), 4)


def test_a_topic_that_was_made_anew_is_told() -> None:
    """Its flow has confirmed more than there is: what of the old one had not crossed nobody knows."""
    anew = log(0, (7, 1000), end=3)
    assert anew.gone(NOW) == 0
    found = summed({ONE: anew, TWO: log(30, (9, 0)), ("other", 0): log(0, (9, 0))}, NOW)
    assert found == [Expired("accountentry", 20, anew=True)]
    assert words(found, "dc1") == (
        "records expired on dc1 before they crossed, at most 20 of accountentry; "
        "made anew on dc1: accountentry; what had not crossed before is lost, ? records"
    )
    assert words([replace(found[0], anew=False)], "dc1").endswith("at most 20 of accountentry")
    assert words([], "dc1") == ""


@dataclass
class Busy:
    """Stands for clusters and worker: whenever one is asked, a record has come and the flow has confirmed it.

    The workers have kept so many `commits` within a day; the oldest that is read is `age` ms old.
    """

    start: int
    end: int = 1000
    commits: int = 1
    age: int = 0

    def starts(self, asked: Iterable[Partition]) -> dict[Partition, int]:
        """As of the source."""
        self.end += 1
        return dict.fromkeys(asked, self.start)

    def ends(self, asked: Iterable[Partition]) -> dict[Partition, int]:
        """As of the source, or of the topic of the target's workers."""
        self.end += 1
        return {one: 7 + self.commits if one == KEPT else self.end for one in asked}

    def partitions(self, topics: Iterable[str]) -> list[Partition]:
        """As of the target."""
        return [(topic, 0) for topic in topics]

    def since(self, times: Mapping[Partition, int]) -> dict[Partition, int]:
        """As of the target."""
        assert times == {KEPT: NOW - TOLD_MS}
        return {KEPT: 7}

    def confirmed(self, *_: object) -> dict[Partition, list[Confirmed]]:
        """As the workers' topic has it."""
        self.end += 1
        return {ONE: [Confirmed(self.end - 1, NOW - self.age)]}

    def offsets(self, _: str) -> dict[Partition, int]:
        """As the worker says."""
        self.end += 1
        return {ONE: self.end - 1}

    def stand(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Where the cluster in use is asked."""
        monkeypatch.setattr(module, "standing", lambda _: View(0, "dc1", None, None, (), 1))
        monkeypatch.setattr(module, "partitions", lambda *_, **__: {ONE[0]: 1})
        monkeypatch.setattr(module, "Places", lambda _: self)
        monkeypatch.setattr(module, "confirmed", self.confirmed)
        monkeypatch.setattr(Connect, "offsets", lambda _, name: self.offsets(name))

    def told(self, monkeypatch: pytest.MonkeyPatch) -> Told:
        """What is said of it."""
        self.stand(monkeypatch)
        return expired(SETTINGS, flows(SETTINGS)[0], FakeClock(wall=NOW), 0)


@pytest.mark.parametrize("start", [0, 50])
def test_what_comes_while_it_is_asked_makes_no_topic_anew(monkeypatch: pytest.MonkeyPatch, start: int) -> None:
    """On a busy partition the flow has soon confirmed what lay behind the end that there was just before."""
    assert Busy(start).told(monkeypatch) == Told()


@pytest.mark.parametrize(("commits", "age"), [(NEWEST, 600_000), (NEWEST + 1, TOLD_MS + 1)])
def test_all_is_known_where_a_day_was_read(monkeypatch: pytest.MonkeyPatch, commits: int, age: int) -> None:
    """Either all that the workers confirmed within it, or what they did of this partition."""
    assert Busy(50, commits=commits, age=age).told(monkeypatch).since is None


def test_that_less_than_a_day_was_read_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where so much was confirmed that a step over a gap may be no longer among what is read."""
    known = Busy(50, commits=NEWEST + 1, age=600_000).told(monkeypatch)
    assert known == Told((), since=NOW - 600_000)
    assert Busy(0, commits=NEWEST + 1, age=600_000).told(monkeypatch) == Told(), "nothing has expired at all"
    told = _expired(known, [])
    assert told["expired_since"] == datetime(2001, 9, 9, 1, 36, 40, tzinfo=UTC)
    assert "expired_reason" not in told
    both = _expired(replace(known, topics=(Expired("accountentry", 20),)), [])
    assert _row(flow("dc1", "dc2", **both))["detail"] == (
        "records expired on dc1 before they crossed, at most 20 of accountentry; "
        "what expired is known since 2001-09-09 01:36 UTC"
    )
    busy = flow("dc1", "dc2", lag_records=0, lag_complete=True, **told)
    assert _row(busy)["detail"] == "all has crossed; what expired is known since 2001-09-09 01:36 UTC"
