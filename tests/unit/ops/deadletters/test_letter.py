"""What the records of the dead letter topic say, and what makes two letters one."""

from collections.abc import Sequence
from typing import Any

import pytest
from confluent_kafka import Message
from hypothesis import given
from hypothesis import strategies as st

from kafkalert.ops.deadletters.contents import Contents
from kafkalert.ops.deadletters.letter import Letter, Note, read
from tests.support.fakes.letters import DEAD, Cluster, record

Parts = tuple[bytes | None, bytes | None, bytes | None, int, bool]


def letters(*records: Message, stage: str = "alerting") -> list[Message]:
    """These records, put away."""
    cluster = Cluster()
    for one in records:
        cluster.put_away(one, stage=stage)
    return [one for log in cluster.letters for one in log]


def letter(message: Message, here: str = "dc1") -> Letter:
    """What it says, on a cluster."""
    found = read(message, here, [{"dc1": "dc2", "dc2": "dc1"}[here]])
    assert isinstance(found, Letter)
    return found


def copy(message: Message, partition: int, offset: int) -> Message:
    """The mirror's copy of a record of dc1, somewhere on dc2."""
    headers: Any = [*(message.headers() or ()), ("ka-origin.dc1", None)]
    return Message(
        topic=DEAD, partition=partition, offset=offset, key=message.key(), value=message.value(), headers=headers
    )


def test_a_letter_says_what_the_stage_said() -> None:
    (message,) = letters(record(b"key", b"value", [("ka-id", b"e-1"), ("ka-replayed", b"2")], offset=17, time=1234))
    found = letter(message)
    assert (found.cluster, found.stage, found.topic) == ("dc1", "alerting", "accountentry")
    assert (found.from_partition, found.from_offset, found.record_time, found.time) == (0, 17, 1234, 1_700_000_000_000)
    assert (found.reason, found.detail, found.replays, found.has_id) == ("bad-bytes", "It is bad.", 2, True)
    assert (found.key_bytes, found.value_bytes, found.left_out) == (3, 5, False)
    assert found.name.endswith("/2")


def test_a_copy_on_the_other_cluster_is_the_same_letter() -> None:
    """At another place; it says where the record lay."""
    for message in letters(record(headers=[("ka-id", b"e-1")]), record(headers=[])):
        here, there = letter(message), letter(copy(message, 2, 99), "dc2")
        assert here.name == there.name
        assert (there.cluster, there.place) == ("dc1", "2:99")


def test_a_record_that_was_put_away_twice_is_one_letter() -> None:
    """After a crash, or on each cluster, at other offsets there."""
    first, again = letters(record(offset=1), record(offset=1))
    assert letter(first).name == letter(again).name
    first, there = letters(record(headers=[("ka-id", b"e")], offset=1), record(headers=[("ka-id", b"e")], offset=7))
    assert letter(first).name == letter(there).name


parts = st.tuples(
    st.none() | st.binary(max_size=2),
    st.none() | st.binary(max_size=2),
    st.none() | st.sampled_from([b"e-1", b"e-2"]),
    st.integers(1, 2),
    st.booleans(),
)


@given(parts, parts)
def test_other_records_are_other_letters(one: Parts, other: Parts) -> None:
    """By id or time, key, value and headers; a null is not empty."""

    def made(what: Parts) -> Message:
        key, value, own, time, unknown = what
        headers: list[tuple[str, Any]] = [] if own is None else [("ka-id", own)]
        return record(key, value, [*headers, *([("ka-balance", b"unknown")] if unknown else [])], time=time)

    def what(what: Parts) -> tuple[Any, ...]:
        key, value, own, time, unknown = what
        return key, value, own or time, unknown

    first, second = (letter(one).name for made_ in (made(one), made(other)) for one in letters(made_))
    assert (first == second) == (what(one) == what(other))


def test_what_is_neither_letter_nor_note_is_counted() -> None:
    """Anybody may write to the topic."""
    contents = Contents("dc1", DEAD)
    forged: Sequence[Sequence[tuple[str, bytes]]] = (
        (),
        (("ka-stage", b"alerting"),),
        (("ka-done", b"burnt"), ("ka-letter", b"aa/0")),
        (("ka-done", b"dropped"),),
    )
    for headers in forged:
        contents.take(read(Message(topic=DEAD, headers=[*headers], timestamp=(1, 5)), "dc1", ()))
    assert (contents.strangers, contents.letters, contents.notes) == (4, {}, {})


@pytest.mark.parametrize("said", [b"", b"-1", b"x", b"9" * 19, b"1 ", "\u0661".encode(), b"1_0"])
def test_a_number_that_is_none_is_not_known(said: bytes) -> None:
    """Nor one that Kafka has not."""
    headers = [("ka-stage", b"alerting"), ("ka-reason", b"null"), ("ka-topic", b"a"), ("ka-time", said)]
    found = letter(Message(topic=DEAD, headers=[*headers, ("ka-replayed", said)]))
    assert (found.time, found.replays) == (None, 0)


def test_what_is_not_of_the_form_that_stages_write_is_masked() -> None:
    """An account's number in a header is nobody's reason."""
    headers = [
        ("ka-stage", b"NL91ABNA0417164300"),
        ("ka-reason", b"Jan de Vries"),
        ("ka-topic", b"a"),
        ("ka-detail", b"\xff"),
    ]
    found = letter(Message(topic=DEAD, headers=headers))  # type: ignore[arg-type]  # the library's type lacks it
    assert (found.stage, found.reason, found.detail) == ("***", "***", "***")


def test_a_note_is_about_its_letter() -> None:
    contents = Contents("dc1", DEAD)
    (message,) = letters(record(headers=[("ka-id", b"e-1")]))
    found = letter(message)
    contents.take(found)
    assert list(contents.open()) == [found]
    contents.take(Note(found.name, found.record, "dropped", 0, "ann", "why", 5))
    assert list(contents.open()) == []
    assert [contents.next_replay(found.record) for _ in range(2)] == [1, 2]
