"""A pipeline on a real broker for tests of faults: a bank's topics, a load of bookings, `kafkalert run alerting`.

What has to come out is said by `kafkalert.sandbox.expected`, which shares nothing with the rules.
"""

import json
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from time import time_ns
from typing import Any

from confluent_kafka import Consumer, KafkaError, KafkaException, Message, Producer, TopicPartition
from confluent_kafka.cimpl import NewPartitions, NewTopic

from kafkalert.bus.clients import admin, consumer, producer
from kafkalert.config.sections import DEVELOPMENT_KEY, Cluster, Context, Engine, Settings, Topics
from kafkalert.model.ids import AlertId, CustomerId, EntryId, alert_id, alert_suffix
from kafkalert.ops.topics import wanted
from kafkalert.sandbox.bank import Bank
from kafkalert.sandbox.expected import expected
from kafkalert.sandbox.process import wait_until
from tests.support.alerting import SECONDS, Alerting
from tests.support.data.rows import datum
from tests.support.reading import (
    AUTHORISATIONS,
    BY_CUSTOMER,
    CODEC,
    ENTRIES,
    OUTBOUND,
    SETTINGS,
    Output,
    Place,
    ends,
    output,
)


@dataclass(slots=True)
class Sent:
    """An entry that was sent, and the alerts that it has to raise, by the customer who gets them."""

    number: int
    account: str
    alerts: dict[str, set[AlertId]]

    @property
    def ids(self) -> set[AlertId]:
        """All its alerts."""
        return set().union(*self.alerts.values())


