"""`tail` on a real broker: which records, in which order, and what is said of the rest."""

import time
from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from confluent_kafka import TopicPartition

from kafkalert.errors import UnreachableError, UsageError
from kafkalert.ops.tail import Request, Tail
from kafkalert.sandbox.local import Sandbox
from tests.support.tailing import BEGIN, EMAIL, PUSH, SMS, Board, balance

pytestmark = pytest.mark.one_cluster


@pytest.fixture
def board(sandbox1: Sandbox, prefix: str) -> Board:
    return Board(sandbox1.bootstrap(), prefix)


class Quick:
    """A clock that runs ten times as fast, so that what is said every ten seconds is said every second."""

    def wall_ms(self) -> int:
        """The machine's time."""
        return time.time_ns() // 1_000_000

    def monotonic(self) -> float:
        """Ten times the machine's."""
        return 10 * time.monotonic()


def test_the_last_of_all_partitions_in_order_of_time(board: Board) -> None:
    """-n takes the last records over topics and partitions, decoded, masked, and in the order of their times."""
    board.make(EMAIL, SMS, PUSH)
    for number in range(60):
        name = (EMAIL, SMS, PUSH)[number % 3]
        address = {EMAIL: "jan@example.org", SMS: "+31600001234", PUSH: "c1"}[name]
        board.put(name, number, address=address, partition=number % 2, headers=[("ka-id", b"0a"), ("who", b"me")])
    board.flush()
    records, tail = board.tail(count=7)
    assert [balance(one) for one in records] == list(range(53, 60))
    assert [one.channel for one in records[-3:]] == ["email", "sms", "push"]
    assert [str(next(iter(one.key.values()))) for one in records[-3:]] == ["j***@example.org", "***34", "c1"]
    last = records[-1]
    assert (last.topic, last.partition, last.offset) == (board.settings.topic(PUSH), 1, 9)
    assert last.timestamp == datetime.fromtimestamp((BEGIN + 59) / 1000, UTC)
    assert {name: str(value) for name, value in last.headers.items()} == {"ka-id": "0a", "who": "***"}
    assert str(last.value["params"]["alert_settings_account_number"]) == "***4300"
    assert tail.report.sentences() == []
    assert board.tail(count=0)[0] == []
    assert len(board.tail()[0]) == 10
    assert [balance(one) for one in board.tail(count=500)[0]] == list(range(60))


