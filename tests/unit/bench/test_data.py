"""The bench's bank is the same for everybody, and what it says it is."""

import itertools
from collections import Counter

import pytest

from bench.data import Bank, account_id
from kafkalert.sandbox.expected import expected
from kafkalert.serde.codec import Codec

CODEC = Codec()


def test_same_seed_same_bytes() -> None:
    """Two banks of one size and seed are equal record for record; another seed gives another bank."""
    one, same, other = Bank(100), Bank(100), Bank(100, seed=2)
    for part in ("authorisations", "settings"):
        assert list(getattr(one, part)()) == list(getattr(same, part)())
    assert list(one.settings()) != list(other.settings())
    assert list(one.entries(50)) == list(same.entries(50))


@pytest.mark.parametrize("n", [0, 7, 999_999])
def test_account_numbers_are_ibans(n: int) -> None:
    """The check digits are right: moved to the end and read as a number, an IBAN leaves 1 when divided by 97."""
    iban = account_id(n)
    assert int("".join(str(int(letter, 36)) for letter in iban[4:] + iban[:4])) % 97 == 1


def test_alerts_are_many_and_never_repeat() -> None:
    """An entry raises some 0.4 alerts, and no wish stands twice, so merging repeats changes no count."""
    bank = Bank(500)
    account = {key: CODEC.decode("AccountId", key)["id"] for key, _ in bank.authorisations()}
    authorised = {
        account[key]: [one["id"] for one in CODEC.decode("CustomerIds", value)["customerIds"]]
        for key, value in bank.authorisations()
    }
    rows = [CODEC.decode("CustomerAlertSettings", value) for _, value in bank.settings()]
    for row, part in itertools.chain.from_iterable(((row, one) for one in row["accountAlertSettings"]) for row in rows):
        wishes = Counter((wish["alertType"], wish["amount"]["value"]) for wish in part["settings"])
        assert set(wishes.values()) == {1}, row["customerId"]
    settings = {row["customerId"]["id"]: row for row in rows}
    entries = [CODEC.decode("AccountEntry", entry.value) for entry in bank.entries(5000)]
    alerts = sum(len(expected(entry, authorised, settings)) for entry in entries)
    assert 0.3 < alerts / len(entries) < 0.6


def test_an_odd_number_of_accounts_is_refused() -> None:
    """Partners come in pairs."""
    with pytest.raises(ValueError, match="even"):
        Bank(3)
