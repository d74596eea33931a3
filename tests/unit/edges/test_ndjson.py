"""NDJSON in: what a line may say, what is said of one that may not, and that nothing else ever comes out."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kafkalert.edges.ndjson import Entry, SeedRow, read_authorisations, read_entries, read_settings
from kafkalert.edges.source import BadLine, Source
from kafkalert.ops.seed.kinds import AUTHORISATIONS
from kafkalert.serde.codec import Codec
from kafkalert.tables.store import MAX_ID

Reader = Callable[[Source], Iterator[Any]]
READERS: tuple[Reader, ...] = (read_entries, read_authorisations, read_settings)

ENTRY: dict[str, Any] = {
    "entryId": "e-1",
    "timestamp": 725846400000,
    "accountId": "NL91ABNA0417164300",
    "accountCurrency": "EUR",
    "bookingAmountNumeric": 12345,
    "bookingAmount": "123.45",
    "bookingCreditDebitIndicator": "DBIT",
    "BalanceAfterBookingNumeric": -500,
    "balanceAfterBooking": "5.00",
    "BalanceAfterBookingCreditDebitIndicator": "DBIT",
}
AUTHORISATION: dict[str, Any] = {"key": {"id": "NL91ABNA0417164300"}, "value": {"customerIds": [{"id": "C1"}]}}
SETTINGS: dict[str, Any] = {
    "key": {"id": "C1"},
    "value": {
        "customerId": {"id": "C1"},
        "addresses": [
            {"address": {"emailAddress": "jan@example.org"}},
            {"address": {"phoneNumber": "+31612345678"}},
            {"address": {"id": "C1"}},
        ],
        "accountAlertSettings": [
            {
                "account": {"id": "NL91ABNA0417164300"},
                "currency": {"symbol": "EUR"},
                "settings": [
                    {"alertType": "ALERT_DEBITED_ABOVE_THRESHOLD", "channels": ["EMAIL"], "amount": {"value": "100"}},
                    {"alertType": "ALERT_CREDITED_ABOVE_THRESHOLD", "channels": ["SMS", "PUSH"], "amount": None},
                ],
            }
        ],
    },
}
GOOD: tuple[tuple[Reader, dict[str, Any]], ...] = (
    (read_entries, ENTRY),
    (read_authorisations, AUTHORISATION),
    (read_settings, SETTINGS),
)


@pytest.fixture(scope="session")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One file, written anew by each example of a property."""
    return tmp_path_factory.mktemp("ndjson") / "lines.ndjson"


def read(reader: Reader, file: Path, *lines: object) -> list[Any]:
    """What `reader` makes of lines: bytes as they are, all else as JSON."""
    file.write_bytes(b"\n".join(one if isinstance(one, bytes) else json.dumps(one).encode() for one in lines))
    with Source(file) as source:
        return list(reader(source))


def one(reader: Reader, file: Path, line: object) -> Any:  # noqa: ANN401 - an Entry, a SeedRow or a BadLine
    """What `reader` makes of one line."""
    (found,) = read(reader, file, line)
    return found


def without(row: dict[str, Any], *names: str) -> dict[str, Any]:
    return {name: value for name, value in row.items() if name not in names}


def test_an_entry_is_its_fields_and_its_id(file: Path) -> None:
    """A line with all fields gives the datum of the schema, as the line says it."""
    assert one(read_entries, file, ENTRY) == Entry(1, "e-1", "NL91ABNA0417164300", without(ENTRY, "entryId"), True)


def test_an_entry_may_lack_its_id(file: Path) -> None:
    """Without entryId the entry has no id; the reader makes none up."""
    assert one(read_entries, file, without(ENTRY, "entryId")).entry_id is None


BALANCE = ("BalanceAfterBookingNumeric", "balanceAfterBooking", "BalanceAfterBookingCreditDebitIndicator")


