"""alerting: entries in, alerts out, by the tables. One hop, or two by way of customeraccountentry."""

import gc
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from threading import Event
from typing import Final

from confluent_kafka import Message

from kafkalert.bus import clients
from kafkalert.bus.watermarks import ends, partitions_of, topic_ids
from kafkalert.config.sections import Cluster, Settings
from kafkalert.engine.clock import Clock, SystemClock
from kafkalert.engine.compiled import (
    CHANNELS,
    CompiledRule,
    Compiler,
    flavour,
    of_currency,
)
from kafkalert.engine.deadletter import DeadLetters
from kafkalert.engine.delivery import Delivery
from kafkalert.engine.ending import Ends
from kafkalert.engine.follower import Follower
from kafkalert.engine.metrics import Metrics
from kafkalert.engine.rulecache import RuleCache
from kafkalert.engine.runner import Runner, RunOptions
from kafkalert.engine.stopping import Stopping
from kafkalert.engine.store import MAX_ID, Store
from kafkalert.engine.tables import AUTHORISATIONS, SETTINGS, checked_id, tables
from kafkalert.engine.waiting import await_tables, staleness
from kafkalert.errors import DecodingError
from kafkalert.model.ids import CustomerId, alert_hash, customer_entry_id
from kafkalert.rules.rule import Rule, installed, movement
from kafkalert.serde import build, records
from kafkalert.serde.booking import Booking, BookingReader
from kafkalert.serde.codec import Codec
from kafkalert.serde.keys import KeyReader, encode_key
from kafkalert.serde.wire import long_bytes
from kafkalert.stages import entry as entries
from kafkalert.stages.sending import Asked, Sender

NAME: Final = "alerting"
ENTRIES: Final = "accountentry"
CUSTOMER_ENTRIES: Final = "customeraccountentry"
OUTBOUND: Final = {
    "EMAIL": "outboundemailmessage",
    "SMS": "outboundsmsmessage",
    "PUSH": "outboundcustomerpushmessage",
}
_TIME_BYTES: Final = 6
"""Length of an entry's time in Avro for any moment from 1970 to 2039."""

_BATCHES_OF_OBJECTS: Final = 20_000
"""Objects made before rubbish is looked for: some batches, whose records all live until they are processed."""


@dataclass(frozen=True, slots=True)
class Names:
    """The topics in use here."""

    entries: str
    customer_entries: str
    tables: tuple[str, ...]
    outbound: tuple[str, ...]

    @classmethod
    def of(cls, settings: Settings) -> "Names":
        """As the configuration names them."""
        outbound = tuple(settings.topic(OUTBOUND[channel]) for channel in CHANNELS)
        followed = (settings.topic(AUTHORISATIONS), settings.topic(SETTINGS))
        return cls(settings.topic(ENTRIES), settings.topic(CUSTOMER_ENTRIES), followed, outbound)


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
    ) -> None:
        self.inputs: Sequence[str] = (names.entries, names.customer_entries) if two_hop else (names.entries,)
        self.tables: Sequence[str] = names.tables
        self.outputs: Sequence[str] = names.outbound
        self._names = names
        self._two_hop = two_hop
        self._store = store
        self._codec = codec
        self._asked = Asked([rules[name] for name in sorted(rules)])
        compiler = Compiler(store, codec, rules)
        self._cache = RuleCache(store, compiler, KeyReader(codec, "AccountId"))
        self._id_key = id_key
        self._id_hash = alert_hash(id_key)
        self._metrics = metrics
        self._clock = clock
        self._customers = KeyReader(codec, "CustomerId")
        self._bookings = BookingReader(codec)
        self._entry_prefix = codec.framing.prefix("AccountEntry")
        self._message_prefix = codec.framing.prefix("OutboundMessage")
        metrics.skipped = compiler.skipped

    def process(self, messages: Sequence[Message], out: Delivery, dead: DeadLetters) -> None:
        """Send the alerts of a batch; in two-hop mode also what the second hop reads."""
        self._metrics.entries += len(messages)
        if self._two_hop:
            second = [one for one in messages if one.topic() == self._names.customer_entries]
            self._second_hop(second, out, dead)
            self._first_hop([one for one in messages if one.topic() != self._names.customer_entries], out, dead)
        else:
            self._one_hop(messages, out, dead)

    def _one_hop(self, messages: Sequence[Message], out: Delivery, dead: DeadLetters) -> None:
        accounts = self._cache.by_key([one.key() for one in messages])
        sender = self._sender(out)
        read = self._bookings.read
        for message, account in zip(messages, accounts, strict=True):
            try:
                looks = account.looks
                if looks:
                    currency, amount, balance, credit = booking = read(message.value(), account.text)
                    look = looks.get(currency)
                    if look is not None and look.may_raise(amount, balance, credit):
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
        rules: Iterable[CompiledRule],
        sender: Sender,
        id_headers: tuple[str, ...] = (entries.ID,),
    ) -> None:
        """Send what an entry raises of `rules`. Raises DecodingError."""
        currency, amount, balance, credit = booking
        entry = entries.carried(message, self._id_key, id_headers)
        moved = movement(amount, None if entry.balance_unknown else balance, credit)
        chosen = self._asked.raised(rules, moved)
        if chosen:
            sender.alert(message, entry, chosen, currency, moved)

    def _first_hop(self, messages: Sequence[Message], out: Delivery, dead: DeadLetters) -> None:
        """For each customer who may see the account: this entry needs processing."""
        accounts = self._cache.by_key([one.key() for one in messages])
        for message, account in zip(messages, accounts, strict=True):
            try:
                if account.bad is not None:
                    dead.put(message, account.bad)
                    continue
                self._bookings.read(message.value(), account.text)
                entry = entries.carried(message, self._id_key)
                for customer in self._authorised(account.id):
                    own = customer_entry_id(self._id_key, entry.id, customer)
                    customer_key = encode_key(self._codec, "CustomerId", customer)
                    headers = [(entries.ID, own), (entries.ENTRY, entry.id), *entry.passed_on]
                    out.send(self._names.customer_entries, message.value(), customer_key, headers)
            except DecodingError as error:
                dead.put(message, error)

    def _second_hop(self, messages: Sequence[Message], out: Delivery, dead: DeadLetters) -> None:
        """The alerts of the one customer that the key names."""
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
                asked = [one for one in rules if one.customer == customer]
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
            row = txn.get(account, None, self._store.authorisations)
        return () if row is None else dict.fromkeys(records.customer_ids(self._codec, row))

    def _sender(self, out: Delivery) -> Sender:
        now = self._clock.wall_ms()
        start = self._message_prefix + long_bytes(now)
        return Sender(out, self._asked, self._names.outbound, self._id_hash, self._metrics, start, now)


