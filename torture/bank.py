"""The bank that is tortured: bookings from all sides, rows that change, and what each of them has to lead to."""

import json
from collections import defaultdict
from collections.abc import Callable, Sequence
from itertools import count, islice
from threading import Event, Lock, Thread
from typing import Any, Final

from confluent_kafka import KafkaException, Producer

from kafkalert.bus.clients import producer
from kafkalert.config.sections import DEVELOPMENT_KEY
from kafkalert.model.ids import AlertId, CustomerId, EntryId, alert_id, alert_suffix
from kafkalert.sandbox.expected import expected
from tests.support.data.rows import datum, debit, settings_row
from tests.support.feeding import EntryFeed
from tests.support.pipeline import Sent
from tests.support.reading import CODEC, ENTRIES, SETTINGS
from tests.support.twin import NAMES, Twin, now_ms
from torture.disk import Disk
from torture.journal import Journal

CHANGING: Final = 6
"""Customers whose rows change all the time, each with an account of his own."""
_TRANSACTION_SECONDS: Final = 20.0


class Changing:
    """Customers whose rows change. What is in force when an entry comes is not known: any of his rows may be right.

    After everything is quiet it is known, and then `probe` says exactly what has to come. The even ones are written on
    dc1 alone and the odd ones on dc2, so that one key has one order.
    """

    def __init__(self) -> None:
        self.authorisations = {f"NL00TORTURE{one}": [f"torture-{one}"] for one in range(CHANGING)}
        self.rows: dict[str, list[dict[str, Any]]] = {
            customer: [settings_row(customer, account)] for account, (customer,) in self.authorisations.items()
        }
        self.entries: dict[str, dict[str, Any]] = {}
        self._numbers = count(1)

    def next_row(self, number: int) -> tuple[str, dict[str, Any]]:
        """A customer and a new row for him, with an address that no row had before."""
        customer = f"torture-{number % CHANGING}"
        account = f"NL00TORTURE{number % CHANGING}"
        row = settings_row(customer, account)
        row["addresses"] = [{"address": {"emailAddress": f"{customer}-{next(self._numbers)}@example.org"}}]
        return customer, row

    def next_entries(self) -> list[dict[str, Any]]:
        """An entry on each account."""
        number = next(self._numbers)
        made = [debit(account, f"torture-{number}-{account}", timestamp=now_ms()) for account in self.authorisations]
        self.entries |= {one["entryId"]: one for one in made}
        return made

    def possible(self, entry: dict[str, Any], *, newest: bool = False) -> set[AlertId]:
        """The alerts that an entry may raise, by any row so far, or by the newest alone."""
        (customer,) = self.authorisations[entry["accountId"]]
        rows = self.rows[customer]
        return set().union(
            *(ids(entry, self.authorisations, {customer: row}) for row in (rows[-1:] if newest else rows))
        )


def ids(entry: dict[str, Any], authorisations: dict[str, list[str]], settings: dict[str, Any]) -> set[AlertId]:
    """The ids of the alerts that an entry raises by these tables."""
    return {
        alert_id(
            DEVELOPMENT_KEY,
            EntryId(entry["entryId"]),
            alert_suffix(CustomerId(one.customer), one.alert_type, one.threshold, one.channel, one.address),
        )
        for one in expected(entry, authorisations, settings)
    }


