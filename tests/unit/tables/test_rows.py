"""What a record of a table's topic does to the rows: one that cannot be read takes the row before it out of force."""

from collections.abc import Iterator
from pathlib import Path
from unittest.mock import Mock

import pytest

from kafkalert.serde.codec import Codec
from kafkalert.serde.keys import encode_key
from kafkalert.tables.kinds import Table, change, tables
from kafkalert.tables.store import Store

CODEC = Codec()
KEYS = {"AccountId": "accounts", "CustomerId": "settings"}
ANNA = CODEC.encode(
    "CustomerAlertSettings", {"customerId": {"id": "anna"}, "addresses": [], "accountAlertSettings": []}
)
ORIGIN = b"\0\0\0\0\0\0\0\x07\0\0\0\x03"
IDS = CODEC.encode("CustomerIds", {"customerIds": [{"id": "anna"}]})


@pytest.fixture
def both(tmp_path: Path) -> Iterator[dict[str, Table]]:
    """Both tables, by the schema of their keys."""
    store = Store(tmp_path, size=1 << 24, flavour=b"test")
    yield dict(zip(KEYS, tables(store, CODEC, authorisations="accounts", settings="settings"), strict=True))
    store.close()


def record(key: bytes, value: bytes | None) -> Mock:
    """A record of these bytes."""
    return Mock(
        **{
            "key.return_value": key,
            "value.return_value": value,
            "timestamp.return_value": (1, 7),
            "partition.return_value": 3,
        }
    )


def test_a_row_larger_than_the_configuration_allows_is_not_decoded_and_out_of_force(tmp_path: Path) -> None:
    """A few megabytes of a row would be a gigabyte of objects."""
    accounts = [{"account": {"id": ""}, "currency": {"symbol": "EUR"}, "settings": []}] * 15_000
    datum = {"customerId": {"id": "anna"}, "addresses": [], "accountAlertSettings": accounts}
    value = CODEC.encode("CustomerAlertSettings", datum)
    store = Store(tmp_path, size=1 << 24, flavour=b"test")
    for largest, bad in ((len(value), None), (len(value) - 1, "record-too-large")):
        codec = Codec(largest=largest)
        (_, settings) = tables(store, codec, authorisations="accounts", settings="settings")
        rows: dict[bytes, bytes] = {}
        error = change(settings, record(encode_key(codec, "CustomerId", "anna"), value), rows)
        assert (error and error.code) == bad
        assert rows == {b"anna": ORIGIN if bad else ORIGIN + value}
        assert "out of force" in str(error) or not bad
    store.close()


@pytest.mark.parametrize(("name", "good"), [("AccountId", IDS), ("CustomerId", ANNA)])
@pytest.mark.parametrize(
    ("damage", "code"),
    [
        (lambda good: good[:-1], "bad-bytes"),
        (lambda good: good + b"x", "trailing-bytes"),
        (lambda _: b"", "empty"),
        (lambda _: b"{}", "not-framed"),
        (lambda good: b"\xc3\x01" + bytes(8) + good, "unknown-fingerprint"),
        (lambda _: b"\x00\x00\x00\x00\x07", "no-registry"),
    ],
)
def test_a_value_that_cannot_be_read_takes_its_row_out_of_force(
    both: dict[str, Table], name: str, good: bytes, damage: Mock, code: str
) -> None:
    """As a tombstone would; a row that follows it is in force again."""
    key, rows = encode_key(CODEC, name, "anna"), dict[bytes, bytes]()
    assert change(both[name], record(key, good), rows) is None
    assert rows == {b"anna": ORIGIN + good}
    bad = change(both[name], record(key, damage(good)), rows)
    assert bad is not None
    assert bad.code == code
    assert "out of force until it is written again" in str(bad)
    assert rows == {b"anna": ORIGIN}
    assert change(both[name], record(key, good), rows) is None
    assert rows == {b"anna": ORIGIN + good}


def test_a_value_about_another_customer_takes_the_row_of_its_key_out_of_force(both: dict[str, Table]) -> None:
    """Not that of the customer whom the value names."""
    rows: dict[bytes, bytes] = {b"anna": ANNA, b"bram": ANNA}
    bad = change(both["CustomerId"], record(encode_key(CODEC, "CustomerId", "bram"), ANNA), rows)
    assert bad is not None
    assert bad.code == "wrong-key"
    assert rows == {b"anna": ANNA, b"bram": ORIGIN}


@pytest.mark.parametrize("value", [None, ANNA, b"junk"])
def test_a_key_that_cannot_be_read_changes_no_row(both: dict[str, Table], value: bytes | None) -> None:
    """Nobody knows which row it is about, and the dead letter says so."""
    rows: dict[bytes, bytes] = {}
    bad = change(both["CustomerId"], record(b"junk", value), rows)
    assert bad is not None
    assert bad.code == "key-not-framed"
    assert "no row is changed" in str(bad)
    assert not rows
