"""What an account's entries can raise: authorisations and settings joined, repeats merged, useless settings skipped."""

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal

from kafkalert.model.ids import CustomerId
from kafkalert.model.personal import AccountId
from kafkalert.model.records import Address, AlertSetting, Channel, CustomerAlertSettings, channel_of
from kafkalert.rules.rule import Rule, Threshold

NO_AMOUNT, UNKNOWN_TYPE, BAD_AMOUNT = "no-amount", "unknown-alert-type", "amount-not-a-number"
UNKNOWN_CHANNEL = "unknown-channel"
"""Why a setting is skipped."""

# Longer numbers than this are no money; the bound also keeps hostile input from costing time.
_DIGITS = 40
_NUMBER = re.compile(rf"[+-]?(?:[0-9]{{1,{_DIGITS}}}(?:\.[0-9]{{0,{_DIGITS}}})?|\.[0-9]{{1,{_DIGITS}}})")


@dataclass(frozen=True, slots=True)
class Planned:
    """One alert that one customer asked for on an account: when, and to which addresses."""

    customer: CustomerId
    alert_type: str
    threshold: Threshold
    currency: str
    addresses: tuple[Address, ...]


def threshold(text: str) -> Threshold | None:
    """The number that a setting's amount says, or None where it is none. "500000.00" is 500000."""
    if text.isascii() and text.isdecimal() and len(text) <= _DIGITS:
        return int(text)
    if not _NUMBER.fullmatch(text):
        return None
    number = Decimal(text)
    whole = int(number)
    return whole if whole == number else Decimal(format(number, "f").rstrip("0"))


def threshold_text(number: Threshold) -> str:
    """The one way to write a threshold, whatever way the customer wrote it; part of an alert's id."""
    return str(number) if isinstance(number, int) else format(number, "f")


def plan(
    account: AccountId,
    customers: Iterable[CustomerId],
    settings: Mapping[CustomerId, CustomerAlertSettings],
    rules: Mapping[str, Rule],
) -> tuple[list[Planned], Counter[str]]:
    """All alerts that entries on `account` can raise, and how many settings were skipped, by reason.

    Customers in the order of the authorisation, alerts in that of the settings, addresses in that of the customer:
    the same tables always give the same plan.
    """
    planned: list[Planned] = []
    skipped: Counter[str] = Counter()
    for customer in dict.fromkeys(customers):
        row = settings.get(customer)
        if row is None:
            continue
        asked: dict[tuple[str, str, Threshold], set[Channel]] = {}
        for part in row.accounts:
            if part.account != account:
                continue
            for setting in part.settings:
                number = _check(setting, rules)
                if isinstance(number, str):
                    skipped[number] += 1
                else:
                    asked.setdefault((part.currency, setting.alert_type, number), set()).update(setting.channels)
        reachable = [(address, channel_of(address)) for address in dict.fromkeys(row.addresses)]
        for (currency, alert_type, number), channels in asked.items():
            addresses = tuple(address for address, channel in reachable if channel in channels)
            if addresses:
                planned.append(Planned(customer, alert_type, number, currency, addresses))
    return planned, skipped


def _check(setting: AlertSetting, rules: Mapping[str, Rule]) -> Threshold | str:
    """The setting's threshold, or the reason for which it is skipped."""
    if setting.amount is None:
        return NO_AMOUNT
    if setting.alert_type not in rules:
        return UNKNOWN_TYPE
    if setting.newer:
        return UNKNOWN_CHANNEL
    number = threshold(setting.amount)
    return BAD_AMOUNT if number is None else number
