"""Two threads of the demo: one sends bookings at a steady rate, one receives the alerts."""

from collections.abc import Callable, Iterator
from threading import Event, Thread
from typing import Any, Final

from confluent_kafka import Message, TopicPartition

from kafkalert.bus import clients
from kafkalert.bus.records.watermarks import topic_ids
from kafkalert.config import names
from kafkalert.config.pipeline import OUTBOUND, SCHEMAS
from kafkalert.config.sections import Settings
from kafkalert.engine.clock import Clock
from kafkalert.errors import DecodingError, KafkalertError
from kafkalert.ops.masks import guard
from kafkalert.ops.wording import alert_words, harmless
from kafkalert.sandbox.bank import Booking
from kafkalert.sandbox.demo.scoreboard import Arrival, Scoreboard
from kafkalert.sandbox.expected import Expected
from kafkalert.serde import build
from kafkalert.serde.codec import Codec
from kafkalert.serde.keys import FIELD, encode_key

_UNKNOWN_BALANCE: Final = {
    "BalanceAfterBookingNumeric": 0,
    "balanceAfterBooking": "",
    "BalanceAfterBookingCreditDebitIndicator": "",
}
_FLUSH_SECONDS: Final = 10.0


class Worker(Thread):
    """A thread whose failure is raised by `check`, in the thread that asks."""

    def __init__(self, name: str, work: Callable[[Event], None]) -> None:
        super().__init__(name=name, daemon=True)
        self._work = work
        self._failure: Exception | None = None
        self.stopped = Event()

    def run(self) -> None:
        """Work until done or stopped."""
        try:
            self._work(self.stopped)
        except Exception as error:  # noqa: BLE001 - raised again where somebody sees it
            self._failure = error

    def check(self) -> None:
        """Raise what the thread ended by."""
        if self._failure is not None:
            raise self._failure

    def stop(self) -> None:
        """Ask for an end and wait for it."""
        self.stopped.set()
        self.join()


class Sender:
    """Sends bookings, `rate` of them a second, for so many seconds; each is acknowledged when this returns."""

    def __init__(
        self,
        settings: Settings,
        scoreboard: Scoreboard,
        bookings: Iterator[Booking],
        *,
        rate: float,
        seconds: float,
        clock: Clock,
    ) -> None:
        self._codec = build.codec(settings.serde)
        self._topic = settings.topic(names.ACCOUNTENTRY)
        self._producer: Any = clients.producer(settings.active)
        self._scoreboard = scoreboard
        self._bookings = bookings
        self._rate = rate
        self._count = round(rate * seconds)
        self._clock = clock

    def __call__(self, stopped: Event) -> None:
        """Send until all are sent, or until stopped. Raises KafkalertError if the broker does not take them."""
        began = self._clock.monotonic()
        for number in range(self._count):
            late = self._clock.monotonic() - (began + number / self._rate)
            if late < 0:
                self._producer.poll(0)
                if stopped.wait(-late):
                    return
            self._send(next(self._bookings))
        if self._producer.flush(_FLUSH_SECONDS):
            raise KafkalertError("The demo's broker does not take the bookings.", hint="Run it again.")

    def _send(self, booking: Booking) -> None:
        entry = dict(booking.entry)
        headers = [("ka-id", entry.pop("entryId"))]
        if "BalanceAfterBookingNumeric" not in entry:
            entry |= _UNKNOWN_BALANCE
            headers.append(("ka-balance", "unknown"))
        value = self._codec.encode("AccountEntry", entry)
        key = encode_key(self._codec, "AccountId", entry["accountId"])
        self._scoreboard.sending(booking, self._clock.monotonic())
        self._producer.produce(self._topic, value, key, headers=headers)
        self._producer.poll(0)


class Receiver:
    """Receives every alert from the beginning of the three topics."""

    def __init__(self, settings: Settings, scoreboard: Scoreboard, clock: Clock) -> None:
        self._codec = build.codec(settings.serde)
        self._topics = {settings.topic(name): (channel.value, SCHEMAS[name][0]) for channel, name in OUTBOUND.items()}
        self._consumer = clients.consumer(settings.active, settings.group("demo"))
        there = topic_ids(settings.active, list(self._topics))
        self._consumer.assign(
            [TopicPartition(name, number, 0) for name, (_, count) in there.items() for number in range(count)]
        )
        self._scoreboard = scoreboard
        self._clock = clock

    def __call__(self, stopped: Event) -> None:
        """Receive until stopped."""
        while not stopped.is_set():
            first = self._consumer.poll(0.1)
            for message in [] if first is None else [first, *self._consumer.consume(500, 0)]:
                if message.error() is None:
                    self._scoreboard.received(self._arrival(message), self._clock.monotonic())
        self._consumer.close()

    def _arrival(self, message: Message) -> Arrival:
        channel, schema = self._topics[str(message.topic())]
        headers: dict[str, Any] = dict(message.headers() or ())
        try:
            own_id = (headers.get("ka-id") or b"").decode(errors="replace")
            return arrival(self._codec, channel, schema, (message.key(), message.value()), own_id)
        except DecodingError as error:
            raise KafkalertError(
                f"An alert cannot be read: {error}", hint="Run it again with another --seed."
            ) from error


def arrival(codec: Codec, channel: str, schema: str, record: tuple[bytes | None, bytes | None], own_id: str) -> Arrival:
    """Return a received alert, by its key and value, in the statement's terms; its threshold is told by its id alone.

    Raises DecodingError.
    """
    holder, datum = codec.decode(schema, record[0]), codec.decode("OutboundMessage", record[1])
    address = holder[FIELD[schema]]
    customer = datum["customerId"]["id"] if datum["customerId"] else ""
    return Arrival(
        id=own_id,
        alert=Expected(customer, channel, address, datum["messageType"], "", frozenset(datum["params"].items())),
        address=harmless(guard(schema, holder)[FIELD[schema]]),
        words=alert_words(datum["messageType"], datum["params"]),
    )