def test_everything_since_in_order(board: Board) -> None:
    """--since without -n gives all from there, in the order of time, also where partitions differ much in length."""
    board.make(EMAIL)
    for number in range(9000):
        board.put(EMAIL, number, partition=0 if number % 100 else number // 100 % 2 + 1)
    board.flush()
    records, _ = board.tail(channels=["email"], since="start")
    assert [balance(one) for one in records] == list(range(9000))


def test_from_and_to(board: Board) -> None:
    """--since and --until take times and offsets, the first inclusive and the second exclusive; -n counts within."""
    board.make(EMAIL, partitions=1)
    for number in range(50):
        board.put(EMAIL, number)
    board.flush()

    def numbers(**asked: object) -> list[int]:
        return [balance(one) for one in board.tail(channels=["email"], **asked)[0]]

    assert numbers(since=f"@{BEGIN + 45}") == [45, 46, 47, 48, 49]
    assert numbers(since=f"@{BEGIN + 10}", until=f"@{BEGIN + 13}") == [10, 11, 12]
    assert numbers(since="3", until="+5") == [3, 4]
    assert numbers(since="-2") == [48, 49]
    assert numbers(until="4", count=2) == [2, 3]
    assert numbers(since="40", until="10") == []
    assert numbers(since="end") == []
    assert numbers(since="1h") == []  # the records say that they are older


def test_markers_at_the_end_hold_nothing_up(board: Board) -> None:
    """It ends behind markers of transactions, shows nothing of aborted ones, and looks further back for the last n."""
    board.make(EMAIL, partitions=1)
    for number in range(5):
        board.put(EMAIL, number)
    board.flush()
    board.transaction(EMAIL, range(5, 8), commit=True)
    board.transaction(EMAIL, range(8, 40), commit=False)
    records, tail = board.tail(channels=["email"], count=4)
    assert [balance(one) for one in records] == [4, 5, 6, 7], tail.report
    assert len(board.tail(channels=["email"], since="start")[0]) == 8


def test_grep_searches_back_to_the_start(board: Board) -> None:
    """The last n are the last that match, however far back, and what did not match is counted."""
    board.make(EMAIL, partitions=2)
    for number in range(5000):
        board.put(EMAIL, number, address="ann@example.org" if number in {3, 700, 701} else "jan@example.org")
    board.flush()
    records, tail = board.tail(channels=["email"], count=2, grep=["email=ann@example.org"])
    assert [balance(one) for one in records] == [700, 701]
    records, tail = board.tail(channels=["email"], count=9, grep=["email=a***@example.org"])
    assert [balance(one) for one in records] == [3, 700, 701]
    assert tail.report.sentences() == ["4,997 records did not match --grep."]
    _, tail = board.tail(channels=["email"], count=1, grep=["emial=ann@example.org"])
    assert any("emial" in sentence for sentence in tail.report.sentences())


def test_what_cannot_be_read_is_counted(board: Board) -> None:
    """Records that are no alerts are skipped and told by reason; the last n are the last that can be read."""
    board.make(EMAIL, partitions=1)
    for number in range(3):
        board.put(EMAIL, number)
    for value in (b"junk", b"", b"\xc3\x01" + b"\x00" * 8 + b"x"):
        board.put(EMAIL, 9, value=value)
    board.flush()
    records, tail = board.tail(channels=["email"], count=2)
    assert [balance(one) for one in records] == [1, 2]
    (sentence,) = tail.report.sentences()
    assert sentence == "3 records could not be decoded (1 empty, 1 not-framed, 1 unknown-fingerprint); skipped."


def test_topics_that_do_not_exist(board: Board) -> None:
    """A topic that is missing beside others is told; only missing ones are wrong usage. None is created by asking."""
    board.make(SMS)
    records, tail = board.tail(channels=["email", "sms"])
    assert records == []
    assert tail.report.sentences() == [f"Topic {board.settings.topic(EMAIL)} does not exist yet."]
    with pytest.raises(UsageError, match="do not exist on dc1"):
        board.tail(channels=["email", "push"])
    assert board.settings.topic(EMAIL) not in board.admin.list_topics().topics


def test_follow_goes_on_where_the_end_was(board: Board) -> None:
    """-f shows the last, then everything that comes, once; also from partitions and topics that appear."""
    board.make(EMAIL, partitions=1)
    for number in range(5):
        board.put(EMAIL, number)
    board.flush()
    with board.following(channels=["email", "sms"], count=2) as followed:
        followed.until(lambda: followed.numbers == [3, 4])
        for number in range(5, 500):
            board.put(EMAIL, number)
        board.flush()
        followed.until(lambda: len(followed.numbers) >= 497)
        assert followed.numbers == list(range(3, 500))
        board.grow(EMAIL, 2)
        board.put(EMAIL, 500, partition=1)
        board.make(SMS, partitions=1)
        board.put(SMS, 501, address="+31600001234")
        board.flush()
        followed.until(lambda: set(followed.numbers) >= {500, 501})
    assert followed.notes == [f"Topic {board.settings.topic(SMS)} is there now."]
    assert sorted(followed.numbers) == list(range(3, 502))


def test_follow_reads_a_topic_made_anew(board: Board) -> None:
    """A topic that is deleted and made again is read from its new start, and both are said."""
    board.make(EMAIL, partitions=1)
    for number in range(20):
        board.put(EMAIL, number)
    board.flush()
    with board.following(channels=["email"], count=1) as followed:
        followed.until(lambda: followed.numbers == [19])
        board.remove(EMAIL)
        board.make(EMAIL, partitions=1)
        board.put(EMAIL, 77)
        board.flush()
        followed.until(lambda: followed.numbers == [19, 77])
    said = " ".join(followed.notes)
    assert "is gone" in said or "was made anew" in said


def test_follow_counts_what_expired(own_sandbox: Callable[..., Sandbox]) -> None:
    """Records that retention takes before they were read are counted, and following goes on behind them."""
    own = own_sandbox()
    board = Board(own.bootstrap(), "")
    board.make(EMAIL, partitions=1)
    board.put(EMAIL, 0)
    board.flush()
    reached = Tail(board.settings, Request.parse(board.settings, channels=["email"], following=True), note=print)
    records = reached.records()
    assert balance(next(records)) == 0
    for number in range(1, 30):
        board.put(EMAIL, number)
    board.flush()
    place = TopicPartition(board.settings.topic(EMAIL), 0, 20)
    board.admin.delete_records([place])[place].result(10)
    assert balance(next(records)) == 20
    assert reached.report.expired == 19


def test_a_cluster_that_hangs(own_sandbox: Callable[..., Sandbox]) -> None:
    """-f says that the cluster does not answer, then that it does again, and misses nothing; else it is an error."""
    own = own_sandbox()
    board = Board(own.bootstrap(), "")
    board.make(EMAIL, SMS, PUSH)
    board.put(EMAIL, 0)
    board.flush()
    with board.following(count=1, clock=Quick()) as followed:
        followed.until(lambda: followed.numbers == [0])
        own.pause("dc1")
        followed.until(lambda: len(followed.notes) >= 2)
        with pytest.raises(UnreachableError, match="does not answer"):
            board.tail()
        own.resume("dc1")
        for number in range(1, 30):
            board.put(EMAIL, number)
        board.flush()
        followed.until(lambda: followed.numbers == list(range(30)))
    assert all("dc1 has not answered for" in note for note in followed.notes[:-1])
    assert followed.notes[-1] == "dc1 answers again."
