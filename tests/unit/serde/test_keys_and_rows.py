"""Avro bytes: what is written comes back, and whatever else comes is a DecodingError."""

from struct import pack
from typing import Any

import pytest
from fastavro import parse_schema
from fastavro.schema import to_parsing_canonical_form
from hypothesis import given, settings
from hypothesis import strategies as st

from kafkalert.config.sections import Serde
from kafkalert.errors import ConfigError, DecodingError
from kafkalert.serde.build import codec
from kafkalert.serde.keys import FIELD, KeyReader, encode_key
from kafkalert.serde.schemas import names, schema, whole
from kafkalert.serde.wire import long_bytes, text_bytes
from tests.support.data.records import BOTH, CONFLUENT, DATUMS, PLAIN, Shelf, is_record

# As Avro's Java library computes them: it reads and writes these very bytes (tests/contract/test_java_avro.py).
FINGERPRINTS = {
    "AccountId": "eba374e009d231b6",
    "AccountEntry": "80fc9d770944d1cc",
    "Decimal": "569543176c4a7636",
    "Currency": "807798692c554e85",
    "CustomerId": "c16c60cc64adf303",
    "CustomerIds": "44407a74677813ec",
    "EmailAddress": "e6829d90b19a65bb",
    "PhoneNumber": "90329c25244eebb2",
    "PushId": "ae5c55b9bc5ad797",
    "ChannelType": "0169b608c5a08a5b",
    "CustomerAlertAddress": "2cec472e41683bff",
    "CustomerAccountAlertSetting": "cc809fcb8f6f8fbb",
    "CustomerAccountAlertSettings": "b7fce5655d57bbec",
    "CustomerAlertSettings": "a3b98536e8096bf5",
    "OutboundMessage": "b676aa4246367ab4",
}


def test_fingerprints_stay_as_they_are() -> None:
    """A change of a schema file that makes old records unreadable does not go unnoticed."""
    assert {name: schema(name).fingerprint.hex() for name in names()} == FINGERPRINTS


@pytest.mark.parametrize("name", names())
def test_the_whole_schema_is_the_same_schema(name: str) -> None:
    """What a registry is given has the same canonical form, and the documentation besides."""
    assert to_parsing_canonical_form(parse_schema(whole(name))) == schema(name).canonical
    assert "doc" in whole(name)


@given(st.data())
@settings(max_examples=500, deadline=None)
def test_every_datum_comes_back(data: st.DataObject) -> None:
    """Any datum of any schema survives both framings; one reader takes both."""
    name = data.draw(st.sampled_from(names()))
    datum = data.draw(DATUMS[name])
    single, confluent = PLAIN.encode(name, datum), CONFLUENT.encode(name, datum)
    assert PLAIN.decode(name, single) == BOTH.decode(name, single) == BOTH.decode(name, confluent) == datum
    assert single[:2] == b"\xc3\x01"
    assert confluent[:5] == pack(">BI", 0, Shelf().schema_id(name))


@given(st.data())
@settings(max_examples=500, deadline=None)
def test_a_cut_or_longer_record_is_an_error(data: st.DataObject) -> None:
    """No record is the beginning of another: a byte less or more never passes."""
    name = data.draw(st.sampled_from(names()))
    encoded = PLAIN.encode(name, data.draw(DATUMS[name]))
    cut = data.draw(st.integers(0, len(encoded) - 1))
    assert not is_record(lambda: PLAIN.decode(name, encoded[:cut]))
    with pytest.raises(DecodingError, match="1 bytes follow"):
        PLAIN.decode(name, encoded + b"\0")


@given(st.sampled_from(sorted(FIELD)), st.text(max_size=140))
@settings(max_examples=1000, deadline=None)
def test_the_quick_key_reader_reads_what_the_slow_one_reads(name: str, text: str) -> None:
    """Any string as a key gives the same id by both ways, in both framings."""
    for writer in (PLAIN, CONFLUENT):
        assert KeyReader(BOTH, name).logical(encode_key(writer, name, text)) == text.encode()


@given(st.sampled_from(sorted(FIELD)), st.binary(max_size=80))
@settings(max_examples=1000, deadline=None)
def test_the_quick_key_reader_takes_no_bytes_that_the_slow_one_refuses(name: str, body: bytes) -> None:
    """Any bytes behind a key's prefix are the same id by both ways, or an error by both."""
    key = PLAIN.framing.prefix(name) + body
    if is_record(lambda: PLAIN.decode(name, key)):
        assert KeyReader(PLAIN, name).logical(key) == PLAIN.decode(name, key)[FIELD[name]].encode()
    else:
        with pytest.raises(DecodingError):
            KeyReader(PLAIN, name).logical(key)


@given(st.integers(-(2**63), 2**63 - 1), st.text(max_size=200))
@settings(max_examples=500, deadline=None)
def test_hand_made_bytes_are_avros(number: int, text: str) -> None:
    """The bytes that the hot path puts together are what the library writes."""
    datum: dict[str, Any] = {"timestamp": number, "customerId": None, "messageType": text, "params": {}}
    body = long_bytes(number) + b"\x00" + text_bytes(text) + b"\x00"
    assert PLAIN.encode("OutboundMessage", datum) == PLAIN.framing.prefix("OutboundMessage") + body


@pytest.mark.parametrize(
    ("name", "datum"),
    [
        ("AccountId", None),
        ("AccountId", {}),
        ("AccountId", {"id": None}),
        ("AccountId", {"id": "NL91\ud800"}),
        ("OutboundMessage", {"timestamp": 2**63, "customerId": None, "messageType": "", "params": {}}),
        ("ChannelType", "NL91"),
        ("CustomerAlertAddress", {"address": {"phone": "NL91"}}),
    ],
)
def test_what_does_not_fit_is_a_value_error_that_tells_no_value(name: str, datum: object) -> None:
    """A datum that is none is one kind of error, whose text holds nothing of it."""
    with pytest.raises(ValueError, match=f"The datum is no {name}") as error:
        PLAIN.encode(name, datum)
    assert "NL91" not in str(error.value)
    with pytest.raises(ValueError, match="The text of the AccountId is no Unicode") as error:
        encode_key(PLAIN, "AccountId", "NL91\ud800")
    assert "NL91" not in str(error.value)


def test_the_configuration_chooses_the_framing() -> None:
    """Single-object needs no registry; Confluent without one is refused before any record."""
    assert codec(Serde()).encode("AccountId", {"id": "a"}) == PLAIN.encode("AccountId", {"id": "a"})
    with pytest.raises(ConfigError, match="no registry"):
        codec(Serde(framing="confluent"))
