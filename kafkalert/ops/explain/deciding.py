"""What a booking raises of all that one customer asked for on its account, and why not the rest. Pure.

The plan and the rules are those of alerting (`rules/`). What is added here is the reason for each setting that sends
nothing.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

from kafkalert.model.ids import AlertId, CustomerId, alert_id, alert_suffix
from kafkalert.model.records import Address, AlertSetting, Channel, CustomerAlertSettings, address_text, channel_of
from kafkalert.ops.explain.booking import Facts
from kafkalert.rules.plan import TOO_MUCH, Planned, check, plan, threshold_text
from kafkalert.rules.rule import Movement, Rule, Threshold

RAISED: Final = "raised"
NOT_MET, BALANCE_UNKNOWN, RULE_FAILED = "not-met", "balance-unknown", "rule-failed"
OTHER_CURRENCY, NO_CHANNEL, NO_ADDRESS = "other-currency", "no-channel", "no-address"
"""Why an alert was not raised, besides the reasons for which alerting skips settings."""

Asked = tuple[str, str, Threshold]
"""Settings that are equal in currency, alert type and threshold ask for one alert."""


@dataclass(frozen=True, slots=True)
class Alert:
    """One message of a raised alert: its id, and where it goes."""

    id: AlertId
    channel: Channel
    address: Address


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one alert that the customer asked for; of several settings that ask for the same one.

    `reason` is a stable code, RAISED among them. `threshold` is None where the amount is no number; `asked` is the
    amount as it was written.
    """

    alert_type: str
    currency: str
    threshold: Threshold | None
    asked: str | None
    channels: frozenset[Channel]
    reason: str
    alerts: tuple[Alert, ...] = ()

    @property
    def is_raised(self) -> bool:
        """Whether the booking raised it."""
        return self.reason == RAISED


def outcomes(
    facts: Facts, customer: CustomerId, row: CustomerAlertSettings, rules: Mapping[str, Rule], id_key: bytes
) -> tuple[Outcome, ...]:
    """Return what became of each alert that `row` asks for on the booking's account, in the order of the settings."""
    planned, _ = plan(facts.account, [customer], {customer: row}, rules)
    by_kind: dict[Asked, Planned] = {(one.currency, one.alert_type, one.threshold): one for one in planned}
    found: dict[tuple[str, AlertSetting] | Asked, Outcome] = {}
    for part in row.accounts:
        for setting in part.settings if part.account == facts.account else ():
            number = check(setting, rules)
            if isinstance(number, str):  # skipped, for this reason
                one = _outcome(setting, part.currency, None, number)
                found[part.currency, setting] = one
                continue
            kind = (part.currency, setting.alert_type, number)
            one = _outcome(setting, part.currency, number, "")
            before = found.get(kind)
            found[kind] = one if before is None else replace(before, channels=before.channels | one.channels)
    return tuple(
        one
        if one.threshold is None
        else _decided(one, by_kind.get((one.currency, one.alert_type, one.threshold)), row, facts, rules, id_key)
        for one in found.values()
    )


def _outcome(setting: AlertSetting, currency: str, number: Threshold | None, reason: str) -> Outcome:
    return Outcome(setting.alert_type, currency, number, setting.amount, setting.channels, reason)


def _decided(
    one: Outcome,
    planned: Planned | None,
    row: CustomerAlertSettings,
    facts: Facts,
    rules: Mapping[str, Rule],
    id_key: bytes,
) -> Outcome:
    """Return what becomes of an alert that can be raised in principle."""
    if one.currency != facts.currency:
        return replace(one, reason=OTHER_CURRENCY)
    if planned is None:
        if not one.channels:
            return replace(one, reason=NO_CHANNEL)
        fits = any(channel_of(address) in one.channels for address in row.addresses)
        return replace(one, reason=TOO_MUCH if fits else NO_ADDRESS)
    rule = rules[planned.alert_type]
    try:
        raised = rule.raised(facts.moved, planned.threshold)
    except Exception:  # noqa: BLE001 - a bank's own code may raise anything
        return replace(one, reason=RULE_FAILED)
    if not raised:
        return replace(one, reason=BALANCE_UNKNOWN if _wants_balance(rule, facts.moved) else NOT_MET)
    return replace(one, reason=RAISED, alerts=tuple(_alert(facts, planned, at, id_key) for at in planned.addresses))


def _wants_balance(rule: Rule, moved: Movement) -> bool:
    return rule.kind == "balance" and moved.balance is None


def _alert(facts: Facts, planned: Planned, address: Address, id_key: bytes) -> Alert:
    channel = channel_of(address)
    number = threshold_text(planned.threshold)
    suffix = alert_suffix(planned.customer, planned.alert_type, number, channel.value, address_text(address))
    return Alert(alert_id(id_key, facts.entry, suffix), channel, address)
