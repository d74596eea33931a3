"""Records for tests of `tail`: topics of a test's own on a real broker, and alerts written to them."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from confluent_kafka import Producer
from confluent_kafka.admin import NewPartitions, NewTopic

from kafkalert.bus.clients import admin, producer
from kafkalert.config.sections import Cluster, Context, Settings
from kafkalert.ops.tail import Record, Request, Tail
from kafkalert.sandbox.process import wait_until
from kafkalert.serde.codec import Codec
from kafkalert.serde.keys import FIELD, encode_key

SECONDS = 60
CODEC = Codec()
EMAIL, SMS, PUSH, ENTRIES = "outboundemailmessage", "outboundsmsmessage", "outboundcustomerpushmessage", "accountentry"
KEYS = {EMAIL: "EmailAddress", SMS: "PhoneNumber", PUSH: "CustomerId"}
BEGIN = 1_750_000_000_000
"""The time of record 0 in ms; record n is n ms later."""


def message(number: int, account: str = "NL20KAFK0000004300", **params: str) -> bytes:
    """An OutboundMessage whose balance is `number`."""
    said = {
        "alert_settings_account_number": account,
        "alert_settings_amount": "40.00",
        "alert_settings_amount_currency": "EUR",
        "alert_amount_amount": "45.00",
        "alert_amount_amount_currency": "EUR",
        "balance_amount": str(number),
        "balance_amount_currency": "EUR",
        **params,
    }
    datum = {
        "timestamp": BEGIN + number,
        "customerId": {"id": "c1"},
        "messageType": "ALERT_DEBITED_ABOVE_THRESHOLD",
        "params": said,
    }
    return CODEC.encode("OutboundMessage", datum)


def balance(record: Record) -> int:
    """The number that `message` was made of."""
    return int(record.value["params"]["balance_amount"])


class Board:
    """Topics below `prefix` on one broker, written to by their own names. `settings` lead there."""

    def __init__(self, bootstrap: str, prefix: str) -> None:
        self.cluster = Cluster(name="dc1", bootstrap=bootstrap)
        self.settings = Settings(context=Context(clusters=("dc1",), prefix=prefix), clusters={"dc1": self.cluster})
        self.admin = admin(self.cluster)
        self._producer: Any = producer(self.cluster)

    def make(self, *names: str, partitions: int = 3) -> None:
        """Create topics, and wait until the broker tells of them."""
        topics = [NewTopic(self.settings.topic(name), partitions, 1) for name in names]
        for future in self.admin.create_topics(topics).values():
            future.result(SECONDS)
        assert wait_until(lambda: all(one.topic in self.admin.list_topics().topics for one in topics), SECONDS)

    def grow(self, name: str, partitions: int) -> None:
        """Add partitions to a topic, and wait until they can be written to."""
        topic = self.settings.topic(name)
        self.admin.create_partitions([NewPartitions(topic, partitions)])[topic].result(SECONDS)
        assert wait_until(
            lambda: len(self._producer.list_topics(topic).topics[topic].partitions) == partitions, SECONDS
        )

    def remove(self, name: str) -> None:
        """Delete a topic, and wait until it is gone."""
        topic = self.settings.topic(name)
        self.admin.delete_topics([topic])[topic].result(SECONDS)
        assert wait_until(lambda: topic not in self.admin.list_topics().topics, SECONDS)

    def put(
        self, name: str, number: int, *, address: str = "jan@example.org", partition: int = -1, **more: object
    ) -> None:
        """Send the alert `number`; `more` replaces what `produce` is given."""
        given: dict[str, Any] = {
            "key": encode_key(CODEC, KEYS[name], address),
            "value": message(number),
            "timestamp": BEGIN + number,
            "partition": partition,
            **more,
        }
        self._producer.produce(self.settings.topic(name), **given)
        self._producer.poll(0)

    def flush(self) -> None:
        """Return once everything is acknowledged."""
        assert self._producer.flush(SECONDS) == 0

    def transaction(self, name: str, numbers: range, *, commit: bool) -> None:
        """Send alerts to partition 0 in a transaction, which leaves a marker behind them."""
        writer = Producer({"bootstrap.servers": self.cluster.bootstrap, "transactional.id": self.settings.group(name)})
        writer.init_transactions(SECONDS)
        writer.begin_transaction()
        for number in numbers:
            writer.produce(self.settings.topic(name), message(number), partition=0, timestamp=BEGIN + number)
        if commit:
            writer.commit_transaction(SECONDS)
        else:
            writer.flush(SECONDS)
            writer.abort_transaction(SECONDS)

    def tail(self, **asked: Any) -> tuple[list[Record], Tail]:  # noqa: ANN401 - Request.parse's
        """What `tail` gives, to its end."""
        tailing = Tail(self.settings, Request.parse(self.settings, **asked), note=lambda _: None)
        return list(tailing.records()), tailing

    @contextmanager
    def following(self, *, clock: Any = None, **asked: Any) -> Iterator["Followed"]:  # noqa: ANN401 - as above
        """A `tail -f` in a thread of its own."""
        followed = Followed(self.settings, Request.parse(self.settings, following=True, **asked), clock)
        followed.thread.start()
        try:
            yield followed
        finally:
            followed.over.set()
            followed.thread.join(SECONDS)
            assert not followed.thread.is_alive()


class Followed:
    """A `tail -f` that runs: `records` and `notes` as they come."""

    def __init__(self, settings: Settings, request: Request, clock: Any) -> None:  # noqa: ANN401 - a Clock or None
        self.over = threading.Event()
        self.records: list[Record] = []
        self.notes: list[str] = []
        self.tail = Tail(settings, request, note=self.notes.append, gone=self.over.is_set, clock=clock)
        self.thread = threading.Thread(target=self._follow, daemon=True)

    def _follow(self) -> None:
        for record in self.tail.records():
            self.records.append(record)

    @property
    def numbers(self) -> list[int]:
        """The numbers of the alerts that came."""
        return [balance(record) for record in self.records]

    def until(self, condition: Callable[[], bool]) -> None:
        """Wait until it holds."""
        assert wait_until(condition, SECONDS), (self.numbers, self.notes)


__all__ = ["BEGIN", "EMAIL", "ENTRIES", "FIELD", "PUSH", "SMS", "Board", "Followed", "balance", "message"]
