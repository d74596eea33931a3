"""What is personal in a record, and that nothing of it is shown."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kafkalert.model.personal import AccountId, EmailAddress, Personal, PhoneNumber
from kafkalert.ops.masks import FIELDS, PushToken, Tree, guard, guard_header, reveal
from kafkalert.serde.schemas import source

SECRETS = {
    "account": "NL20KAFK0000004300",
    "email": "jan.jansen@example.org",
    "phone": "+31600001234",
    "token": "fcm-token-9f3c",
}
DATUMS: dict[str, Any] = {
    "AccountId": {"id": SECRETS["account"]},
    "CustomerId": {"id": "c1"},
    "CustomerIds": {"customerIds": [{"id": "c1"}, {"id": "c2"}]},
    "EmailAddress": {"emailAddress": SECRETS["email"]},
    "PhoneNumber": {"phoneNumber": SECRETS["phone"]},
    "PushId": {"pushId": SECRETS["token"], "deviceType": "ios", "pushProvider": "APNS", "sdkVersion": "1"},
    "AccountEntry": {
        "timestamp": 1,
        "accountId": SECRETS["account"],
        "accountCurrency": "EUR",
        "bookingAmountNumeric": 100,
        "bookingAmount": "1.00",
        "bookingCreditDebitIndicator": "DBIT",
        "BalanceAfterBookingNumeric": 1,
        "balanceAfterBooking": "0.01",
        "BalanceAfterBookingCreditDebitIndicator": "CRDT",
    },
    "CustomerAlertSettings": {
        "customerId": {"id": "c1"},
        "addresses": [
            {"address": {"emailAddress": SECRETS["email"]}},
            {"address": {"phoneNumber": SECRETS["phone"]}},
            {"address": {"id": "c1"}},
        ],
        "accountAlertSettings": [
            {
                "account": {"id": SECRETS["account"]},
                "currency": {"symbol": "EUR"},
                "settings": [{"alertType": "A", "channels": ["SMS"], "amount": {"value": "1"}}],
            }
        ],
    },
    "OutboundMessage": {
        "timestamp": 1,
        "customerId": {"id": "c1"},
        "messageType": "A",
        "params": {"alert_settings_account_number": SECRETS["account"], "balance_amount": "1.00"},
    },
}


def text_fields(schema: Any, path: str, named: dict[str, Any]) -> Iterator[str]:  # noqa: ANN401 - Avro's JSON
    """The paths of all texts in a schema, as `FIELDS` writes them; a map's as its own path."""
    if isinstance(schema, list):
        for branch in schema:
            yield from text_fields(branch, path, named)
    elif isinstance(schema, str):
        if schema == "string":
            yield path
        elif "." in schema:
            yield from text_fields(source(schema.rpartition(".")[2]), path, named)
    elif schema["type"] == "record":
        for field in schema["fields"]:
            yield from text_fields(field["type"], f"{path}.{field['name']}".lstrip("."), named)
    elif schema["type"] == "array":
        yield from text_fields(schema["items"], path, named)
    elif schema["type"] in {"enum", "map"}:
        yield path
    else:
        yield from text_fields(schema["type"], path, named)


@pytest.mark.parametrize("name", sorted(FIELDS))
def test_every_text_of_every_schema_is_classified(name: str) -> None:
    """No text field of a record is left to chance: each is known to be harmless or a kind of personal data."""
    known = {re.sub(r"^params\..*", "params", path) for path in FIELDS[name]}
    assert set(text_fields(source(name), "", {})) == known


@pytest.mark.parametrize("name", sorted(DATUMS))
def test_a_printed_record_shows_nothing_personal(name: str) -> None:
    """Printing a guarded record shows masks instead of what is personal; revealing it gives the record back."""
    tree = guard(name, DATUMS[name])
    shown = str(tree)
    assert not [secret for secret in SECRETS.values() if secret in shown]
    assert reveal(tree) == DATUMS[name]


def test_masks_can_be_told_apart() -> None:
    """A mask keeps what an operator needs to recognise: the end of an account, a number or a token, a domain."""
    addresses = guard("CustomerAlertSettings", DATUMS["CustomerAlertSettings"])["addresses"]
    assert [str(next(iter(one["address"].values()))) for one in addresses] == ["j***@example.org", "***34", "c1"]
    assert str(guard("AccountId", DATUMS["AccountId"])["id"]) == "***4300"
    assert str(guard("PushId", DATUMS["PushId"])["pushId"]) == "***9f3c"


