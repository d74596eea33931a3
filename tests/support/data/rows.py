"""Rows and bookings made by hand, where a test has to know exactly what they say."""

from typing import Any

EMPTY_BALANCE = {
    "BalanceAfterBookingNumeric": 0,
    "balanceAfterBooking": "",
    "BalanceAfterBookingCreditDebitIndicator": "",
}


def datum(entry: dict[str, Any]) -> dict[str, Any]:
    """AccountEntry's fields of a booking; a balance that is not known is 0 there."""
    return EMPTY_BALANCE | {name: value for name, value in entry.items() if name != "entryId"}


def debit(account: str, name: str, *, cents: int = 500, timestamp: int = 1_800_000_000_000) -> dict[str, Any]:
    """A booking of `cents` off an account, with the balance not known; `name` is its entryId."""
    return {
        "entryId": name,
        "timestamp": timestamp,
        "accountId": account,
        "accountCurrency": "EUR",
        "bookingAmountNumeric": cents,
        "bookingAmount": f"{cents / 100:.2f}",
        "bookingCreditDebitIndicator": "DBIT",
    }


def settings_row(customer: str, *accounts: str, above: int = 0, junk: int = 0) -> dict[str, Any]:
    """Settings of a customer who wants an e-mail for each debit above so many cents.

    `junk` is the number of phone numbers that come with it: they make the row large and get nothing.
    """
    addresses: list[dict[str, str]] = [{"emailAddress": f"{customer}@example.org"}]
    addresses += [{"phoneNumber": f"+31600{number:06d}"} for number in range(junk)]
    one = {"alertType": "ALERT_DEBITED_ABOVE_THRESHOLD", "channels": ["EMAIL"], "amount": {"value": str(above)}}
    return {
        "customerId": {"id": customer},
        "addresses": [{"address": address} for address in addresses],
        "accountAlertSettings": [
            {"account": {"id": account}, "currency": {"symbol": "EUR"}, "settings": [one]} for account in accounts
        ],
    }
