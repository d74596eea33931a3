"""Marks: what makes a record the same on both clusters."""

from typing import Any

from confluent_kafka import Message
from hypothesis import example, given
from hypothesis import strategies as st

from kafkalert.bus.records.marks import ID_BYTES, Mark, Marks, mark

Headers = list[tuple[str, str | bytes | None]]
Content = tuple[bytes | None, bytes | None, int]


def made(
    *,
    headers: Headers | None = None,
    key: bytes | None = b"k",
    value: bytes | None = b"v",
    timestamp: int = 1000,
) -> Mark:
    """The mark of a record on dc1."""
    record: Any = Message(offset=7, headers=headers, key=key, value=value, timestamp=(1, timestamp))
    return mark(record, "dc2")


def test_a_copy_has_the_id_of_its_record_and_is_not_native() -> None:
    """The mirror adds a header with a null value, and keeps the rest."""
    own = made(headers=[("ka-id", b"e-1"), ("traceparent", b"x")])
    copy = made(headers=[("ka-id", b"e-1"), ("traceparent", b"x"), ("ka-origin.dc2", None)])
    assert (own.native, copy.native) == (True, False)
    assert own.id == copy.id
    assert len(own.id) == ID_BYTES
    assert own[0] == 7
    assert own.timestamp == 1000


def test_a_header_of_another_origin_does_not_make_a_copy() -> None:
    """On dc1 only what came from dc2 is foreign; dc1's own name means that it came back, which the mirror prevents."""
    assert made(headers=[("ka-origin.dc1", None), ("ka-origin.dc22", None)]).native


def test_the_id_decides_where_there_is_one_and_the_content_elsewhere() -> None:
    assert made(headers=[("ka-id", b"e")]).id == made(headers=[("ka-id", b"e")], key=None, value=b"w", timestamp=1).id
    assert made(headers=[("ka-id", b"")]).id == made().id == made(headers=[("ka-id", None)]).id
    assert made(headers=[("ka-id", b"d"), ("ka-id", b"e")]).id == made(headers=[("ka-id", b"e")]).id


def test_a_record_that_was_replayed_is_another_one_though_its_id_is_the_same() -> None:
    """What was put away counts as processed in a switch, and as crossed; what was replayed may be neither."""
    named: Headers = [("ka-id", b"e")]
    for headers in ([], named):
        once, twice = ([*headers, ("ka-replayed", number)] for number in (b"1", b"2"))
        assert len({made(headers=one).id for one in (headers, once, twice)}) == 3
        assert made(headers=once).id == made(headers=[*once, ("ka-origin.dc2", None)]).id


content = st.tuples(st.none() | st.binary(max_size=3), st.none() | st.binary(max_size=3), st.integers(-1, 2**62))


@given(content, content)
@example((b"a", b"b", 1), (b"ab", b"", 1))
@example((None, b"", 1), (b"", b"", 1))
@example((b"", None, 1), (b"", b"", 1))
@example((b"", b"a", 1), (b"a", b"", 1))
def test_records_without_id_are_one_where_key_value_and_time_are_equal(one: Content, other: Content) -> None:
    """A tombstone is not an empty value, and bytes do not move between key and value."""
    ids = [made(key=key, value=value, timestamp=timestamp).id for key, value, timestamp in (one, other)]
    assert (ids[0] == ids[1]) == (one == other)


marks = st.builds(
    lambda gaps, ids: [
        Mark(sum(gaps[: at + 1]), id_, id_[0] % 2 == 0, id_[1] - 1)
        for at, id_ in zip(range(len(gaps)), ids, strict=False)
    ],
    st.lists(st.integers(1, 9), max_size=12),
    st.lists(st.binary(min_size=ID_BYTES, max_size=ID_BYTES), min_size=12, max_size=12),
)


@given(marks, st.integers(0, 80), st.integers(0, 80))
def test_columns_hold_what_was_put_in(given_marks: list[Mark], start: int, stop: int) -> None:
    """They are a sequence of marks like any other, only smaller."""
    held = Marks(given_marks)
    assert list(held) == given_marks
    assert [held[at] for at in range(len(held))] == given_marks
    assert [held[-at - 1] for at in range(len(held))] == given_marks[::-1]
    assert list(held.between(start, stop)) == [one for one in given_marks if start <= one.offset < stop]
    assert list(held[: start % 13] + held[start % 13 :]) == given_marks
    assert list(held) == given_marks  # what was made of it has not changed it