@pytest.mark.parametrize("line", [without(ENTRY, *BALANCE), ENTRY | dict.fromkeys(BALANCE)])
def test_a_balance_that_is_absent_or_null_is_unknown(file: Path, line: dict[str, Any]) -> None:
    """All three balance fields away: the entry says so, and its record can still be written."""
    entry = one(read_entries, file, line)
    assert not entry.balance_known
    assert Codec().decode("AccountEntry", Codec().encode("AccountEntry", entry.datum)) == entry.datum


@pytest.mark.parametrize("name", BALANCE)
def test_half_a_balance_is_a_bad_line(file: Path, name: str) -> None:
    """One balance field away is a mistake, not an unknown balance."""
    reason = "the balance: give all its three fields, or none where it is not known"
    assert one(read_entries, file, without(ENTRY, name)) == BadLine(1, reason)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"timestamp": "1"}, "timestamp: expected a whole number, got a string"),
        ({"timestamp": 1.5}, "timestamp: expected a whole number, got a number with a fraction"),
        ({"timestamp": True}, "timestamp: expected a whole number, got true or false"),
        ({"timestamp": 2**63}, "timestamp: does not fit 64 bits"),
        ({"timestamp": -(2**63) - 1}, "timestamp: does not fit 64 bits"),
        ({"BalanceAfterBookingNumeric": 10**30}, "BalanceAfterBookingNumeric: does not fit 64 bits"),
        ({"bookingAmountNumeric": -1}, "bookingAmountNumeric: is negative"),
        ({"accountId": None}, "accountId: expected a string, got null"),
        ({"accountId": ""}, "accountId: is empty"),
        ({"entryId": ""}, "entryId: is empty"),
        ({"bookingCreditDebitIndicator": "CREDIT"}, "bookingCreditDebitIndicator: none of CRDT, DBIT"),
        (
            {"BalanceAfterBookingCreditDebitIndicator": "CRDT"},
            "BalanceAfterBookingCreditDebitIndicator: contradicts the balance's sign",
        ),
        ({"balanceAfterBookin": "1"}, "a field that does not belong there; did you mean balanceAfterBooking?"),
        ({"NL91ABNA0417164300": "1"}, "a field that does not belong there"),
    ],
)
def test_a_bad_entry_is_told_by_field_and_rule(file: Path, change: dict[str, Any], reason: str) -> None:
    """Types, ranges, indicators and unknown names are told with the field's path."""
    assert one(read_entries, file, ENTRY | change) == BadLine(1, reason)


def test_a_missing_field_is_named(file: Path) -> None:
    assert one(read_entries, file, without(ENTRY, "bookingAmount")) == BadLine(1, "bookingAmount is missing")


@pytest.mark.parametrize("value", [-(2**63), 2**63 - 1, 0])
def test_all_of_64_bits_is_accepted(file: Path, value: int) -> None:
    """The ends of a long's range are in it, and can be written."""
    change = {
        "timestamp": value,
        "BalanceAfterBookingNumeric": value,
        "BalanceAfterBookingCreditDebitIndicator": "DBIT" if value < 0 else "CRDT",
    }
    entry = one(read_entries, file, ENTRY | change)
    assert Codec().decode("AccountEntry", Codec().encode("AccountEntry", entry.datum))["timestamp"] == value


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b"{", "not JSON (it ends too early)"),
        (b'{"key": }', "not JSON (near byte 9)"),
        (b'{"key": {"id": "a"}, "value": null} {}', "not JSON (near byte 38)"),
        (b'{"key": {"id": "\xff"}, "value": null}', "not UTF-8"),
        (b'{"key": {"id": "\\ud800"}, "value": null}', "not JSON (near byte 23)"),
        (b"[" * 100_000, "expected an object, got an array"),
        (b"null", "expected an object, got null"),
        (b'{"key": {"id": "a"}}', "value is missing"),
        (b'{"key": {}, "value": null}', "key: id is missing"),
        (b'{"key": {"id": "a"}, "key": {"id": "b"}, "value": null}', "a field is there twice"),
        # As many quotes as the row's own JSON has, by escapes.
        (b'{"key": {"id": "a"}, "key": {"id": "' + b"\\u0022" * 6 + b'"}, "value": null}', "a field is there twice"),
        (b'{"key": {"id": "a"}, "value": {"customerIds": [{"id": 1}]}}', "value.customerIds[0].id: expected a string,"),
    ],
)
def test_a_bad_row_is_told(file: Path, line: bytes, reason: str) -> None:
    """What is no JSON, no UTF-8 or no row is told, with the place where there is one."""
    found = one(read_authorisations, file, line)
    assert isinstance(found, BadLine)
    assert found.reason.startswith(reason)


