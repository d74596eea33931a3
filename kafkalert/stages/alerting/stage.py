"""alerting: entries in, alerts out, by the tables. One hop, or two by way of customeraccountentry."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from confluent_kafka import Message

from kafkalert.config.names import ACCOUNTENTRY, CUSTOMERACCOUNTENTRY
from kafkalert.config.pipeline import OUTBOUND
from kafkalert.config.sections import Settings
from kafkalert.engine.clock import Clock
from kafkalert.engine.deadletter import DeadLetters
from kafkalert.engine.delivery import Delivery
from kafkalert.engine.dependency import Dependency
from kafkalert.engine.observe.metrics import Metrics
from kafkalert.errors import DecodingError
from kafkalert.model.ids import CustomerId, alert_hash, customer_entry_id
from kafkalert.rules.rule import Rule, movement
from kafkalert.serde import records
from kafkalert.serde.booking import Booking, BookingReader
from kafkalert.serde.codec import Codec
from kafkalert.serde.keys import KeyReader, encode_key
from kafkalert.serde.wire import long_bytes
from kafkalert.stages import entry as entries
from kafkalert.stages.alerting.compiler import CHANNELS, BrokenRuleError, CompiledRule, Compiler, of_currency
from kafkalert.stages.alerting.outbox import InstalledRules, Sender
from kafkalert.stages.alerting.rule_cache import RuleCache
from kafkalert.tables.kinds import checked_id
from kafkalert.tables.store import MAX_ID, Store

NAME: Final = "alerting"
_TIME_BYTES: Final = 6
"""Length of an entry's time in Avro for any moment from 1970 to 2039."""


@dataclass(frozen=True, slots=True)
class Names:
    """The topics in use here."""

    entries: str
    customer_entries: str
    outbound: tuple[str, ...]

    @classmethod
    def of(cls, settings: Settings) -> "Names":
        """As the configuration names them."""
        outbound = tuple(settings.topic(OUTBOUND[channel]) for channel in CHANNELS)
        return cls(settings.topic(ACCOUNTENTRY), settings.topic(CUSTOMERACCOUNTENTRY), outbound)


