"""Alerts and bookings in words."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kafkalert.ops.wording import LONGEST, alert_words, counted, entry_words, harmless, money

PARAMS = {
    "alert_settings_account_number": "NL20KAFK0000004300",
    "alert_settings_account_account": "EUR",
    "alert_settings_amount": "40.00",
    "alert_settings_amount_currency": "EUR",
    "balance_amount": "1204.10",
    "balance_amount_currency": "EUR",
    "alert_amount_amount": "45.00",
    "alert_amount_amount_currency": "EUR",
}
ENTRY = {
    "accountId": "NL20KAFK0000004300",
    "accountCurrency": "JPY",
    "bookingAmountNumeric": 120000,
    "bookingCreditDebitIndicator": "CRDT",
    "BalanceAfterBookingNumeric": -5,
}


@pytest.mark.parametrize(
    ("message_type", "sentence"),
    [
        (
            "ALERT_DEBITED_ABOVE_THRESHOLD",
            "Debited 45.00 EUR from ***4300, over your 40.00 EUR; balance 1,204.10 EUR",
        ),
        (
            "ALERT_CREDITED_ABOVE_THRESHOLD",
            "Credited 45.00 EUR to ***4300, over your 40.00 EUR; balance 1,204.10 EUR",
        ),
        ("ALERT_BALANCE_BELOW_THRESHOLD", "Balance of ***4300 fell below your 40.00 EUR, to 1,204.10 EUR"),
        ("ALERT_BALANCE_ABOVE_THRESHOLD", "Balance of ***4300 rose above your 40.00 EUR, to 1,204.10 EUR"),
        (
            "ALERT_CARD_ABROAD",
            "ALERT_CARD_ABROAD for ***4300, booked 45.00 EUR, your limit 40.00 EUR, balance 1,204.10 EUR",
        ),
    ],
)
def test_each_rule_has_its_sentence(message_type: str, sentence: str) -> None:
    """An alert says what happened with its amounts, the account masked; a bank's own rule is named."""
    assert alert_words(message_type, PARAMS) == sentence
    assert alert_words(message_type, PARAMS, unmask=True) == sentence.replace("***4300", "NL20KAFK0000004300")


def test_an_entry_in_words() -> None:
    """A booking says its amount in the currency's own places, and whether its balance is known."""
    assert entry_words(ENTRY) == "Credited 120,000 JPY to ***4300; balance -5 JPY"
    assert entry_words(ENTRY, balance_known=False) == "Credited 120,000 JPY to ***4300; balance unknown"
    debit = ENTRY | {"bookingCreditDebitIndicator": "DBIT", "accountCurrency": "KWD"}
    assert entry_words(debit, unmask=True) == "Debited 120.000 KWD from NL20KAFK0000004300; balance -0.005 KWD"


@pytest.mark.parametrize(
    ("amount", "text"),
    [("1234567.80", "1,234,567.80 EUR"), ("-0.05", "-0.05 EUR"), ("12", "12 EUR"), ("much", "much EUR"), ("", "EUR")],
)
def test_money(amount: str, text: str) -> None:
    """Thousands are grouped, the sign and places stay, and what is no number is shown as it is."""
    assert money(amount, "EUR") == text


HOSTILE = st.text(alphabet=st.characters(categories=("Cc", "Cf", "Zl", "Zp", "Lu", "Nd", "Co")), max_size=200)


@given(HOSTILE, st.dictionaries(st.sampled_from(sorted(PARAMS)), HOSTILE))
def test_no_content_reaches_a_terminal_raw(message_type: str, params: dict[str, str]) -> None:
    """Whatever a message holds, or lacks, its sentence is one line of printable text of bounded length."""
    sentence = alert_words(message_type, params)
    assert sentence.isprintable()
    assert len(sentence) < 12 * 10 * LONGEST
    assert alert_words(message_type, params, unmask=True).isprintable()


@given(HOSTILE)
def test_harmless_is_stable(text: str) -> None:
    """What is harmless already stays as it is."""
    once = harmless(text)
    assert once.isprintable()
    if len(once) <= LONGEST:
        assert harmless(once) == once


@pytest.mark.parametrize(
    ("number", "noun", "said"),
    [
        (1, "row", "1 row"),
        (0, "row", "0 rows"),
        (12_000, "bad line", "12,000 bad lines"),
        (2, "entry", "2 entries"),
        (2, "key", "2 keys"),
        (3, "address", "3 addresses"),
        (1, "address", "1 address"),
    ],
)
def test_a_count_has_its_plural(number: int, noun: str, said: str) -> None:
    assert counted(number, noun) == said
