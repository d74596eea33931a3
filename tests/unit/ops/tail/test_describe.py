"""Records of every topic, for people."""

import json
import tracemalloc
from types import SimpleNamespace
from typing import Any

import pytest

from kafkalert.config import names
from kafkalert.config.pipeline import TOPICS
from kafkalert.errors import DecodingError
from kafkalert.ops.tail.describe import address, words
from kafkalert.ops.tail.record import Reader, Record, _plain
from kafkalert.serde.codec import Codec
from kafkalert.serde.keys import encode_key

CODEC = Codec()
READER = Reader(CODEC, {name: name for name in TOPICS}, {names.ACCOUNTENTRY: "entries"})
ACCOUNT = "NL20KAFK0000004300"
ENTRY = {
    "timestamp": 1,
    "accountId": ACCOUNT,
    "accountCurrency": "EUR",
    "bookingAmountNumeric": 4500,
    "bookingAmount": "45.00",
    "bookingCreditDebitIndicator": "DBIT",
    "BalanceAfterBookingNumeric": 120410,
    "balanceAfterBooking": "1204.10",
    "BalanceAfterBookingCreditDebitIndicator": "CRDT",
}
DEVICE = {"pushId": "fcm-token-9f3c", "deviceType": "android", "pushProvider": "FCM", "sdkVersion": "1"}
COMPACTED = (names.ACCOUNTTOCUSTOMERIDS, names.CUSTOMERALERTSETTINGS)
SETTINGS = {
    "customerId": {"id": "c1"},
    "addresses": [{"address": {"emailAddress": "jan@example.org"}}],
    "accountAlertSettings": [{"account": {"id": ACCOUNT}, "currency": {"symbol": "EUR"}, "settings": []}],
}
MESSAGE: dict[str, Any] = {"timestamp": 1, "customerId": None, "messageType": "ALERT_X", "params": {}}


def read(topic: str, key: bytes | None, value: bytes | None, *headers: tuple[str, bytes], ms: int = 0) -> Record:
    """The record that such a message is read as."""
    parts: dict[str, Any] = {
        "topic": topic,
        "partition": 0,
        "offset": 7,
        "timestamp": (1, ms),
        "key": key,
        "value": value,
        "headers": list(headers) or None,
    }
    message = SimpleNamespace(**{name: lambda part=part: part for name, part in parts.items()})
    return READER.read(message)  # type: ignore[arg-type]  # what is asked of a Message


@pytest.mark.parametrize(
    ("topic", "key", "schema", "datum", "whom", "what"),
    [
        (
            names.ACCOUNTENTRY,
            encode_key(CODEC, "AccountId", ACCOUNT),
            "AccountEntry",
            ENTRY,
            "***4300",
            "Debited 45.00 EUR from ***4300; balance 1,204.10 EUR",
        ),
        (
            names.ACCOUNTTOCUSTOMERIDS,
            encode_key(CODEC, "AccountId", ACCOUNT),
            "CustomerIds",
            {"customerIds": [{"id": "c1"}, {"id": "c2"}]},
            "***4300",
            "Seen by c1, c2",
        ),
        (
            names.CUSTOMERALERTSETTINGS,
            encode_key(CODEC, "CustomerId", "c1"),
            "CustomerAlertSettings",
            SETTINGS,
            "c1",
            "0 alerts on 1 account, to 1 address",
        ),
        (
            names.OUTBOUNDPUSHMESSAGE,
            CODEC.encode("PushId", DEVICE),
            "OutboundMessage",
            MESSAGE,
            "android ***9f3c",
            "ALERT_X for an account, balance unknown",
        ),
    ],
)
def test_topics_of_the_pipeline(
    topic: str, key: bytes, schema: str, datum: dict[str, Any], whom: str, what: str
) -> None:
    """Each topic's record says whom it is about, masked, and what it tells."""
    record = read(topic, key, CODEC.encode(schema, datum))
    assert (address(record), words(record)) == (whom, what)
    deleted = "Deleted" if topic in COMPACTED else "No value"
    assert words(read(topic, key, None)) == deleted


def test_a_balance_that_is_not_known() -> None:
    """The header of an entry without a balance is believed, not the zero in its fields."""
    key = encode_key(CODEC, "AccountId", ACCOUNT)
    record = read(names.ACCOUNTENTRY, key, CODEC.encode("AccountEntry", ENTRY), ("ka-balance", b"unknown"))
    assert words(record, unmask=True) == f"Debited 45.00 EUR from {ACCOUNT}; balance unknown"
    assert address(record, unmask=True) == ACCOUNT


def test_a_dead_letter_says_where_and_why() -> None:
    """A dead letter tells stage, place and reason from its headers, and of its bytes only what a record says masked."""
    headers = [(f"ka-{name}", text.encode()) for name, text in (("stage", "alerting"), ("topic", "accountentry"))]
    headers += [("ka-partition", b"2"), ("ka-offset", b"17"), ("ka-reason", b"bad-bytes")]
    junk = read(names.DEADLETTER, b"jan@example.org", b"jan@example.org", *headers)
    assert words(junk) == "alerting put away accountentry[2]@17: bad-bytes"
    assert str(junk.value) == str(junk.key) == "***"
    whole = read(names.DEADLETTER, None, CODEC.encode("AccountEntry", ENTRY), *headers)
    assert words(whole).endswith("bad-bytes; Debited 45.00 EUR from ***4300; balance 1,204.10 EUR")


