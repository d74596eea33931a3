"""The made ids, pinned: another value would send every alert once more after an upgrade.

The literals are keyed BLAKE2b (RFC 7693) as OpenSSL computes it over the parts, each after its length in four bytes:
`openssl mac -macopt hexkey:6b61666b616c6572742d646576656c6f706d656e742d6b6579 -macopt size:16 -in FILE BLAKE2BMAC`.
"""

import pytest

from kafkalert.config.sections import DEVELOPMENT_KEY
from kafkalert.model.ids import CustomerId, EntryId, alert_id, alert_suffix, customer_entry_id, entry_id


@pytest.mark.parametrize(
    ("entry", "parts", "pinned"),
    [
        (
            "e-1",
            ("anna", "ALERT_DEBITED_ABOVE_THRESHOLD", "50000", "SMS", "+31612345678"),
            "b1f4b0878170a7dd7d2a9b988ac9db43",
        ),
        (
            "boeking-é",
            ("zoë", "ALERT_BALANCE_BELOW_THRESHOLD", "-0.5", "EMAIL", "zoë@example.org"),
            "716dc260794cf046758ff6bc818aac8b",
        ),
    ],
)
def test_an_alerts_id_is_pinned(entry: str, parts: tuple[str, str, str, str, str], pinned: str) -> None:
    """Entry, customer, type, threshold, channel, address."""
    customer, *rest = parts
    assert alert_id(DEVELOPMENT_KEY, EntryId(entry), alert_suffix(CustomerId(customer), *rest)) == pinned


def test_a_customers_entry_id_is_pinned() -> None:
    """The id of a record of customeraccountentry."""
    assert customer_entry_id(DEVELOPMENT_KEY, EntryId("e-1"), CustomerId("anna")) == "dbed5de51591aa7181df393ccb768e79"


def test_an_id_depends_on_every_part_and_on_where_one_part_ends() -> None:
    """And on the key, without which it tells nothing."""
    whole = ("anna", "T", "5", "SMS", "+316")
    ids = {alert_id(DEVELOPMENT_KEY, EntryId("e"), alert_suffix(CustomerId(whole[0]), *whole[1:]))}
    for place in range(5):
        other = [*whole]
        other[place] += "x"
        ids.add(alert_id(DEVELOPMENT_KEY, EntryId("e"), alert_suffix(CustomerId(other[0]), *other[1:])))
    ids.add(alert_id(DEVELOPMENT_KEY, EntryId("e"), alert_suffix(CustomerId("ann"), "aT", *whole[2:])))
    ids.add(alert_id(DEVELOPMENT_KEY, EntryId("ex"), alert_suffix(CustomerId(whole[0]), *whole[1:])))
    ids.add(alert_id(b"another key of a bank", EntryId("e"), alert_suffix(CustomerId(whole[0]), *whole[1:])))
    assert len(ids) == 9


def test_an_entry_without_id_gets_one_from_key_value_and_time() -> None:
    """Equal for equal records; null and empty are the same there, as a mirror may not tell them apart."""
    ids = {
        entry_id(DEVELOPMENT_KEY, key, value, time) for key in (b"k", b"") for value in (b"v", b"") for time in (0, 1)
    }
    assert len(ids) == 8
    made = entry_id(DEVELOPMENT_KEY, None, b"v", 1)
    assert made == entry_id(DEVELOPMENT_KEY, b"", b"v", 1)
    assert made == "aa331f20df118f63a2d0776932a8fe4f"


def test_the_id_of_an_entry_tells_nothing_without_the_key() -> None:
    """It is shown; who knows the amount and the time could try out all accounts of a bank in a moment."""
    assert entry_id(b"another key of a bank", b"k", b"v", 1) != entry_id(DEVELOPMENT_KEY, b"k", b"v", 1)
