"""The alert settings of the customers: what they asked to be told, and where."""

from random import Random
from typing import Any

from kafkalert.sandbox.bank.people import Account, Customer, Household

# By kind of account: alert type, thresholds in whole euros that people choose from, and the part who want it.
_SETTINGS: dict[str, tuple[tuple[str, tuple[int, ...], float], ...]] = {
    "current": (
        ("ALERT_DEBITED_ABOVE_THRESHOLD", (5, 10, 20, 40, 100), 0.7),
        ("ALERT_CREDITED_ABOVE_THRESHOLD", (0, 10, 100, 1000), 0.6),
        ("ALERT_BALANCE_BELOW_THRESHOLD", (0, 100, 250, 500), 0.5),
        ("ALERT_BALANCE_ABOVE_THRESHOLD", (1000, 2500, 5000), 0.25),
    ),
    "shared": (
        ("ALERT_DEBITED_ABOVE_THRESHOLD", (15, 30, 75), 0.7),
        ("ALERT_BALANCE_BELOW_THRESHOLD", (100, 250, 500), 0.5),
        ("ALERT_CREDITED_ABOVE_THRESHOLD", (0, 100), 0.3),
    ),
    "savings": (("ALERT_BALANCE_ABOVE_THRESHOLD", (5000, 10_000), 0.5), ("ALERT_DEBITED_ABOVE_THRESHOLD", (0,), 0.7)),
    "abroad": (("ALERT_DEBITED_ABOVE_THRESHOLD", (0, 25), 0.8), ("ALERT_CREDITED_ABOVE_THRESHOLD", (0, 500), 0.6)),
}
_OLD_FASHIONED = 0.03
"""Part of the customers who still have an alert that no rule knows any more, or one without an amount."""


def settings_of(customer: Customer, household: Household, rng: Random) -> dict[str, Any]:
    """CustomerAlertSettings' fields for a customer."""
    seen = [account for account in household.accounts if customer in account.owners]
    return {
        "customerId": {"id": customer.id},
        "addresses": [{"address": address} for address in _addresses(customer)],
        "accountAlertSettings": [
            {
                "account": {"id": account.number},
                "currency": {"symbol": account.currency},
                "settings": _settings(account, _channels(customer), rng),
            }
            for account in seen
        ],
    }


def _addresses(customer: Customer) -> list[dict[str, str]]:
    """E-mail, phone, and for the app the customer's own id."""
    given = [("emailAddress", customer.email), ("phoneNumber", customer.phone), ("id", customer.app and customer.id)]
    return [{field: text} for field, text in given if text]


def _channels(customer: Customer) -> list[str]:
    given = [("EMAIL", customer.email), ("SMS", customer.phone), ("PUSH", customer.app)]
    return [channel for channel, there in given if there] or ["EMAIL"]


def _settings(account: Account, channels: list[str], rng: Random) -> list[dict[str, Any]]:
    settings: list[dict[str, Any]] = []
    for alert_type, euros, part in _SETTINGS[account.kind]:
        if rng.random() < part:
            amount = rng.choice(euros) * account.euro
            # Settings come from several systems, and not all write a whole number alike.
            text = f"{amount}.00" if rng.random() < 0.2 else str(amount)  # noqa: PLR2004
            count = rng.choice((1, 1, 1, 2, 3))
            wanted = sorted(rng.sample(channels, min(count, len(channels))))
            settings.append({"alertType": alert_type, "channels": wanted, "amount": {"value": text}})
    if rng.random() < _OLD_FASHIONED:
        old = ("ALERT_CARD_ABROAD", {"value": "0"}), ("ALERT_BALANCE_BELOW_THRESHOLD", None)
        alert_type, none = rng.choice(old)
        settings.append({"alertType": alert_type, "channels": channels[:1], "amount": none})
    return settings