def test_the_pipelines_own_topics_are_open() -> None:
    """Heartbeats are about processes and shown as they are; the bytes of an unknown topic are not shown."""
    record = read(names.STATUS, b"host-1", json.dumps({"stage": "alerting"}).encode())
    assert record.value == {"stage": "alerting"}
    assert address(record) == "host-1"
    assert words(read("somebodys", None, b"jan@example.org")) == "15 bytes that are no known record"
    assert words(read("somebodys", None, CODEC.encode("AccountEntry", ENTRY))).startswith("Debited 45.00 EUR")


def test_what_a_topic_has_to_hold() -> None:
    """A record of another kind than its topic's is an error with a code, as is a key."""
    with pytest.raises(DecodingError) as caught:
        read(names.ACCOUNTENTRY, encode_key(CODEC, "AccountId", ACCOUNT), CODEC.encode("OutboundMessage", MESSAGE))
    assert caught.value.code == "wrong-schema"
    with pytest.raises(DecodingError):
        read(names.ACCOUNTENTRY, b"junk", CODEC.encode("AccountEntry", ENTRY))


def test_a_row_larger_than_is_decoded_costs_no_memory() -> None:
    """3 MB of settings, of which a gigabyte of objects were made; a dead letter of them is told by its headers."""
    junk = {"account": {"id": ""}, "currency": {"symbol": "EUR"}, "settings": []}
    row = CODEC.encode("CustomerAlertSettings", SETTINGS | {"accountAlertSettings": [junk] * 500_000})
    assert len(row) > 3_000_000
    key = encode_key(CODEC, "CustomerId", "c1")
    tracemalloc.start()
    try:
        with pytest.raises(DecodingError) as caught:
            read(names.CUSTOMERALERTSETTINGS, key, row)
        letter = read(names.DEADLETTER, key, row, ("ka-reason", b"record-too-large"))
        assert words(letter) == "A stage put away ?[?]@?: record-too-large"
        most = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert caught.value.code == "record-too-large"
    assert most < 8 * len(row)


@pytest.mark.parametrize("ms", [-1, 2**62])
def test_a_time_that_no_calendar_has(ms: int) -> None:
    """A producer may claim any time; one that is none is shown as none."""
    assert read("somebodys", None, b"x", ms=ms).timestamp is None


def test_repeated_headers_are_all_there() -> None:
    """A header that is there twice is a list."""
    record = read("somebodys", None, b"x", ("ka-id", b"1"), ("ka-id", b"2"), ("ka-id", b"3"), ("ka-entry", b"4"))
    assert record.headers == {"ka-id": ["1", "2", "3"], "ka-entry": "4"}


def test_what_has_no_value_is_not_always_deleted() -> None:
    """A dead letter of a record without one says what was put away; a message without one is just that."""
    dead = [("ka-stage", b"alerting"), ("ka-topic", b"accountentry"), ("ka-partition", b"0"), ("ka-offset", b"5")]
    letter = read(names.DEADLETTER, None, None, *dead, ("ka-reason", b"no-value"))
    assert words(letter) == "alerting put away accountentry[0]@5: no-value"
    assert words(read(names.ACCOUNTENTRY, encode_key(CODEC, "AccountId", ACCOUNT), None)) == "No value"
    assert words(read(names.CUSTOMERALERTSETTINGS, encode_key(CODEC, "CustomerId", "c1"), None)) == "Deleted"


@pytest.mark.parametrize("topic", [names.CONTROL, names.STATUS])
def test_a_record_about_the_pipeline_is_whole_where_there_is_room(topic: str) -> None:
    """It was cut at 60 characters at any width."""
    value = json.dumps({"event": "COMMIT", "reason": "x" * 200})
    assert words(read(topic, b"k", value.encode()), room=1000) == value
    assert len(words(read(topic, b"k", value.encode()), room=100)) == 100
    assert len(words(read(topic, b"k", value.encode()))) == 60


@pytest.mark.parametrize(
    "text", ["[" * 101 + "]" * 101, '{"a":' * 500 + "1" + "}" * 500, "[" * 200_000, "NaN", '{"a":Infinity}']
)
def test_json_that_goes_too_deep_or_is_none_is_shown_as_text(text: str) -> None:
    """Python takes both, and comes to grief later."""
    assert _plain(text.encode(), 1000) == text
    assert _plain(b'{"a":[1,{"b":null}]}', 20) == {"a": [1, {"b": None}]}
    assert _plain(b'{"a":[1,{"b":null}]}', 19) == '{"a":[1,{"b":null}]}', "larger than what is decoded"