class Alerting:
    """The stage. In two-hop mode it also reads what it writes for each customer, and alerts by that."""

    name = NAME

    def __init__(
        self,
        names: Names,
        *,
        two_hop: bool,
        store: Store,
        codec: Codec,
        rules: dict[str, Rule],
        id_key: bytes,
        metrics: Metrics,
        clock: Clock,
        dependency: Dependency,
    ) -> None:
        self.dependency = dependency
        self.inputs: Sequence[str] = (names.entries, names.customer_entries) if two_hop else (names.entries,)
        self.outputs: Sequence[str] = names.outbound
        self._names, self._two_hop = names, two_hop
        self._store, self._codec = store, codec
        self._installed = InstalledRules([rules[name] for name in sorted(rules)])
        compiler = Compiler(store, codec, rules)
        self._cache = RuleCache(store, compiler, KeyReader(codec, "AccountId"))
        self._id_key, self._id_hash = id_key, alert_hash(id_key)
        self._metrics, self._clock = metrics, clock
        self._customers = KeyReader(codec, "CustomerId")
        self._bookings = BookingReader(codec)
        self._entry_prefix = codec.framing.prefix("AccountEntry")
        self._message_prefix = codec.framing.prefix("OutboundMessage")
        metrics.skipped = compiler.skipped

    def process(self, messages: Sequence[Message], out: Delivery, dead: DeadLetters) -> None:
        """Send the alerts of a batch; in two-hop mode also what the second hop reads."""
        self._metrics.entries += len(messages)
        if self._two_hop:
            second = [message for message in messages if message.topic() == self._names.customer_entries]
            self._second_hop(second, out, dead)
            self._first_hop(
                [message for message in messages if message.topic() != self._names.customer_entries], out, dead
            )
        else:
            self._one_hop(messages, out, dead)

    def _one_hop(self, messages: Sequence[Message], out: Delivery, dead: DeadLetters) -> None:
        accounts = self._cache.by_key([message.key() for message in messages])
        sender = self._sender(out)
        read = self._bookings.read
        for message, account in zip(messages, accounts, strict=True):
            try:
                filters = account.quick_filters
                if filters:
                    currency, amount, balance, credit = booking = read(message.value(), account.text)
                    quick = filters.get(currency)
                    if quick is not None and quick.may_raise(amount, balance, credit):
                        self._alert(message, booking, of_currency(account.rules, currency.decode()), sender)
                elif account.bad is not None:
                    dead.put(message, account.bad)
                elif not self._plausible(message.value(), account.text):
                    read(message.value(), account.text)
            except DecodingError as error:
                dead.put(message, error)

    def _alert(
        self,
        message: Message,
        booking: Booking,
        rules: Sequence[CompiledRule],
        sender: Sender,
        id_headers: tuple[str, ...] = (entries.ID,),
    ) -> None:
        """Send what an entry raises of `rules`. Raises DecodingError, once what can be sent was."""
        currency, amount, balance, credit = booking
        entry = entries.carried(message, self._id_key, id_headers)
        moved = movement(amount, None if entry.balance_unknown else balance, credit)
        try:
            chosen = self._installed.raised(rules, moved)
        except BrokenRuleError as error:
            if error.raised:
                sender.alert(message, entry, error.raised, currency, moved)
            raise
        if chosen:
            sender.alert(message, entry, chosen, currency, moved)

    def _first_hop(self, messages: Sequence[Message], out: Delivery, dead: DeadLetters) -> None:
        """For each customer who may see the account: this entry needs processing."""
        accounts = self._cache.by_key([message.key() for message in messages])
        for message, account in zip(messages, accounts, strict=True):
            try:
                if account.bad is not None:
                    dead.put(message, account.bad)
                    continue
                self._bookings.read(message.value(), account.text)
                self._pass_on(message, account.id, out)
            except DecodingError as error:
                dead.put(message, error)

    def _pass_on(self, message: Message, account: bytes, out: Delivery) -> None:
        """Write a record for each customer. Raises DecodingError where one is too large, once the others were sent."""
        entry = entries.carried(message, self._id_key)
        failed: DecodingError | None = None
        for customer in self._authorised(account):
            own = customer_entry_id(self._id_key, entry.id, customer)
            key = encode_key(self._codec, "CustomerId", customer)
            headers = [(entries.ID, own), (entries.ENTRY, entry.id), *entry.passed_on]
            try:
                out.send(self._names.customer_entries, message.value(), key, headers)
            except DecodingError as error:
                failed = failed or error
        if failed is not None:
            raise failed

    def _second_hop(self, messages: Sequence[Message], out: Delivery, dead: DeadLetters) -> None:
        """Send the alerts of the one customer that the key names."""
        read: list[tuple[Message, str, bytes]] = []
        for message in messages:
            try:
                customer = checked_id(self._customers, message.key()).decode()
                own = self._bookings.account(message.value())
                if not 0 < len(own) <= MAX_ID:
                    raise DecodingError("account-length", f"accountId has not 1 to {MAX_ID} bytes.")  # noqa: TRY301
                read.append((message, customer, own))
            except DecodingError as error:
                dead.put(message, error)
        accounts = self._cache.by_id({own for _, _, own in read})
        sender = self._sender(out)
        for message, customer, own in read:
            try:
                booking = self._bookings.read(message.value(), accounts[own].text)
                rules = of_currency(accounts[own].rules, booking[0].decode())
                asked = [rule for rule in rules if rule.customer == customer]
                self._alert(message, booking, asked, sender, (entries.ENTRY, entries.ID))
            except DecodingError as error:
                dead.put(message, error)

    def _plausible(self, value: bytes | None, account: bytes) -> bool:
        """Whether a value that nobody waits for looks like its account's entry, so that it need not be decoded."""
        prefix = self._entry_prefix
        return value is not None and value.startswith(prefix) and value.startswith(account, len(prefix) + _TIME_BYTES)

    def _authorised(self, account: bytes) -> Iterable[CustomerId]:
        with self._store.read() as txn:
            self._store.check_whole(txn)
            row = self._store.row(txn, account, self._store.authorisations)
        return () if row is None else dict.fromkeys(records.customer_ids(self._codec, row))

    def _sender(self, out: Delivery) -> Sender:
        now = self._clock.wall_ms()
        start = self._message_prefix + long_bytes(now)
        return Sender(out, self._installed, self._names.outbound, self._id_hash, self._metrics, start, now)