def test_escapes_and_line_ends_of_all_kinds_are_taken(file: Path) -> None:
    """A byte order mark, CRLF, blank lines and escaped characters change neither content nor numbers."""
    lines = b'\xef\xbb\xbf{"key": {"id": "a\\"\\u00e9"}, "value": null}\r\n\r\n \n{"key": {"id": "b"}, "value": null}'
    assert read(read_authorisations, file, lines) == [SeedRow(1, 'a"é', None), SeedRow(4, "b", None)]


def changed(**value: object) -> dict[str, Any]:
    return SETTINGS | {"value": SETTINGS["value"] | value}


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (changed(customerId={"id": "C2"}), "value.customerId.id: another customer than the key's"),
        (
            changed(addresses=[{"address": {"emailAddress": "a@b", "phoneNumber": "1"}}]),
            "value.addresses[0].address: give one of emailAddress, phoneNumber and id",
        ),
        (
            changed(addresses=[{"address": {}}]),
            "value.addresses[0].address: give one of emailAddress, phoneNumber and id",
        ),
        (
            changed(
                accountAlertSettings=[
                    {
                        "account": {"id": "A"},
                        "currency": {"symbol": "EUR"},
                        "settings": [{"alertType": "T", "channels": ["FAX"], "amount": None}],
                    }
                ]
            ),
            "value.accountAlertSettings[0].settings[0].channels[0]: none of EMAIL, PUSH, SMS",
        ),
    ],
)
def test_bad_settings_are_told(file: Path, line: dict[str, Any], reason: str) -> None:
    """Settings of another customer, addresses of no or two kinds, and unknown channels are bad lines."""
    assert one(read_settings, file, line) == BadLine(1, reason)


def test_settings_read_so_are_the_record_of_the_line(file: Path) -> None:
    """What is read can be written, and decodes to what the line said, unions included."""
    row = one(read_settings, file, SETTINGS)
    encoded = Codec().encode("CustomerAlertSettings", row.value)
    assert row.key == "C1"
    assert Codec().decode("CustomerAlertSettings", encoded) == SETTINGS["value"]


def test_a_bad_line_leaves_the_others(file: Path) -> None:
    """The rest of a file is read, with its own line numbers."""
    found = read(read_authorisations, file, AUTHORISATION, b"{", AUTHORISATION)
    assert [row.number for row in found] == [1, 2, 3]
    assert [type(row) for row in found] == [SeedRow, BadLine, SeedRow]


@given(st.binary(max_size=300))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=300)
def test_any_bytes_give_rows_or_bad_lines(file: Path, data: bytes) -> None:
    """Whatever a file holds, reading it raises nothing."""
    for reader in READERS:
        for row in read(reader, file, data):
            assert isinstance(row, Entry | SeedRow | BadLine)


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.sampled_from(["DBIT", "EMAIL"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text() | st.sampled_from(["id", "key"]), inner),
    max_leaves=5,
)


