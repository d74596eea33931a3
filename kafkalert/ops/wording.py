"""Alerts and bookings in words for the people who operate the pipeline: shared by tail, demo and dashboard.

Customers read other words, by templates. What a record holds may come from anywhere, so every part of it is made
harmless to a terminal and short before it gets into a sentence.
"""

import re
from collections.abc import Mapping
from typing import Any

from kafkalert.model.money import major
from kafkalert.model.personal import AccountId
from kafkalert.model.printable import escaped
from kafkalert.model.records import CREDIT

LONGEST = 60
"""Characters of any one part of a record that a sentence takes."""

_NUMBER = re.compile(r"(-?)([0-9]+)((?:\.[0-9]+)?)", re.ASCII)
_BALANCE_BELOW = "ALERT_BALANCE_BELOW_THRESHOLD"
_BALANCE_ABOVE = "ALERT_BALANCE_ABOVE_THRESHOLD"
_DEBITED = "ALERT_DEBITED_ABOVE_THRESHOLD"
_CREDITED = "ALERT_CREDITED_ABOVE_THRESHOLD"


def alert_words(message_type: str, params: Mapping[str, str], *, unmask: bool = False) -> str:
    """Return what an OutboundMessage tells, as in "Debited 45.00 EUR from ***4300, over your 40.00 EUR; ...".

    Anything may be missing or wrong in `params`; a type that is not known is named as it is.
    """
    account = _account(params.get("alert_settings_account_number"), unmask=unmask)
    limit = _amount(params, "alert_settings_amount")
    booked = _amount(params, "alert_amount_amount")
    balance = _amount(params, "balance_amount") or "unknown"
    if message_type == _DEBITED:
        return f"Debited {booked or '?'} from {account}, over your {limit or '?'}; balance {balance}"
    if message_type == _CREDITED:
        return f"Credited {booked or '?'} to {account}, over your {limit or '?'}; balance {balance}"
    if message_type == _BALANCE_BELOW:
        return f"Balance of {account} fell below your {limit or '?'}, to {balance}"
    if message_type == _BALANCE_ABOVE:
        return f"Balance of {account} rose above your {limit or '?'}, to {balance}"
    told = [f"{label} {text}" for label, text in (("booked", booked), ("your limit", limit)) if text]
    return ", ".join([f"{harmless(message_type) or 'No type'} for {account}", *told, f"balance {balance}"])


def entry_words(entry: Mapping[str, Any], *, balance_known: bool = True, unmask: bool = False) -> str:
    """Return what an AccountEntry tells: "Debited 45.00 EUR from ***4300; balance 1,204.10 EUR"."""
    currency = entry["accountCurrency"]
    account = _account(entry["accountId"], unmask=unmask)
    credit = entry["bookingCreditDebitIndicator"] == CREDIT
    booked = money(major(entry["bookingAmountNumeric"], currency), currency)
    balance = money(major(entry["BalanceAfterBookingNumeric"], currency), currency) if balance_known else "unknown"
    return f"{'Credited' if credit else 'Debited'} {booked} {'to' if credit else 'from'} {account}; balance {balance}"


def counted(number: int, noun: str) -> str:
    """How many of something: "1 record", "12,000 records", "2 entries", "3 addresses"."""
    if number == 1:
        return f"1 {noun}"
    plural = f"{noun[:-1]}ies" if noun.endswith("ry") else f"{noun}{'es' if noun.endswith('s') else 's'}"
    return f"{number:,} {plural}"


def lasting(seconds: float) -> str:
    """How long something takes, in the unit that people would choose: "40 s", "3 min", "2 h", "4 d"."""
    for size, name in ((86_400, "d"), (3600, "h"), (60, "min")):
        if seconds >= 2 * size:
            return f"{seconds / size:,.0f} {name}"
    return f"{max(seconds, 0):.0f} s"


def money(amount: str, currency: str) -> str:
    """Return an amount in major units as people read it: "1204.10" and "EUR" give "1,204.10 EUR"."""
    number = _NUMBER.fullmatch(amount[:LONGEST])
    text = f"{number[1]}{int(number[2]):,}{number[3]}" if number else harmless(amount)
    return f"{text} {harmless(currency)}".strip()


def harmless(text: object, longest: int = LONGEST) -> str:
    """`text` for a terminal: short, in one line, no control or formatting character left as it is."""
    whole = str(text)
    cut = whole if len(whole) <= longest else whole[: longest - 1] + "…"
    return escaped(cut)


def _amount(params: Mapping[str, str], name: str) -> str:
    amount = params.get(name)
    return "" if amount is None else money(amount, params.get(f"{name}_currency", ""))


def _account(account: str | None, *, unmask: bool) -> str:
    if account is None:
        return "an account"
    return harmless(account if unmask else AccountId(account))
