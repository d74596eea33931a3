"""Replaying: whatever is chosen, in whatever order, killed or not, by one operator or two, each record lands once."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kafkalert.errors import RefusedError
from kafkalert.ops.deadletters import parcels
from kafkalert.ops.deadletters.job import Audience, Course, Job, Order
from kafkalert.ops.deadletters.parcels import Out
from kafkalert.ops.deadletters.selection import Selection
from tests.support.data.rows import datum, debit
from tests.support.fakes.control import SETTINGS
from tests.support.fakes.letters import DEAD, Cluster, audience, record
from tests.support.reading import CODEC

ACCOUNT = "NL00KAFK0000000001"
KEY = CODEC.encode("AccountId", {"id": ACCOUNT})
GOOD = CODEC.encode("AccountEntry", datum(debit(ACCOUNT, "-")))
BAD = GOOD[:-4]


@pytest.fixture(autouse=True)
def two_a_transaction(monkeypatch: pytest.MonkeyPatch) -> None:
    """So that a few letters take several transactions."""
    monkeypatch.setattr(parcels, "MOST", 2)


def put_away(cluster: Cluster, number: int, value: bytes = GOOD, replayed: bytes = b"") -> None:
    """A record that a stage put away, by its id."""
    headers = [("ka-id", b"e-%d" % number), *([("ka-replayed", replayed)] if replayed else [])]
    cluster.put_away(record(KEY, value, headers, offset=number))


def job(cluster: Cluster, order: Order, asked: Audience | None = None) -> Job:
    """A command on it."""
    return Job(SETTINGS, order, asked or audience(), box=cluster.box(), begin=cluster.begin)


def replay(cluster: Cluster, order: Order | None = None) -> Course:
    """One command, to its end."""
    return job(cluster, order or Order(Selection())).replay()


def states(course: Course) -> Counter[str]:
    """How many letters became what."""
    return Counter(one.state for one in course.fates.values())


def test_what_would_pass_goes_back_as_it_was_and_once() -> None:
    """Key, value, headers, id and time; with how often, and without what belongs to the letter or to the mirror."""
    cluster = Cluster()
    headers = [("ka-id", b"e-1"), ("ka-balance", b"unknown"), ("ka-origin.dc2", None), ("other", b"x")]
    cluster.put_away(record(KEY, GOOD, headers, time=1234))
    assert states(replay(cluster)) == {"replayed": 1}
    (one,) = cluster.landed
    assert (one.topic, one.key, one.value, one.partition, one.timestamp) == ("accountentry", KEY, GOOD, -1, 1234)
    assert one.headers == [("ka-id", b"e-1"), ("ka-balance", b"unknown"), ("other", b"x"), ("ka-replayed", "1")]
    assert states(replay(cluster)) == {}
    assert len(cluster.landed) == 1


def test_what_would_not_pass_stays_and_says_why() -> None:
    cluster = Cluster()
    put_away(cluster, 1, BAD)
    (one,) = replay(cluster).fates.values()
    assert (one.state, one.why) == ("stays", "The bytes are no AccountEntry (EOFError).")
    assert states(replay(cluster, Order(Selection(), anyway=True))) == {"replayed": 1}


def test_a_record_that_fails_again_is_another_letter_that_counts() -> None:
    """Each replay has a number of its own, so that no letter hides behind one that is done with."""
    cluster = Cluster()
    put_away(cluster, 1, BAD)
    for time in range(1, 4):
        assert states(replay(cluster, Order(Selection(), anyway=True))) == {"replayed": 1}
        assert dict(cluster.landed[-1].headers)["ka-replayed"] == str(time)
        put_away(cluster, 1, BAD, b"%d" % time)
        (left,) = replay(cluster).fates.values()
        assert (left.state, left.letter.replays) == ("stays", time)
        assert f"failed again {time} time" in left.why


def test_what_would_pass_and_has_failed_again_says_so() -> None:
    """Where the stage runs, something may be other than here."""
    cluster = Cluster()
    put_away(cluster, 1, replayed=b"2")
    (one,) = replay(cluster, Order(Selection(), dry_run=True)).fates.values()
    assert (one.state, one.why) == ("passes", "It has failed again 2 times.")


def test_with_again_the_first_letter_and_the_one_that_failed_again_get_numbers_of_their_own() -> None:
    cluster = Cluster()
    put_away(cluster, 1)
    replay(cluster)
    put_away(cluster, 1, replayed=b"1")
    assert states(replay(cluster, Order(Selection(), again=True))) == {"replayed": 2}
    assert [dict(one.headers)["ka-replayed"] for one in cluster.landed] == ["1", "2", "3"]


def test_what_only_the_stage_can_tell_is_tried_once() -> None:
    """A command that runs every hour does not send it round for ever."""
    cluster = Cluster()
    headers = [("ka-id", b"e-1")]
    cluster.put_away(record(KEY, GOOD, headers), "rule-failed")
    assert states(replay(cluster)) == {"replayed": 1}
    cluster.put_away(record(KEY, GOOD, [*headers, ("ka-replayed", b"1")]), "rule-failed")
    assert states(replay(cluster)) == {"stays": 1}
    assert states(replay(cluster, Order(Selection(), anyway=True))) == {"replayed": 1}


def test_a_letter_that_lies_there_twice_is_one() -> None:
    """A stage that was killed puts a record away again; notes go to each partition that has the letter."""
    cluster = Cluster()
    put_away(cluster, 1)
    (first,) = cluster.letters[sum(KEY) % 3]
    elsewhere = (sum(KEY) + 1) % 3
    cluster.append(Out(DEAD, KEY, GOOD, [*(first.headers() or ())], elsewhere))
    assert states(replay(cluster)) == {"replayed": 1}
    assert len(cluster.landed) == 1
    assert sorted(map(len, cluster.letters)) == [0, 2, 2]
    assert states(replay(cluster, Order(Selection(places=((elsewhere, 0),))))) == {"done before": 1}


def test_one_that_the_cluster_does_not_take_keeps_no_other_back() -> None:
    cluster = Cluster(refused=frozenset({b"large"}))
    for number in range(5):
        put_away(cluster, number)
    cluster.put_away(record(b"large", GOOD, [("ka-id", b"e-9")]))
    course = replay(cluster, Order(Selection(), anyway=True))
    assert states(course) == {"replayed": 5, "not taken": 1}
    assert states(replay(cluster, Order(Selection(), anyway=True))) == {"not taken": 1}


def test_a_dropped_letter_is_done_with() -> None:
    cluster = Cluster()
    put_away(cluster, 1)
    course = job(cluster, Order(Selection(reason="bad-bytes"), why="a test")).drop()
    assert states(course) == {"dropped": 1}
    assert states(replay(cluster)) == {}
    (one,) = replay(cluster, Order(Selection(places=((sum(KEY) % 3, 0),)))).fates.values()
    assert one.state == "done before"
    assert one.why.endswith("dropped it: a test.")
    assert cluster.landed == []
    assert states(replay(cluster, Order(Selection(), again=True))) == {"replayed": 1}


def test_a_dry_run_and_a_no_change_nothing() -> None:
    """Nor does a question that is answered with no."""

    def refuse(_: Sequence[str]) -> None:
        raise RefusedError("No.")

    cluster = Cluster()
    put_away(cluster, 1)
    assert states(replay(cluster, Order(Selection(), dry_run=True))) == {"passes": 1}
    order = Order(Selection(stage="alerting"))
    for work in (job(cluster, order, audience(refuse)).replay, job(cluster, order, audience(refuse)).drop):
        with pytest.raises(RefusedError):
            work()
    assert (cluster.landed, cluster.writes) == ([], 0)


def test_a_letter_that_anybody_may_have_written_leads_to_no_other_topic() -> None:
    """The control log decides where stages run; no stage reads it."""
    cluster = Cluster()
    cluster.put_away(record(KEY, GOOD, [("ka-id", b"e-1")], topic="kafkalert.control"))
    cluster.put_away(record(KEY, GOOD, [("ka-id", b"e-2")]), stage="nobody")
    cluster.put_away(record(KEY, GOOD, [("ka-id", b"e-3")], topic="accountentry"), stage="tables")
    course = replay(cluster, Order(Selection(), anyway=True))
    assert {one.why for one in course.fates.values()} == {
        "alerting does not read kafkalert.control.",
        "Nobody here knows what nobody reads: no stage of that name is installed.",
        "tables does not read accountentry.",
    }
    assert cluster.landed == []


Step = tuple[frozenset[int], tuple[int, bool] | None, bool]
step = st.tuples(
    st.frozensets(st.integers(0, 7)),
    st.none() | st.tuples(st.integers(1, 3), st.booleans()),
    st.booleans(),
)


@settings(max_examples=60)
@given(st.permutations(range(8)), st.frozensets(st.integers(0, 7)), st.lists(step, max_size=4))
def test_each_record_lands_at_most_once_and_what_is_chosen_lands(
    order: list[int], twice: frozenset[int], steps: list[Step]
) -> None:
    """Commands choose any letters, are killed at any write, and a second operator may do all of it at the question.

    A letter has a note exactly if its record landed; whatever was not killed has done what it was asked for.
    """
    cluster = Cluster()
    for number in [*order, *sorted(twice)]:
        put_away(cluster, number)
    places: dict[bytes, tuple[int, int]] = {}
    for number, log in enumerate(cluster.letters):
        for message in log:
            headers: Any = message.headers()
            places[dict(headers)["ka-id"]] = (number, message.offset() or 0)
    done: set[bytes] = set()
    for chosen, kill, beaten in steps:
        ids = {b"e-%d" % number for number in chosen}
        selection = Selection(places=tuple(places[one] for one in sorted(ids)))
        cluster.kill = None if kill is None else (cluster.writes + kill[0], kill[1])

        def meanwhile(_: Sequence[str], beaten: bool = beaten, selection: Selection = selection) -> None:
            if beaten:
                job(cluster, Order(selection)).replay()

        try:
            course = job(cluster, Order(selection), audience(meanwhile)).replay()
        except KeyboardInterrupt:
            pass
        else:
            assert states(course)["stays"] == 0
            done |= ids or places.keys()
        landed = cluster.names()
        assert max(landed.values(), default=0) <= 1
        assert landed.keys() >= done
        assert len(cluster.box().contents(None, lambda *_: None).notes) == len(landed)
    cluster.kill = None
    replay(cluster)
    assert cluster.names() == Counter(places.keys())


def test_who_was_overtaken_writes_nothing_more() -> None:
    cluster = Cluster()
    put_away(cluster, 1)
    first = cluster.begin()
    second = cluster.begin()
    with pytest.raises(RefusedError):
        first.write([])
    second.write([])
