"""Records that cannot be processed, as they are put away."""

from collections import Counter
from typing import Any

import pytest

from kafkalert.bus.records.unreadable import Batch
from kafkalert.engine.deadletter import LETTERS_OWN, DeadLetters
from kafkalert.errors import DecodingError
from tests.support.fakes.engine import FakeClock, FakeMessage, Remembering

BAD = DecodingError("bad-bytes", "The bytes are no AccountEntry (EOFError).")


def put(message: FakeMessage, most: int = 1_000_000, error: DecodingError = BAD) -> tuple[Remembering, Counter[str]]:
    """Put one away."""
    delivery, counts = Remembering(most), Counter[str]()
    dead = DeadLetters("kafkalert.deadletter", "alerting", delivery.real, counts, FakeClock(wall=1234))
    dead.put(message.real, error)
    return delivery, counts


@pytest.mark.parametrize("value", [b"\x00junk", b"", None])
def test_a_record_keeps_its_bytes_and_says_where_it_lay_and_why_it_is_here(value: bytes | None) -> None:
    """A null stays null: put back, the record would be the same."""
    message = FakeMessage("accountentry", value, b"key", lies=3, at=17)
    delivery, counts = put(message)
    (sent,) = delivery.sent
    assert (sent.topic, sent.value, sent.key) == ("kafkalert.deadletter", value, b"key")
    assert sent.headers == [
        ("ka-stage", "alerting"),
        ("ka-topic", "accountentry"),
        ("ka-partition", "3"),
        ("ka-offset", "17"),
        ("ka-reason", "bad-bytes"),
        ("ka-detail", "The bytes are no AccountEntry (EOFError)."),
        ("ka-time", "1234"),
        ("ka-record-time", "1700000000000"),
    ]
    assert counts == {"bad-bytes": 1}


def test_its_own_headers_go_with_it_and_the_mirrors_do_not() -> None:
    """Written again, it is the same record; a bank's own stage may read other headers than ours do."""
    carried: list[tuple[str, Any]] = [
        ("ka-id", b"e-1"),
        ("ka-balance", b"unknown"),
        ("ka-origin.dc1", None),
        ("other", b"x"),
        ("other", None),
        ("ka-replayed", b"2"),
    ]
    delivery, _ = put(FakeMessage(carried=carried))
    assert delivery.sent[0].headers[8:] == [one for one in carried if one[0] != "ka-origin.dc1"]


@pytest.mark.parametrize("name", sorted(LETTERS_OWN))
def test_what_says_that_it_is_a_dead_letter_comes_from_no_record(name: str) -> None:
    """Anybody may write such a header to a topic: one that says it was dropped would hide it from operators."""
    delivery, _ = put(FakeMessage(carried=[(name, b"dropped")]))
    assert ("dropped" in map(str, delivery.sent[0].header.values())) is False
    assert len(delivery.sent[0].headers) == 8


def test_a_batch_that_nobody_can_read_is_put_away_by_its_place() -> None:
    """In one dead letter, whatever the client library gives as its bytes."""
    delivery, counts = Remembering(1_000_000), Counter[str]()
    dead = DeadLetters("kafkalert.deadletter", "alerting", delivery.real, counts, FakeClock(wall=1234))
    refused = FakeMessage("accountentry", b"Decompression failed", lies=3, at=17)
    dead.put_batch(refused.real, Batch("accountentry", 3, 17, 20))
    (sent,) = delivery.sent
    assert (sent.value, sent.key) == (None, None)
    told = dict(sent.headers)
    assert (told["ka-offset"], told["ka-reason"], told["ka-left-out"]) == ("17", "unreadable-batch", "key, value")
    assert "accountentry[3], offsets 17 to 19" in told["ka-detail"]
    assert counts == {"unreadable-batch": 1}


def test_a_record_as_large_as_records_may_be_is_put_away_by_its_place() -> None:
    """With what is added it would be too large: it stays where it lies, and the dead letter says so."""
    carried = [("ka-id", b"e-1"), ("traceparent", None), ("other", b"x" * 999_000), ("ka-replayed", b"1")]
    delivery, _ = put(FakeMessage(body=b"x" * 990, at=5, carried=carried))
    (sent,) = delivery.sent
    assert (sent.value, sent.key) == (None, None)
    assert sent.header["ka-offset"] == "5"
    assert sent.headers[8:] == [("ka-id", b"e-1"), ("ka-replayed", b"1"), ("ka-left-out", "key, value")]


def test_an_id_that_no_record_should_have_goes_with_a_record_and_not_without_its_bytes() -> None:
    """It may be as large as a record."""
    delivery, _ = put(FakeMessage(carried=[("ka-id", b"x" * 900_000)]))
    assert len(delivery.sent[0].header["ka-id"]) == 900_000
    delivery, _ = put(FakeMessage(carried=[("ka-id", b"x" * 999_990)]))
    assert delivery.sent[0].headers[8:] == [("ka-left-out", "key, value")]


def test_a_reason_as_large_as_a_record_is_cut(caplog: pytest.LogCaptureFixture) -> None:
    """A schema may be called a million letters; what says so is a record, and a log line, all the same."""
    delivery, _ = put(FakeMessage(body=b"x"), error=DecodingError("wrong-schema", "The record is a " + "A" * 1_000_500))
    (sent,) = delivery.sent
    assert (sent.value, len(sent.header["ka-detail"])) == (b"x", 1000)
    assert len(caplog.text) < 2000
