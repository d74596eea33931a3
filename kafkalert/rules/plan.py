"""What an account's entries can raise: authorisations and settings joined, repeats merged, useless settings skipped."""

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from kafkalert.model.ids import CustomerId
from kafkalert.model.personal import AccountId
from kafkalert.model.records import (
    Address,
    AlertSetting,
    Channel,
    CustomerAlertSettings,
    address_text,
    channel_of,
)
from kafkalert.rules.rule import Rule, Threshold

NO_AMOUNT, UNKNOWN_TYPE, BAD_AMOUNT = "no-amount", "unknown-alert-type", "amount-not-a-number"
UNKNOWN_CHANNEL, TOO_MUCH = "unknown-channel", "too-much"
"""Why a setting is skipped."""

MOST_MESSAGES: Final = 1_000
MOST_CHARACTERS: Final = 100_000
"""What one customer may have on one account: messages, if every alert were raised, and the text of their addresses and
currencies. Each alert has its own copy of all that it sends, so without a bound one row would be a machine's memory."""

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
    """Return the number that a setting's amount says, or None where it is none. "500000.00" is 500000."""
    if text.isascii() and text.isdecimal() and len(text) <= _DIGITS:
        return int(text)
    if not _NUMBER.fullmatch(text):
        return None
    number = Decimal(text)
    whole = int(number)
    return whole if whole == number else Decimal(format(number, "f").rstrip("0"))


def threshold_text(number: Threshold) -> str:
    """Return the one way to write a threshold, whatever way the customer wrote it; part of an alert's id."""
    return str(number) if isinstance(number, int) else format(number, "f")


def plan(
    account: AccountId,
    customers: Iterable[CustomerId],
    settings: Mapping[CustomerId, CustomerAlertSettings],
    rules: Mapping[str, Rule],
) -> tuple[list[Planned], Counter[str]]:
    """All alerts that entries on `account` can raise, and how many settings were skipped, by reason.

    Customers in the order of the authorisation, alerts in that of the settings, addresses in that of the customer:
    the same tables always give the same plan. An alert for which a customer has too much already is skipped.
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
                number = check(setting, rules)
                if isinstance(number, str):
                    skipped[number] += 1
                else:
                    asked.setdefault((part.currency, setting.alert_type, number), set()).update(setting.channels)
        reach = _Reach(row.addresses)
        for (currency, alert_type, number), channels in asked.items():
            addresses = reach.take(frozenset(channels), currency)
            if addresses is None:
                skipped[TOO_MUCH] += 1
            elif addresses:
                planned.append(Planned(customer, alert_type, number, currency, addresses))
    return planned, skipped


class _Reach:
    """One customer's addresses, for the alerts of one account, within MOST_MESSAGES and MOST_CHARACTERS."""

    def __init__(self, addresses: Iterable[Address]) -> None:
        self._all = [(address, channel_of(address)) for address in dict.fromkeys(addresses)]
        self._by_channels: dict[frozenset[Channel], tuple[tuple[Address, ...], int]] = {}
        self._messages, self._characters = MOST_MESSAGES, MOST_CHARACTERS

    def take(self, channels: frozenset[Channel], currency: str) -> tuple[Address, ...] | None:
        """Return the addresses of one alert by these channels; None where it is more than is left."""
        if channels not in self._by_channels:
            own = tuple(address for address, channel in self._all if channel in channels)
            self._by_channels[channels] = own, sum(len(address_text(address)) for address in own)
        addresses, characters = self._by_channels[channels]
        if not addresses:
            return addresses
        messages, characters = self._messages - len(addresses), self._characters - characters - len(currency)
        if messages < 0 or characters < 0:
            return None
        self._messages, self._characters = messages, characters
        return addresses


def check(setting: AlertSetting, rules: Mapping[str, Rule]) -> Threshold | str:
    """Return the setting's threshold, or the reason for which it is skipped."""
    if setting.amount is None:
        return NO_AMOUNT
    if setting.alert_type not in rules:
        return UNKNOWN_TYPE
    if setting.newer:
        return UNKNOWN_CHANNEL
    number = threshold(setting.amount)
    return BAD_AMOUNT if number is None else number
