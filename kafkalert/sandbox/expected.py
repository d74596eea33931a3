"""The alerts that a booking must raise, said once more: docs/rules.md over plain dicts, nothing shared.

The demo and the tests compare the pipeline with this, so it calls nothing of `kafkalert.rules` and is written to be
read, not to be quick. It leaves out the bound on what one customer may have: nothing that is compared comes near.
"""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any, NamedTuple

from kafkalert.model.money import places

MOST_DIGITS = 40
"""A threshold with more digits than this before or after its point is no money, so no number."""

Row = Mapping[str, Any]


class Expected(NamedTuple):
    """One alert that has to come, for one address. In clear: it is compared, not shown."""

    customer: str
    channel: str
    address: str
    alert_type: str
    threshold: str
    params: frozenset[tuple[str, str]]


def expected(
    entry: Row, authorisations: Mapping[str, Sequence[str]], settings: Mapping[str, Row | None]
) -> set[Expected]:
    """Return the alerts of one entry.

    Args:
        entry: AccountEntry's fields. The balance is unknown where `BalanceAfterBookingNumeric` is None or missing.
        authorisations: the customers who may see an account, by account.
        settings: CustomerAlertSettings' fields by customer.
    """
    alerts = set()
    for customer in authorisations.get(entry["accountId"], ()):
        row = settings.get(customer)
        for setting in _settings(entry, row) if row else ():
            number = _number(setting["amount"]["value"]) if setting["amount"] else None
            if number is None or not _raised(setting["alertType"], entry, number):
                continue
            for holder in row["addresses"] if row else ():
                channel, address = _destination(holder["address"])
                if channel in setting["channels"]:
                    params = frozenset(_params(setting["alertType"], entry, number).items())
                    alerts.add(Expected(customer, channel, address, setting["alertType"], _plain(number), params))
    return alerts


def _settings(entry: Row, row: Row) -> list[Row]:
    """Return what the customer asked for on the entry's account in the entry's currency."""
    return [
        setting
        for account in row["accountAlertSettings"]
        if account["account"]["id"] == entry["accountId"] and account["currency"]["symbol"] == entry["accountCurrency"]
        for setting in account["settings"]
    ]


def _number(text: str) -> Decimal | None:
    """Return a threshold: an optional sign, ASCII digits with an optional point, no exponent. None if it is none."""
    digits = text[1:] if text[:1] in {"+", "-"} else text
    whole, _, fraction = digits.partition(".")
    if not whole + fraction or set(whole + fraction) - set("0123456789"):
        return None
    return Decimal(text) if max(len(whole), len(fraction)) <= MOST_DIGITS else None


def _raised(alert_type: str, entry: Row, threshold: Decimal) -> bool:
    credit = entry["bookingCreditDebitIndicator"] == "CRDT"
    amount: int = entry["bookingAmountNumeric"]
    if alert_type == "ALERT_DEBITED_ABOVE_THRESHOLD":
        return not credit and amount > threshold
    if alert_type == "ALERT_CREDITED_ABOVE_THRESHOLD":
        return credit and amount > threshold
    balance: int | None = entry.get("BalanceAfterBookingNumeric")
    if balance is None:
        return False
    before = balance - amount if credit else balance + amount
    if alert_type == "ALERT_BALANCE_ABOVE_THRESHOLD":
        return balance > threshold and before <= threshold
    if alert_type == "ALERT_BALANCE_BELOW_THRESHOLD":
        return balance < threshold and before >= threshold
    return False


def _destination(address: Row) -> tuple[str, str]:
    if "emailAddress" in address:
        return "EMAIL", address["emailAddress"]
    return ("SMS", address["phoneNumber"]) if "phoneNumber" in address else ("PUSH", address["id"])


def _params(alert_type: str, entry: Row, threshold: Decimal) -> dict[str, str]:
    currency = entry["accountCurrency"]
    params = {
        "alert_settings_account_number": entry["accountId"],
        "alert_settings_account_account": currency,
        "alert_settings_amount": _major(threshold, currency),
        "alert_settings_amount_currency": currency,
    }
    balance = entry.get("BalanceAfterBookingNumeric")
    if balance is not None:
        params |= {"balance_amount": _major(Decimal(balance), currency), "balance_amount_currency": currency}
    if alert_type in {"ALERT_DEBITED_ABOVE_THRESHOLD", "ALERT_CREDITED_ABOVE_THRESHOLD"}:
        amount = Decimal(entry["bookingAmountNumeric"])
        params |= {"alert_amount_amount": _major(amount, currency), "alert_amount_amount_currency": currency}
    return params


def _plain(number: Decimal) -> str:
    """Return a number in the one way to write it: no sign on zero, no zeros at the end of a fraction."""
    text = f"{number:f}"
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    digits = text.lstrip("+-").lstrip("0")
    digits = "0" + digits if digits[:1] in {"", "."} else digits
    return "-" + digits if text[0] == "-" and digits != "0" else digits


def _major(number: Decimal, currency: str) -> str:
    """Minor units as major units with the currency's places, more where the number has a fraction of a minor unit."""
    digits, _, fraction = _plain(number.copy_abs()).partition(".")
    count = places(currency)
    digits = digits.rjust(count + 1, "0")
    after = digits[len(digits) - count :] + fraction
    sign = "-" if number < 0 else ""
    return sign + digits[: len(digits) - count] + ("." + after if after else "")
