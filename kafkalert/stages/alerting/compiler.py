"""Rules of an account, joined and flattened once, so that an entry costs one look-up.

A compiled row has, for each alert that the account's entries can raise, the message's bytes up to what an entry adds,
and each output's key bytes and hash input. It is msgspec's msgpack of `[Trigger, ...]`, its size in four bytes before
it, and of `[CompiledRule, ...]`.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from decimal import Decimal
from functools import lru_cache
from struct import Struct
from typing import Any, Final

import msgspec

from kafkalert.errors import DecodingError
from kafkalert.model.ids import CustomerId, asked_bytes, prefixed, reach_bytes
from kafkalert.model.money import major
from kafkalert.model.personal import AccountId
from kafkalert.model.records import Address, Channel, CustomerAlertSettings, address_text, channel_of
from kafkalert.rules.plan import Planned, plan, threshold_text
from kafkalert.rules.rule import Kind, Rule, Threshold
from kafkalert.serde import records
from kafkalert.serde.codec import Codec
from kafkalert.serde.keys import encode_key
from kafkalert.serde.wire import long_bytes, text_bytes
from kafkalert.tables.store import MAX_ID, Store

CHANNELS: Final = tuple(Channel)
"""A compiled output names its channel by its place here."""

_KEY: Final = {Channel.EMAIL: "EmailAddress", Channel.SMS: "PhoneNumber", Channel.PUSH: "CustomerId"}
_SECOND_BRANCH: Final = long_bytes(1)
_INT64: Final = 1 << 63  # msgpack has no integer beyond
_ALIKE: Final = 4096
"""Kinds of alert, of a type at a threshold in a currency, whose bytes are kept."""
_CURRENCY: Final = 64
"""Characters of a currency of which they are; a settings row may name a longer one."""


CompiledOutput = tuple[int, bytes, bytes]
"""One address that an alert goes to: place of its channel, key record, and `alert_suffix`."""


class Sending(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """What is needed of a rule once it is raised. `body` is OutboundMessage after its timestamp."""

    body: bytes
    outputs: tuple[CompiledOutput, ...]


class CompiledRule(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """One alert that an account's entries can raise.

    `rule` is the place of its alert type among the sorted ones. What a raised one sends stays packed until then,
    because most are not raised.
    """

    rule: int
    threshold: Threshold
    currency: str
    customer: str
    packed: msgspec.Raw


class BrokenRuleError(DecodingError):
    """A bank's own rule raised an exception; `raised` is what the other rules say."""

    def __init__(self, alert_type: str, error: Exception, raised: list[CompiledRule]) -> None:
        super().__init__("rule-failed", f"{alert_type} raised {type(error).__name__}.")
        self.raised = raised


Trigger = tuple[str, Kind | None, Threshold]
"""What decides whether a rule may be raised: currency, kind, threshold. Many accounts have the same ones."""


_sending = msgspec.msgpack.Decoder(Sending).decode
_rules = msgspec.msgpack.Decoder(tuple[CompiledRule, ...]).decode
_triggers = msgspec.msgpack.Decoder(tuple[Trigger, ...]).decode
_encode = msgspec.msgpack.Encoder().encode
_SIZE: Final = Struct(">I")


def row_of(compiled: Sequence[CompiledRule], rules: Sequence[Rule]) -> bytes:
    """Return the compiled row of these; `rules` are the installed ones by their places."""
    triggers = {(rule.currency, rules[rule.rule].kind, rule.threshold) for rule in compiled}
    head = _encode(sorted(triggers, key=repr))
    return _SIZE.pack(len(head)) + head + _encode(compiled)


def split_row(row: bytes) -> tuple[bytes, bytes]:
    """Return a compiled row's triggers and its rules, both packed."""
    end = _SIZE.size + _SIZE.unpack_from(row)[0]
    return row[_SIZE.size : end], row[end:]


def triggers(packed: bytes) -> tuple[Trigger, ...]:
    """Return the first part of a compiled row."""
    return _triggers(packed)


def of_currency(packed: bytes, currency: str) -> list[CompiledRule]:
    """Those rules of a compiled row's second part whose thresholds are in `currency`."""
    return [rule for rule in _rules(packed) if rule.currency == currency]


def sending(rule: CompiledRule) -> Sending:
    """Return what a raised rule sends."""
    return _sending(rule.packed)


