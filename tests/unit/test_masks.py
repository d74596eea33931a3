"""What is personal in a record, and that nothing of it is shown."""

import re
from collections.abc import Iterator
from typing import Any

import pytest

from kafkalert.model.personal import Personal
from kafkalert.ops.masks import FIELDS, Tree, guard, guard_header, reveal
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
    """A mask keeps what an operator needs to recognise: country and end, domain, prefix, end of a token."""
    addresses = guard("CustomerAlertSettings", DATUMS["CustomerAlertSettings"])["addresses"]
    assert [str(next(iter(one["address"].values()))) for one in addresses] == ["j***@example.org", "+31***34", "c1"]
    assert str(guard("AccountId", DATUMS["AccountId"])["id"]) == "NL***4300"
    assert str(guard("PushId", DATUMS["PushId"])["pushId"]) == "***9f3c"


def test_what_is_not_known_is_masked() -> None:
    """A param of a bank's own rule, a field of another schema and a foreign header are masked entirely."""
    message: Tree = guard("OutboundMessage", {"params": {"shop": "secret"}, "customerId": None})
    assert str(message["params"]["shop"]) == "***"
    assert isinstance(guard("Nobody", {"name": "secret"})["name"], Personal)
    assert str(guard_header("who", b"secret")) == "***"
    assert guard_header("ka-id", b"0a1b") == "0a1b"
    assert guard_header("ka-balance", None) is None