@dataclass
class Pipeline:
    """Topics of one bank below `prefix`, and what was written to them. `engine` and `topics` are sections."""

    bootstrap: str
    prefix: str
    folder: Path
    partitions: int = 4
    replication: int = 1
    bank: Bank = field(default_factory=lambda: Bank(count=25))
    engine: dict[str, Any] = field(default_factory=dict)
    topics: dict[str, Any] = field(default_factory=dict)
    sent: dict[str, Sent] = field(default_factory=dict)
    added: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.folder.mkdir(exist_ok=True, parents=True)
        self.cluster = Cluster(name="dc1", bootstrap=self.bootstrap)
        # Outputs that stay long in the producer, and commits that come often: one without the other would be seen. A
        # batch that is full leaves outputs to wait for others, so batches of one always do.
        slow = {"linger": "400ms", "commit_interval": "100ms", "batch": 1}
        self.engine = {"state": str(self.folder / "state"), **slow, **self.engine}
        self.authorisations: dict[str, list[str]] = dict(self.bank.authorisations)
        self.settings: dict[str, dict[str, Any] | None] = dict(self.bank.settings)
        self.bookings = self.bank.bookings(lambda: time_ns() // 1_000_000)
        self.producers: dict[str, Producer] = defaultdict(lambda: producer(self.cluster))
        self.two_hop = self.engine.get("mode") == "two-hop"
        self.alertings: list[Alerting] = []
        self.failed: list[KafkaError] = []

    def topic(self, name: str) -> str:
        """A topic's name here."""
        return self.prefix + name

    def group(self) -> str:
        """The group of the stage."""
        return f"{self.prefix}kafkalert.alerting"

    def make_topics(self, *names: str) -> "Pipeline":
        """Create topics as `topics apply` does, all of them or those named, and return once the broker leads them."""
        context = Context(name="test", clusters=("dc1",), prefix=self.prefix)
        topics, engine = Topics(replication=self.replication), Engine(mode="two-hop")
        settings = Settings(context=context, clusters={"dc1": self.cluster}, topics=topics, engine=engine)
        new = [
            NewTopic(one.name, min(one.partitions, self.partitions), self.replication, config=one.config)
            for one in wanted(settings)
            if not names or one.name in map(self.topic, names)
        ]
        client = admin(self.cluster)
        for future in client.create_topics(new, operation_timeout=30).values():
            future.result(30)
        self._await_led([one.topic.removeprefix(self.prefix) for one in new])
        return self

    def add_partitions(self, count: int, *names: str) -> None:
        """Give topics `count` partitions, unless a mirror did so just now; who writes there from now on knows them."""
        new = [NewPartitions(self.topic(name), count) for name in names]
        client = admin(self.cluster)  # held: its answers come only while it lives
        for future in client.create_partitions(new, operation_timeout=30).values():
            error = future.exception(30)
            if error is not None and error.args[0].code() != KafkaError.INVALID_PARTITIONS:
                raise error
        self.added |= dict.fromkeys(names, count)
        self._await_led(names)
        for name in names:
            self.producers.pop(name, None)

    def _await_led(self, names: Sequence[str]) -> None:
        """Return once the broker leads every partition of topics, of which it may hear only after it has made them."""
        refusals: list[KafkaException] = []

        def led() -> bool:
            client = self.client()
            try:
                ends(client, self.places(*names))
            except KafkaException as error:
                refusals.append(error)
                return False
            finally:
                client.close()
            return True

        assert wait_until(led, SECONDS), f"{len(refusals)} times, last: {refusals[-1]}"

    def seed(self) -> None:
        """Write both tables, as they are in `authorisations` and `settings`."""
        for account, customers in self.authorisations.items():
            self.authorise(account, customers)
        for customer, row in self.settings.items():
            self.put_settings(customer, row)
        self.flush()

    def authorise(self, account: str, customers: list[str] | None) -> None:
        """Who may see an account from now on; None removes the row."""
        value = None if customers is None else {"customerIds": [{"id": one} for one in customers]}
        raw = None if value is None else CODEC.encode("CustomerIds", value)
        self.put(AUTHORISATIONS, raw, CODEC.encode("AccountId", {"id": account}))
        self.authorisations[account] = customers or []

    def put_settings(self, customer: str, row: dict[str, Any] | None) -> None:
        """What a customer asks for from now on; None removes the row."""
        raw = None if row is None else CODEC.encode("CustomerAlertSettings", row)
        self.put(SETTINGS, raw, CODEC.encode("CustomerId", {"id": customer}))
        self.settings[customer] = row

    def put(
        self,
        topic: str,
        value: bytes | None,
        key: bytes | None,
        headers: Sequence[tuple[str, bytes]] = (),
        timestamp: int = 0,
    ) -> None:
        """Hand a record to the topic's producer."""
        sender = self.producers[topic]
        while True:
            try:
                sender.produce(
                    self.topic(topic), value, key, headers=list(headers), timestamp=timestamp, on_delivery=self._report
                )
            except BufferError:
                sender.poll(0.1)
            else:
                sender.poll(0)
                return

    def flush(self) -> None:
        """Wait until the broker has everything."""
        assert not any(one.flush(SECONDS) for one in list(self.producers.values()))
        assert self.failed == []

    def _report(self, error: KafkaError | None, _message: Message) -> None:
        if error is not None:
            self.failed.append(error)

    def send(self, count: int) -> list[Sent]:
        """Send the bank's next bookings."""
        return [self.book(one.entry) for one in islice(self.bookings, count)]

    def book(self, entry: dict[str, Any], timestamp: int = 0, more: Sequence[tuple[str, bytes]] = ()) -> Sent:
        """Send a booking; `timestamp` of the record in ms, now where it is 0; `more` headers, behind its own."""
        sent = Sent(len(self.sent), entry["accountId"], self.alerts_of(entry))
        self.sent[entry["entryId"]] = sent
        headers = [("ka-id", entry["entryId"].encode())]
        if "BalanceAfterBookingNumeric" not in entry:
            headers.append(("ka-balance", b"unknown"))
        key = CODEC.encode("AccountId", {"id": entry["accountId"]})
        self.put(ENTRIES, CODEC.encode("AccountEntry", datum(entry)), key, [*headers, *more], timestamp=timestamp)
        return sent

    def alerts_of(self, entry: dict[str, Any]) -> dict[str, set[AlertId]]:
        """The ids of the alerts that an entry has to raise by the tables as they are now."""
        alerts: dict[str, set[AlertId]] = defaultdict(set)
        for one in expected(entry, self.authorisations, self.settings):
            suffix = alert_suffix(CustomerId(one.customer), one.alert_type, one.threshold, one.channel, one.address)
            alerts[one.customer].add(alert_id(DEVELOPMENT_KEY, EntryId(entry["entryId"]), suffix))
        return dict(alerts)

    def client(self, group: str = "test", **more: object) -> Consumer:
        """A consumer that is member of no group; `more` are properties of the client library."""
        return consumer(self.cluster, self.prefix + group, queued_max_messages_kbytes=8192, **more)

    def places(self, *topics: str) -> list[Place]:
        """The partitions of topics."""
        one = ("kafkalert.status", "kafkalert.control")
        return [
            (self.topic(name), n)
            for name in topics
            for n in range(1 if name in one else self.added.get(name, self.partitions))
        ]

    def read(self, *topics: str) -> list[Message]:
        """All records that topics hold now, each partition's in order. The marker of a transaction may be last."""
        client = self.client(enable_partition_eof=True)
        try:
            last = ends(client, self.places(*topics))
            left = {place for place, end in last.items() if end}
            client.assign([TopicPartition(*place, 0) for place in left])
            found: list[Message] = []

            def complete() -> bool:
                first = client.poll(0.2)
                for message in [] if first is None else [first, *client.consume(10_000, 0)]:
                    place = (str(message.topic()), int(message.partition() or 0))
                    at, error = int(message.offset() or 0), message.error()
                    if error is None:
                        found.append(message)
                        at += 1
                    else:
                        assert error.code() == KafkaError._PARTITION_EOF, error
                    if at >= last[place]:
                        left.discard(place)
                return not left

            assert wait_until(complete, SECONDS, every=0), f"{topics}: {left} not read to the end"
            return found
        finally:
            client.close()

    def due(self) -> set[AlertId]:
        """The alerts that everything sent so far has to raise."""
        return {alert for sent in list(self.sent.values()) for alert in sent.ids}

    def outputs(self) -> list[Output]:
        """All alerts, each partition's in order."""
        return [output(one) for one in self.read(*OUTBOUND)]

    def committed(self, client: Consumer, *topics: str) -> dict[Place, int]:
        """What the stage's group has committed; `client` has to be of that group."""
        told = client.committed([TopicPartition(*one) for one in self.places(*topics)], timeout=5)
        return {(one.topic, one.partition): max(0, one.offset) for one in told}

    @property
    def inputs(self) -> tuple[str, ...]:
        """What the stage reads."""
        return (ENTRIES, BY_CUSTOMER) if self.two_hop else (ENTRIES,)

    def await_processed(self) -> None:
        """Wait until the group has committed the end of all input."""
        self.flush()
        client = self.client("kafkalert.alerting")
        seen: dict[str, Any] = {}

        def done() -> bool:
            for one in self.alertings:
                one.check()
            try:
                for topic in self.inputs:  # in this order: the second hop's end is moved by the first's commit
                    seen["at"] = self.committed(client, topic)
                    seen["end"] = ends(client, self.places(topic))
                    if seen["at"] != seen["end"]:
                        return False
            except KafkaException as error:
                seen["error"] = error
                return False
            return True

        try:
            assert wait_until(done, SECONDS, every=0.05), f"{seen}\n{self.said()}"
        finally:
            client.close()

    def config(self) -> Path:
        """The configuration's file."""
        path = self.folder / "kafkalert.toml"
        lines = [
            *("[clusters.dc1]", f"bootstrap = {json.dumps(self.bootstrap)}"),
            *("[contexts.test]", 'clusters = ["dc1"]', f"prefix = {json.dumps(self.prefix)}"),
            *("[topics]", *(f"{name} = {json.dumps(value)}" for name, value in self.topics.items())),
            *("[engine]", *(f"{name} = {json.dumps(value)}" for name, value in self.engine.items())),
        ]
        path.write_text("\n".join(lines) + "\n", encoding="utf-8")
        return path

    def alerting(self, *arguments: str, state: str = "", env: dict[str, str] | None = None) -> Alerting:
        """Start `kafkalert run alerting`; `state` names a folder of tables of its own, as another machine has."""
        own = {"KAFKALERT_ENGINE__STATE": str(self.folder / state)} if state else {}
        log = self.folder / f"alerting-{len(self.alertings)}.log"
        one = Alerting(self.config(), log, arguments, own | (env or {}))
        self.alertings.append(one)
        return one

    def said(self) -> str:
        """The last that every process wrote to stderr."""
        parts = (f"{one.log.name}: {one.process.poll()}\n{one.stderr()[-3000:]}" for one in self.alertings)
        return "\n".join(parts)

    def end(self) -> None:
        """Leave no process."""
        for one in self.alertings:
            one.kill()

    def verify(self, least: int = 1) -> list[Output]:
        """Prove that nothing was lost: every alert is there and no other, in order per key, repeats with equal ids.

        `least` is how many alerts there have to be at least, so that a run without any proves nothing.
        """
        outputs = self.outputs()
        want = self.due()
        got = {one.id for one in outputs}
        assert len(want) >= least
        assert want - got == set(), f"{len(want - got)} of {len(want)} alerts were lost\n{self.said()}"
        assert got - want == set(), f"{len(got - want)} alerts that nobody asked for"
        by_id: dict[str, tuple[Any, ...]] = {}
        order: dict[tuple[str, bytes, str], dict[str, None]] = defaultdict(dict)
        for one in outputs:
            assert by_id.setdefault(one.id, one.what) == one.what
            order[one.place[0], one.key, one.account][one.entry] = None
        for who, entries in order.items():
            numbers = [self.sent[entry].number for entry in entries]
            assert numbers == sorted(numbers), f"first occurrences for {who[2][-4:]} are out of order: {numbers}"
        return outputs


@contextmanager
def pipelines(bootstrap: str, prefix: str, folder: Path) -> Iterator[Callable[..., Pipeline]]:
    """Makes pipelines, topics filled, of the engine settings that it is called with; ends them all."""
    made: list[Pipeline] = []

    def pipeline(**engine: object) -> Pipeline:
        one = Pipeline(bootstrap, prefix, folder, engine=dict(engine))
        made.append(one)
        one.make_topics()
        one.seed()
        return one

    try:
        yield pipeline
    finally:
        for one in made:
            one.end()