class Compiler:
    """Joins rows of the tables into compiled rows. `skipped` counts settings left out, by reason."""

    def __init__(self, store: Store, codec: Codec, rules: dict[str, Rule]) -> None:
        self._store = store
        self._codec = codec
        self._rules = rules
        self._places = {name: place for place, name in enumerate(sorted(rules))}
        self._installed = [rules[name] for name in sorted(rules)]
        self.skipped: Counter[str] = Counter()

    @staticmethod
    def fingerprint(codec: Codec, rules: dict[str, Rule]) -> bytes:
        """Return what compiled rows depend on besides the tables: their form, the rules, and the framing of keys."""
        kinds = [(name, rules[name].kind) for name in sorted(rules)]
        return repr(("5", kinds, [codec.framing.prefix(name) for name in _KEY.values()])).encode()

    def compile(self, txn: Any, account: bytes) -> bytes:  # noqa: ANN401 - an LMDB transaction
        """Return the compiled row of `account` by the rows that `txn` sees.

        A row that cannot be read counts as missing.
        """
        account_id = AccountId(account.decode())
        customers = self._customers(txn, account)
        settings = {customer: row for customer in customers if (row := self._settings(txn, customer)) is not None}
        planned, skipped = plan(account_id, customers, settings, self._rules)
        self.skipped.update(skipped)
        reach = {address: self._reach(address) for row in settings.values() for address in row.addresses}
        number = text_bytes(account_id.reveal())
        return row_of([self._flat(number, rule, reach) for rule in planned], self._installed)

    def _customers(self, txn: Any, account: bytes) -> tuple[CustomerId, ...]:  # noqa: ANN401
        raw = self._store.row(txn, account, self._store.authorisations)
        try:
            return () if raw is None else records.customer_ids(self._codec, raw)
        except DecodingError as error:
            self.skipped[error.code] += 1
            return ()

    def _settings(self, txn: Any, customer: CustomerId) -> CustomerAlertSettings | None:  # noqa: ANN401
        key = customer.encode()
        raw = self._store.row(txn, key, self._store.settings) if 0 < len(key) <= MAX_ID else None
        try:
            return None if raw is None else records.settings(self._codec, raw)
        except DecodingError as error:
            self.skipped[error.code] += 1
            return None

    def _reach(self, address: Address) -> "_Reach":
        channel, text = channel_of(address), address_text(address)
        return CHANNELS.index(channel), encode_key(self._codec, _KEY[channel], text), reach_bytes(channel, text)

    def _flat(self, number: bytes, rule: Planned, reach: Mapping[Address, "_Reach"]) -> CompiledRule:
        shared = _shared if len(rule.currency) <= _CURRENCY else _made
        before, after, asked = shared(rule.alert_type, rule.threshold, rule.currency)
        body = b"".join((_SECOND_BRANCH, text_bytes(rule.customer), before, number, after))
        hashed = prefixed(rule.customer) + asked
        outputs = tuple((place, key, hashed + own) for place, key, own in map(reach.__getitem__, rule.addresses))
        return CompiledRule(
            rule=self._places[rule.alert_type],
            threshold=rule.threshold if -_INT64 < rule.threshold < _INT64 else Decimal(rule.threshold),
            currency=rule.currency,
            customer=rule.customer,
            packed=msgspec.Raw(_encode(Sending(body, outputs))),
        )


_Reach = tuple[int, bytes, bytes]
"""What all alerts to an address share: place of its channel, key record, and its part of `alert_suffix`."""


def _made(alert_type: str, threshold: Threshold, currency: str) -> tuple[bytes, bytes, bytes]:
    """Return what the alerts of all who ask alike share.

    OutboundMessage from the alert's type to the account number, and from there to what an entry adds: a first block of
    params. And their part of `alert_suffix`.
    """
    params = {
        "alert_settings_account_account": currency,
        "alert_settings_amount": major(threshold, currency),
        "alert_settings_amount_currency": currency,
    }
    after = b"".join(text_bytes(part) for item in params.items() for part in item)
    return text_bytes(alert_type) + _NUMBER, after, asked_bytes(alert_type, threshold_text(threshold))


_shared: Final = lru_cache(_ALIKE)(_made)


# One block of an Avro map of strings (Avro specification, "Maps"); a map may have several, then a zero.
_NUMBER: Final = long_bytes(4) + text_bytes("alert_settings_account_number")
END_OF_MAP: Final = long_bytes(0)