@pytest.mark.parametrize("kind", [AccountId, PhoneNumber, PushToken])
@given(value=st.text(alphabet="0123456789 NL+-é", max_size=24) | st.text(max_size=24))
def test_a_mask_opens_a_third_and_never_more_than_four(kind: type[Personal], value: str) -> None:
    """Stars and the value's end: at most a third of its characters and four of them, of fewer than six none."""
    shown = str(kind(value))
    assert shown.startswith("***")
    opened = shown.removeprefix("***")
    assert value.endswith(opened)
    assert len(opened) <= min(4, len(value) // 3)
    assert not (opened and len(value) < 6)
    assert repr(kind(value)) == f"{kind.__name__}({shown})"
    assert f"{kind(value):>30}" == shown.rjust(30)


@given(
    local=st.text(alphabet=st.characters(codec="utf-8", exclude_characters="*"), max_size=8),
    domain=st.sampled_from(["example.org", "a.nl", "bücher.example", "x", "", "a..b", "NL20KAFK0000004300", "b.c1"]),
)
def test_a_masked_address_opens_one_letter_of_three(local: str, domain: str) -> None:
    """Of the local part one letter, where it has three or more; the domain where it is one."""
    shown = str(EmailAddress(f"{local}@{domain}"))
    mask, at, rest = shown.partition("***")
    assert at
    assert mask in ("", local[:1])
    assert len(mask) * 3 <= len(local)
    assert rest in ("", f"@{domain}")
    assert bool(rest) == (
        domain in {"example.org", "a.nl", "bücher.example"} and local != "" and len(local + domain) > 4
    )


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (AccountId("NL20KAFK0000004300"), "***4300"),
        (AccountId("123456789"), "***789"),
        (AccountId("0000001234"), "***"),
        (AccountId("12 34 5"), "***"),
        (PhoneNumber("+31612345678"), "***78"),
        (PhoneNumber("112"), "***"),
        (EmailAddress("jan@example.org"), "j***@example.org"),
        (EmailAddress("ab@example.org"), "***@example.org"),
        (EmailAddress("a@b.c"), "***"),
        (EmailAddress("jan@example.org, NL20KAFK0000004300"), "***"),
        (PushToken("fcm-token-9f3c"), "***9f3c"),
    ],
)
def test_masks(value: Personal, shown: str) -> None:
    """Short values, padded values and what is no address stay closed."""
    assert str(value) == shown


def test_what_is_not_known_is_masked() -> None:
    """A param of a bank's own rule, a field of another schema and a foreign header are masked entirely."""
    message: Tree = guard("OutboundMessage", {"params": {"shop": "secret"}, "customerId": None})
    assert str(message["params"]["shop"]) == "***"
    assert isinstance(guard("Nobody", {"name": "secret"})["name"], Personal)
    assert str(guard_header("who", b"secret")) == "***"
    assert guard_header("ka-balance", None) is None


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("ka-id", "0a1b2c3d4e5f60718293a4b5c6d7e8f9"),
        ("ka-id", "ab12" * 8),  # not an account, though it begins like one
        ("ka-id", "berka-695247"),
        ("ka-id", "0a1b"),
        ("ka-id", "7"),
        ("ka-id", "kafkalert-canary/0a1b2c3d/17"),
        ("ka-entry", "AB12CDEF-1234-5678-9abc-def012345678"),
        ("ka-balance", "unknown"),
        ("ka-stage", "alerting"),
        ("ka-topic", "test.accountentry"),
        ("ka-partition", "3"),
        ("ka-offset", "12345678901"),
        ("ka-reason", "unknown-fingerprint"),
        ("ka-detail", "No schema here has the fingerprint 0123456789abcdef."),
        ("ka-detail", "The bytes are no AccountEntry (IndexError)."),
        ("ka-detail", "Key: an id has 1 to 480 bytes; this one has 0."),
        ("ka-detail", "What would go to test.outboundemailmessage is larger than a record may be."),
        ("ka-time", "1750000000000"),
        ("ka-left-out", "key, value"),
        ("traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"),
    ],
)
def test_kafkalerts_own_headers_are_open(name: str, value: str) -> None:
    """What kafkalert writes is what an operator looks for."""
    assert guard_header(name, value.encode()) == value
    assert guard_header(name, value) == value


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("ka-customer", "jan"),
        ("ka-origin.dc1", "jan"),
        ("tracestate", "user=jan"),
        ("KA-ID", "0a1b"),
        ("ka-id", "jan@example.org"),
        ("ka-id", "NL20KAFK0000004300"),
        ("ka-id", "20260131/nl20kafk0000004300/7"),
        ("ka-id", "+31612345678"),
        ("ka-id", "NL20-KAFK-0000-0043-00"),
        ("ka-id", "NL20 KAFK 0000 0043 00"),
        ("ka-id", "0612345678"),
        ("ka-id", "06-12.34/56:78"),
        ("ka-id", "31612345678"),
        ("ka-id", "4300123456"),
        ("ka-id", "entry-1234567-8"),
        ("ka-id", "jan.de.vries"),
        ("ka-id", "jan-jansen-1"),
        ("ka-id", "Jansen"),
        ("ka-id", ""),
        ("ka-entry", "Jan Jansen"),
        ("ka-balance", "1204.10"),
        ("ka-reason", "jan@example.org"),
        ("ka-detail", "of jan@example.org"),
        ("ka-detail", "call 0612345678"),
        ("ka-detail", "aaaaaaaaaaaaaaaa " * 200 + "@"),  # and that is seen at once
        ("ka-partition", "three"),
        ("ka-offset", "-1\n"),
        ("ka-left-out", "NL20KAFK0000004300"),
        ("traceparent", "00-jan"),
    ],
)
def test_what_is_none_of_them_or_does_not_look_like_one_is_masked(name: str, value: str) -> None:
    """Anybody may write any header; a name that begins like ours opens nothing. An exact value is still matched."""
    found = guard_header(name, value.encode())
    assert isinstance(found, Personal)
    assert (str(found), found.reveal()) == ("***", value)