@dataclass(frozen=True, slots=True)
class Ran:
    """What a run came to: records read, and messages that they gave."""

    entries: int
    alerts: int


def run(settings: Settings, options: RunOptions) -> Ran:
    """Run the stage until stopped (SIGTERM, ctrl-c) or at the end. Raises KafkalertError."""
    clock = SystemClock()
    stopping = Stopping(clock)
    stopping.on_signals()
    codec, rules, metrics = build.codec(settings.serde), installed(), Metrics()
    clusters = [settings.clusters[name] for name in settings.context.clusters]
    names = Names.of(settings)
    # Of two environments in one folder, the older one ends.
    whose = repr((sorted(settings.context.clusters), names.tables)).encode()
    store = Store(settings.engine.state, size=settings.engine.table_size, flavour=flavour(codec, rules) + whose)
    followed = tables(store, codec, authorisations=names.tables[0], settings=names.tables[1])
    follower = Follower(
        store,
        clusters,
        followed,
        dead_topic=settings.topic("kafkalert.deadletter"),
        keep_tombstones_ms=int(settings.topics.delete_retention.total_seconds() * 1000),
        metrics=metrics,
        clock=clock,
        stopping=stopping,
    )
    collected = Event()

    def prepare(cluster: Cluster) -> Callable[[Ends], bool]:
        topics = topic_ids(cluster, [one.topic for one in followed])
        consumer = clients.consumer(cluster, "kafkalert.tables")
        ends(cluster, consumer, partitions_of(topics))  # connects

        def ready(ending: Ends) -> bool:
            follower.follow(cluster)
            log_ends = ends(cluster, consumer, partitions_of(topics))
            clients.close_behind(consumer)
            ids = {topic: found for topic, (found, _) in topics.items()}
            if not await_tables(store, log_ends, ids, problem=lambda: follower.problem, clock=clock, stopping=ending):
                return False
            if not collected.is_set():
                collected.set()
                gc.collect()
                gc.freeze()  # what lives from here on for ever is not looked at again
                gc.set_threshold(_BATCHES_OF_OBJECTS, *gc.get_threshold()[1:])
            return True

        return ready

    stage = Alerting(
        names,
        two_hop=settings.engine.mode == "two-hop",
        store=store,
        codec=codec,
        rules=rules,
        id_key=settings.alerts.id_key.get_secret_value(),
        metrics=metrics,
        clock=clock,
    )
    runner = Runner(
        settings,
        options,
        stage=stage,
        metrics=metrics,
        prepare=prepare,
        hold=lambda: staleness(store, clock) and (follower.problem or staleness(store, clock)),
        expect=follower.expect,
        clock=clock,
        stopping=stopping,
    )
    try:
        runner.run()
    finally:
        if follower.ident is not None:
            follower.join(2.0)
    return Ran(metrics.entries, metrics.alerts.total())