def places(value: object, path: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    """The paths of all values in a JSON value."""
    yield path
    for key, inner in value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ():
        yield from places(inner, (*path, key))


def put(value: object, path: tuple[str | int, ...], new: object) -> object:
    """`value` with `new` at `path`."""
    if not path:
        return new
    copy: Any = dict(value) if isinstance(value, dict) else list(value)  # type: ignore[call-overload]
    copy[path[0]] = put(copy[path[0]], path[1:], new)
    return copy


@given(st.sampled_from(GOOD), st.data())
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=500)
def test_whatever_is_accepted_can_be_written(
    file: Path, good: tuple[Reader, dict[str, Any]], data: st.DataObject
) -> None:
    """A good line with anything anywhere is either bad or a row that Avro takes and gives back."""
    reader, line = good
    path = data.draw(st.sampled_from(list(places(line))))
    row = one(reader, file, put(line, path, data.draw(JSON_VALUES)))
    if isinstance(row, Entry):
        Codec().decode("AccountEntry", Codec().encode("AccountEntry", row.datum))
    elif isinstance(row, SeedRow) and row.value is not None:
        name = "CustomerIds" if reader is read_authorisations else "CustomerAlertSettings"
        Codec().decode(name, Codec().encode(name, row.value))


SECRET = "NL02SECRET0123456789"  # noqa: S105 - stands for personal data


@given(st.sampled_from(GOOD), st.data())
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=300)
def test_a_reason_says_nothing_of_the_line(
    file: Path, good: tuple[Reader, dict[str, Any]], data: st.DataObject
) -> None:
    """No value and no unknown name of the line comes up in the reason."""
    reader, line = good
    path = data.draw(st.sampled_from(list(places(line))))
    secrets = [SECRET, [SECRET], {SECRET: SECRET}, {f"a` - at `$.{SECRET}": 1}, {f"{SECRET}` - at `$.key": SECRET}]
    row = one(reader, file, put(line, path, data.draw(st.sampled_from(secrets))))
    if isinstance(row, BadLine):
        assert "SECRET" not in row.reason
        assert "\n" not in row.reason
        for value in ("NL91", "jan@", "+316", "12345"):
            assert value not in row.reason


BERKA = Path(__file__).parents[4] / "shared" / "data" / "berka"


@pytest.mark.skipif(not BERKA.is_dir(), reason="the folder of real bookings, ../shared/data/berka, is not here")
@pytest.mark.parametrize(
    ("name", "reader", "rows"),
    [
        ("entries.ndjson.gz", read_entries, 23_932),
        ("authorisations.ndjson", read_authorisations, 591),
        ("settings.ndjson", read_settings, 607),
    ],
)
def test_real_files_have_no_bad_line(name: str, reader: Reader, rows: int) -> None:
    """Every line of the real bookings and of what goes with them is a row."""
    with Source(BERKA / name) as source:
        found = list(reader(source))
    assert len(found) == rows
    assert [row for row in found if isinstance(row, BadLine)] == []


@pytest.mark.parametrize(("size", "bad"), [(MAX_ID, False), (MAX_ID + 1, True)])
def test_a_row_that_the_tables_cannot_hold_is_bad(file: Path, size: int, bad: bool) -> None:
    """An id longer than a table's key is told before it is written, and not by a stage later."""
    (row,) = read(AUTHORISATIONS.read, file, {"key": {"id": "é" * (size // 2) + "x" * (size % 2)}, "value": None})
    assert isinstance(row, BadLine) is bad


KINDS: dict[Reader, str] = {
    read_entries: "run bridge",
    read_authorisations: "seed authorisations",
    read_settings: "seed settings",
}


@pytest.mark.parametrize("reader", READERS)
@pytest.mark.parametrize(("other", "line"), GOOD)
def test_a_line_of_another_kind_is_told_who_takes_it(
    file: Path, reader: Reader, other: Reader, line: dict[str, Any]
) -> None:
    """A settings file for authorisations, say; "did you mean customerIds?" helped nobody."""
    (row,) = read(reader, file, line)
    if reader is other:
        assert not isinstance(row, BadLine)
    else:
        assert isinstance(row, BadLine)
        assert f"`kafkalert {KINDS[other]}" in row.reason
