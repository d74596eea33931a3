"""Records of the tables by the quick way and by the common way."""

from collections import Counter
from collections.abc import Callable, Iterable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kafkalert.errors import DecodingError
from kafkalert.serde.codec import Codec
from kafkalert.serde.rows import RowReader
from tests.support.data.records import CONFLUENT, PLAIN, mutants

TEXTS = st.one_of(st.text(max_size=70), st.text(alphabet="0123456789.-", max_size=12), st.just("NL91KALE0417164300"))
CURRENCIES = st.one_of(st.sampled_from(["EUR", "JPY"]), TEXTS)
CHANNELS = st.lists(st.sampled_from(["EMAIL", "PUSH", "SMS"]), max_size=4)
ADDRESSES = st.one_of(
    *(st.fixed_dictionaries({"address": st.fixed_dictionaries({name: TEXTS})}) for name in ("emailAddress", "id")),
    st.fixed_dictionaries({"address": st.fixed_dictionaries({"phoneNumber": TEXTS})}),
)
ALERTS = st.fixed_dictionaries(
    {
        "alertType": TEXTS,
        "channels": CHANNELS,
        "amount": st.one_of(st.none(), st.fixed_dictionaries({"value": TEXTS})),
    }
)
ACCOUNTS = st.fixed_dictionaries(
    {
        "account": st.fixed_dictionaries({"id": TEXTS}),
        "currency": st.fixed_dictionaries({"symbol": CURRENCIES}),
        "settings": st.lists(ALERTS, max_size=8),
    }
)
SETTINGS = st.fixed_dictionaries(
    {
        "customerId": st.fixed_dictionaries({"id": TEXTS}),
        "addresses": st.lists(ADDRESSES, max_size=6),
        "accountAlertSettings": st.lists(ACCOUNTS, max_size=3),
    }
)
IDS = st.fixed_dictionaries({"customerIds": st.lists(st.fixed_dictionaries({"id": TEXTS}), max_size=10)})
CHANGES = st.lists(st.tuples(st.integers(0, 300), st.integers(0, 255)), max_size=3)
CODECS = st.sampled_from([PLAIN, CONFLUENT])


def outcome(read: Callable[[], object]) -> object:
    """What was read, or the code of the error."""
    try:
        return read()
    except DecodingError as error:
        return error.code


def compare(codec: Codec, name: str, value: bytes) -> object:
    """What both ways say of a record, which has to be the same."""
    reader = RowReader(codec)

    def slowly() -> object:
        datum = codec.decode(name, value)
        return datum["customerId"]["id"].encode() if name == "CustomerAlertSettings" else None

    quick = reader.settings_customer if name == "CustomerAlertSettings" else reader.check_authorisation
    found = outcome(lambda: quick(value))
    assert found == outcome(slowly)
    return found


def broken(value: bytes, changes: Iterable[tuple[int, int]], cut: int) -> bytes:
    """The record with some bytes changed, and some cut off."""
    raw = bytearray(value)
    for place, byte in changes:
        raw[place % len(raw)] = byte
    return bytes(raw[: len(raw) - cut])


@settings(max_examples=300)
@given(CODECS, SETTINGS, CHANGES, st.integers(0, 4))
def test_both_ways_say_the_same_of_settings(
    codec: Codec, datum: dict[str, Any], changes: list[tuple[int, int]], cut: int
) -> None:
    """Whole, both find the customer; changed or cut off, both find the same or refuse alike."""
    value = codec.encode("CustomerAlertSettings", datum)
    assert compare(codec, "CustomerAlertSettings", value) == datum["customerId"]["id"].encode()
    compare(codec, "CustomerAlertSettings", broken(value, changes, cut))


@settings(max_examples=300)
@given(CODECS, IDS, CHANGES, st.integers(0, 4))
def test_both_ways_say_the_same_of_authorisations(
    codec: Codec, datum: dict[str, Any], changes: list[tuple[int, int]], cut: int
) -> None:
    value = codec.encode("CustomerIds", datum)
    assert compare(codec, "CustomerIds", value) is None
    compare(codec, "CustomerIds", broken(value, changes, cut))


def test_both_ways_say_the_same_of_damaged_rows() -> None:
    """Many more of them, of both tables, in both framings."""
    seen = Counter[tuple[str, bool]]()
    for name, value in mutants(5, 60_000):
        if name in {"CustomerIds", "CustomerAlertSettings"}:
            codec = PLAIN if value[:1] == b"\xc3" else CONFLUENT
            seen[name, isinstance(compare(codec, name, value), str)] += 1
    assert len(seen) == 4
    assert min(seen.values()) > 200, seen


@pytest.mark.parametrize("codec", [PLAIN, CONFLUENT], ids=["single-object", "confluent"])
def test_usual_rows_take_the_quick_way(codec: Codec, monkeypatch: pytest.MonkeyPatch) -> None:
    """Rows as banks have them need no general decoder."""
    alerts = [
        {"alertType": "BalanceAboveThreshold", "channels": ["EMAIL", "SMS"], "amount": {"value": "-500000.00"}},
        {"alertType": "CreditAboveThreshold", "channels": ["PUSH"], "amount": None},
        {"alertType": "DebitAboveThreshold", "channels": [], "amount": {"value": "100"}},
    ]
    accounts = [
        {"account": {"id": f"NL{n}KALE0417164300"}, "currency": {"symbol": "EUR"}, "settings": alerts[n:]}
        for n in range(4)
    ]
    addresses = [{"emailAddress": "jo@example.com"}, {"phoneNumber": "+31612345678"}, {"id": "C1"}]
    whole = {
        "customerId": {"id": "C1"},
        "addresses": [{"address": one} for one in addresses],
        "accountAlertSettings": accounts,
    }
    rows = [codec.encode("CustomerAlertSettings", whole | {"accountAlertSettings": accounts[:n]}) for n in range(5)]
    ids = [codec.encode("CustomerIds", {"customerIds": [{"id": f"C{n}"} for n in range(m)]}) for m in range(5)]
    reader = RowReader(codec)
    monkeypatch.setattr(Codec, "decode", None)
    assert [reader.settings_customer(row) for row in rows] == [b"C1"] * 5
    for row in ids:
        reader.check_authorisation(row)
