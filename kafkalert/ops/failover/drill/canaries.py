"""Canaries: entries of an account that no customer can have, whose one alert goes to an address of the bank's own."""

from dataclasses import dataclass
from typing import Any, Final

from kafkalert.config import names
from kafkalert.config.sections import Settings
from kafkalert.model.ids import AlertId, CustomerId, EntryId, alert_id, alert_suffix
from kafkalert.model.records import DEBIT, Channel
from kafkalert.serde import build
from kafkalert.serde.keys import encode_key
from kafkalert.stages.entry import BALANCE, ID

_ALERT_TYPE: Final = "ALERT_DEBITED_ABOVE_THRESHOLD"
_THRESHOLD: Final = "0"
_CURRENCY: Final = "EUR"
_EMAIL: Final = "nl.rabobank.beb.distribution.EmailAddress"
_DECIMAL: Final = "nl.rabobank.beb.general.Decimal"


@dataclass(frozen=True, slots=True)
class Record:
    """What is written: a topic as it is called here, and the bytes. `value` None removes the key's row."""

    topic: str
    key: bytes
    value: bytes | None
    headers: tuple[tuple[str, str], ...] = ()


class Canaries:
    """The rows that have alerts raised for the canaries of `[drill]`, the entries, and the ids of their alerts.

    `drill` is part of every entry's id, so that no two drills can be mixed up. Raises what `serde.build.codec` raises.
    """

    def __init__(self, settings: Settings, drill: str) -> None:
        self._settings = settings
        self._codec = build.codec(settings.serde)
        self._account, self._customer = settings.drill.account, CustomerId(settings.drill.customer)
        self._address = settings.drill.address
        self._key = settings.alerts.id_key.get_secret_value()
        self._suffix = alert_suffix(self._customer, _ALERT_TYPE, _THRESHOLD, Channel.EMAIL, self._address)
        self.start = f"{self._account}/{drill}/"
        """How the id of every entry of this drill begins."""

    def rows(self) -> list[Record]:
        """Return the account's customer, and what that customer asks for: an e-mail for every debit."""
        setting = {"alertType": _ALERT_TYPE, "channels": [Channel.EMAIL], "amount": (_DECIMAL, {"value": _THRESHOLD})}
        account = {"account": {"id": self._account}, "currency": {"symbol": _CURRENCY}, "settings": [setting]}
        settings = {
            "customerId": {"id": self._customer},
            "addresses": [{"address": (_EMAIL, {"emailAddress": self._address})}],
            "accountAlertSettings": [account],
        }
        return [
            self._row(names.CUSTOMERALERTSETTINGS, "CustomerId", self._customer, "CustomerAlertSettings", settings),
            self._row(
                names.ACCOUNTTOCUSTOMERIDS,
                "AccountId",
                self._account,
                "CustomerIds",
                {"customerIds": [{"id": self._customer}]},
            ),
        ]

    def tombstones(self) -> list[Record]:
        """Return what removes the rows; the account's first, so that nothing is raised without a customer."""
        return [Record(record.topic, record.key, None) for record in reversed(self.rows())]

    def entry(self, number: int, now_ms: int) -> tuple[Record, AlertId]:
        """One canary, a debit of a cent, and the id of the alert that it raises."""
        datum = {
            "timestamp": now_ms,
            "accountId": self._account,
            "accountCurrency": _CURRENCY,
            "bookingAmountNumeric": 1,
            "bookingAmount": "0.01",
            "bookingCreditDebitIndicator": DEBIT,
            "BalanceAfterBookingNumeric": 0,
            "balanceAfterBooking": "",
            "BalanceAfterBookingCreditDebitIndicator": "",
        }
        own = EntryId(f"{self.start}{number}")
        key = encode_key(self._codec, "AccountId", self._account)
        value = self._codec.encode("AccountEntry", datum)
        headers = ((ID, own), (BALANCE, "unknown"))
        return Record(self._settings.topic(names.ACCOUNTENTRY), key, value, headers), alert_id(
            self._key, own, self._suffix
        )

    def _row(self, topic: str, key_schema: str, key: str, schema: str, datum: dict[str, Any]) -> Record:
        value = self._codec.encode(schema, datum)
        return Record(self._settings.topic(topic), encode_key(self._codec, key_schema, key), value)