class Bank(Twin):
    """Two clusters of a bank, with other systems that write to either of them.

    `sent` are entries that have to be alerted, `maybe` such that may be.
    """

    def __post_init__(self) -> None:
        super().__post_init__()
        self.disk = Disk(self.folder / "state-second")
        self.maybe: dict[str, set[AlertId]] = {}
        self.changing = Changing()
        self.others: list[Thread] = []
        self._lock = Lock()
        self._feed: EntryFeed | None = None

    def begin(self, journal: Journal, rate: int) -> None:
        """Write the rows of customers whose rows change; bookings come by `feeding`, so many a second."""
        self._journal = journal
        self._rate = rate
        for account, customers in self.changing.authorisations.items():
            self.dc1.authorise(account, list(customers))
        for number, (customer, rows) in enumerate(self.changing.rows.items()):
            self.sites[NAMES[number % 2]].put_settings(customer, rows[-1])
        for site in self.sites.values():
            site.flush()

    def end(self) -> None:
        """Leave no process, no flow and no disk."""
        super().end()
        self.disk.close()

    @property
    def active(self) -> str:
        """Where stages run."""
        return self.log.view().active

    def cluster(self, name: str) -> str:
        """A cluster's name for `active`, `passive`, or a part that is named after one of them."""
        kind, _, which = name.rpartition("-")
        active = self.active
        chosen = active if which == "active" else next(one for one in NAMES if one != active)
        return f"{kind}-{chosen}" if kind else chosen

    def book_lines(self, amount: int, write: Callable[[str], object]) -> None:
        """Write the bank's next bookings as lines; now and then one on each changing account."""
        with self._lock:
            super().book_lines(amount, write)
            if next(self.dc1.bookings).entry["bookingAmountNumeric"] % 7 == 0:
                for entry in self.changing.next_entries():
                    write(json.dumps(entry) + "\n")

    def feeding(self, *, on: bool) -> None:
        """Bookings come through the file, or no more."""
        if self._feed is not None:
            self._feed.stop()
        self._feed = None
        if on:
            self._feed = EntryFeed(self.file, self.book_lines, self._rate)
            self._feed.start()

    def straight(self, cluster: str, amount: int, shift: int) -> None:
        """Another system writes bookings straight to a cluster, with record times that are off."""
        with self._lock:
            entries = [one.entry for one in islice(self.dc1.bookings, amount)]
            for entry in entries:
                self.sites[cluster].book(entry, now_ms() + 1000 * shift if shift else 0)

    def add_partition(self, name: str) -> None:
        """One more partition of a topic on each cluster."""
        with self._lock:
            count = len(self.dc1.places(name)) + 1
            for site in self.sites.values():
                site.flush()
                site.add_partitions(count, name)

    def change(self, number: int) -> tuple[str, str, dict[str, Any]]:
        """A new row: the cluster that it belongs to, the customer, the row; it counts as possible from now on."""
        customer, row = self.changing.next_row(number)
        self.changing.rows[customer].append(row)
        return NAMES[number % CHANGING % 2], customer, row

    def change_settings(self, number: int) -> None:
        """A customer's row changes, straight on the cluster that it belongs to."""
        cluster, customer, row = self.change(number)
        site = self.sites[cluster]
        site.put(SETTINGS, CODEC.encode("CustomerAlertSettings", row), CODEC.encode("CustomerId", {"id": customer}))

    def probe(self) -> set[AlertId]:
        """Write an entry on each changing account; exactly these alerts have to come. For when all is quiet."""
        with self._lock:
            entries = self.changing.next_entries()
            with self.file.open("a", encoding="utf-8") as out:
                out.writelines(json.dumps(one) + "\n" for one in entries)
            return set().union(*(self.changing.possible(one, newest=True) for one in entries))

    def transaction(self, cluster: str, amount: int, seconds: float, *, commit: bool) -> None:
        """Another system writes bookings in a transaction that stays open for a while; in a thread of its own."""
        with self._lock:
            entries = [one.entry for one in islice(self.dc1.bookings, amount)]
        one = Thread(
            target=self._transact,
            args=(cluster, entries, seconds),
            kwargs={"commit": commit},
            name="other",
            daemon=True,
        )
        self.others = [other for other in self.others if other.is_alive()] + [one]
        one.start()

    def _transact(self, cluster: str, entries: Sequence[dict[str, Any]], seconds: float, *, commit: bool) -> None:
        site = self.sites[cluster]
        alerts = {one["entryId"]: site.alerts_of(one) for one in entries}
        if commit:  # whether it took place is not known before its end
            self.maybe |= {entry: set().union(*found.values()) for entry, found in alerts.items()}
        other = producer(
            site.cluster, transactional_id=f"{self.prefix}other-{now_ms()}", message_timeout_ms=60_000,
            transaction_timeout_ms=60_000,
        )  # fmt: skip
        try:
            other.init_transactions(_TRANSACTION_SECONDS)
            other.begin_transaction()
            for entry in entries:
                self._produce(other, site.topic(ENTRIES), entry)
            other.flush(_TRANSACTION_SECONDS)
            Event().wait(seconds)
            if commit:
                other.commit_transaction(_TRANSACTION_SECONDS)
                for entry in entries:
                    self.sent[entry["entryId"]] = Sent(len(self.sent), entry["accountId"], alerts[entry["entryId"]])
            else:
                other.abort_transaction(_TRANSACTION_SECONDS)
        except KafkaException as error:
            self._journal.say(f"a transaction on {cluster} did not end: {error}")

    def _produce(self, other: Producer, topic: str, entry: dict[str, Any]) -> None:
        headers: list[tuple[str, str | bytes | None]] = [("ka-id", entry["entryId"].encode())]
        if "BalanceAfterBookingNumeric" not in entry:
            headers.append(("ka-balance", b"unknown"))
        key = CODEC.encode("AccountId", {"id": entry["accountId"]})
        other.produce(topic, CODEC.encode("AccountEntry", datum(entry)), key, headers=headers)

    def again(self, source: str, since: int) -> set[str]:
        """The entries that were alerted on `source`, and since a time (ms) on the other cluster once more."""
        self.alerts.pump(whole=True)
        native_records = [one for one in self.alerts.seen if one.native]
        before = {one.output.entry for one in native_records if one.cluster == source}
        return before & {one.output.entry for one in native_records if one.cluster != source and one.at >= since}

    def allowed(self) -> set[AlertId]:
        """Every alert that may be there."""
        found = self.wanted.union(*list(self.maybe.values()))
        return found.union(*(self.changing.possible(one) for one in list(self.changing.entries.values())))

    def lacking(self, written: set[str]) -> set[str]:
        """Entries of changing accounts without any alert, though each of their rows wants one."""
        found = defaultdict(set)
        for entry, one in list(self.changing.entries.items()):
            found[entry] = self.changing.possible(one)
        return {entry for entry, possible in found.items() if not possible & written}
