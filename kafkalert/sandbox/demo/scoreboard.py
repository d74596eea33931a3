"""What had to come, what came, and how long it took. No Kafka here: who sends and who receives tell it."""

from collections import Counter, deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from threading import Lock
from typing import Any, Final

from kafkalert.engine.observe.metrics import percentile
from kafkalert.model.ids import AlertId, CustomerId, EntryId, alert_id, alert_suffix
from kafkalert.ops.wording import entry_words
from kafkalert.sandbox.bank import Booking
from kafkalert.sandbox.expected import Expected, expected

CHANNELS: Final = ("email", "sms", "push")
LATELY: Final = 1000
SHOWN: Final = 10
"""How many of the last alerts, and of the last bookings, are kept to be shown."""


@dataclass(frozen=True, slots=True)
class ShownAlert:
    """An alert that came, masked and in words; `after_ms` is how long after its booking was sent."""

    channel: str
    address: str
    words: str
    after_ms: int


@dataclass(frozen=True, slots=True)
class Arrival:
    """An alert as it was received: its id, what the statement knows of it but its threshold, and how to show it."""

    id: str
    alert: Expected
    address: str
    words: str


@dataclass(frozen=True, slots=True)
class Snapshot:
    """How the demo stands at one moment. Latencies in ms of the last thousand alerts, None before the first."""

    phase: str
    seconds: float
    of_seconds: float
    day: date | None
    bookings: int
    expected: int
    arrived: Mapping[str, int]
    waiting: int
    p50_ms: int | None
    p99_ms: int | None
    last_bookings: tuple[str, ...]
    last_alerts: tuple[ShownAlert, ...]


@dataclass(frozen=True, slots=True)
class Loss:
    """Alerts of one rule that did not come, and one of them by its id and its entry's."""

    alert_type: str
    count: int
    alert_id: str
    entry_id: str


@dataclass(frozen=True, slots=True)
class Summary:
    """What the demo came to.

    `wrong` are alerts with another content than they should have, or that nobody expects. Latencies are those of
    bookings sent after `warm_after` seconds: brokers and caches begin cold.
    """

    seed: int
    seconds: float
    bookings: int
    expected: int
    arrived: int
    email: int
    sms: int
    push: int
    missing: int
    wrong: int
    repeated: int
    warm_after: float
    p50_ms: int | None
    p99_ms: int | None
    lost: tuple[Loss, ...]

    @property
    def complete(self) -> bool:
        """Whether every expected alert came, and nothing else."""
        return not (self.missing or self.wrong)


@dataclass(frozen=True, slots=True)
class _Due:
    entry: str
    alert: Expected
    sent: float


class Scoreboard:
    """Counts, under one lock, because who sends and who receives are threads of their own. Times in seconds."""

    def __init__(
        self, id_key: bytes, authorisations: Mapping[str, Sequence[str]], settings: Mapping[str, Mapping[str, Any]]
    ) -> None:
        self._id_key = id_key
        self._authorisations = authorisations
        self._settings = settings
        self._lock = Lock()
        self._due: dict[str, _Due] = {}
        self._expected = self._bookings = self._wrong = self._repeated = 0
        self._arrived: Counter[str] = Counter()
        self._came: set[str] = set()
        self._latencies: list[tuple[float, int]] = []
        self._last_bookings: deque[str] = deque(maxlen=SHOWN)
        self._last_alerts: deque[ShownAlert] = deque(maxlen=SHOWN)
        self._day: date | None = None

    def sending(self, booking: Booking, at: float) -> None:
        """Wait for the alerts of a booking that is about to be sent."""
        entry = booking.entry
        alerts = expected(entry, self._authorisations, self._settings)
        with self._lock:
            for alert in alerts:
                self._due[self._id(entry["entryId"], alert)] = _Due(entry["entryId"], alert, at)
            self._expected += len(alerts)
            self._bookings += 1
            self._day = booking.day
            known = "BalanceAfterBookingNumeric" in entry
            self._last_bookings.append(f"{booking.what}: {entry_words(entry, balance_known=known)}")

    def received(self, arrival: Arrival, at: float) -> None:
        """Take an alert that was received."""
        with self._lock:
            due = self._due.pop(arrival.id, None)
            if due is None:
                if arrival.id in self._came:
                    self._repeated += 1
                else:
                    self._wrong += 1
                return
            self._came.add(arrival.id)
            self._wrong += arrival.alert != due.alert._replace(threshold="")
            after = round(1000 * (at - due.sent))
            self._latencies.append((due.sent, after))
            channel = arrival.alert.channel.lower()
            self._arrived[channel] += 1
            self._last_alerts.append(ShownAlert(channel, arrival.address, arrival.words, after))

    def waiting(self) -> int:
        """How many expected alerts have not come yet."""
        with self._lock:
            return len(self._due)

    def snapshot(self, phase: str, seconds: float, of_seconds: float) -> Snapshot:
        """How it stands."""
        with self._lock:
            latencies = sorted(after for _, after in self._latencies[-LATELY:])
            return Snapshot(
                phase=phase,
                seconds=seconds,
                of_seconds=of_seconds,
                day=self._day,
                bookings=self._bookings,
                expected=self._expected,
                arrived={channel: self._arrived[channel] for channel in CHANNELS},
                waiting=len(self._due),
                p50_ms=percentile(latencies, 50),
                p99_ms=percentile(latencies, 99),
                last_bookings=tuple(self._last_bookings),
                last_alerts=tuple(self._last_alerts),
            )

    def summary(self, seed: int, began: float, ended: float, *, warm_after: float) -> Summary:
        """Return what it came to; what has not come by now is missing."""
        with self._lock:
            latencies = sorted(after for sent, after in self._latencies if sent >= began + warm_after)
            return Summary(
                seed=seed,
                seconds=round(ended - began, 1),
                bookings=self._bookings,
                expected=self._expected,
                arrived=self._arrived.total(),
                **{channel: self._arrived[channel] for channel in CHANNELS},
                missing=len(self._due),
                wrong=self._wrong,
                repeated=self._repeated,
                warm_after=warm_after,
                p50_ms=percentile(latencies, 50),
                p99_ms=percentile(latencies, 99),
                lost=self._lost(),
            )

    def _lost(self) -> tuple[Loss, ...]:
        rules: dict[str, list[tuple[str, _Due]]] = {}
        for id_, due in self._due.items():
            rules.setdefault(due.alert.alert_type, []).append((id_, due))
        return tuple(
            Loss(alert_type, len(found), found[0][0], found[0][1].entry) for alert_type, found in sorted(rules.items())
        )

    def _id(self, entry: str, alert: Expected) -> AlertId:
        suffix = alert_suffix(
            CustomerId(alert.customer), alert.alert_type, alert.threshold, alert.channel, alert.address
        )
        return alert_id(self._id_key, EntryId(entry), suffix)
