"""kafkalert and the Kafka Streams peer, on the same topics of a real broker, give the same alerts."""

import gzip
import json
import subprocess
from collections import defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path
from random import Random
from time import monotonic
from typing import Any, NamedTuple

import pytest
from confluent_kafka import Consumer, TopicPartition

from bench import jvm
from bench.contestants import Kafkalert, StreamsPeer
from bench.feed import AUTHORISATIONS, ENTRIES, OUTBOUND, SETTINGS, Feed
from kafkalert.bus.clients import consumer, producer
from kafkalert.config.sections import Cluster
from kafkalert.sandbox.local import Sandbox
from kafkalert.serde.codec import Codec

pytestmark = [
    pytest.mark.java,
    pytest.mark.one_cluster,
    pytest.mark.skipif(jvm.missing() is not None, reason=str(jvm.missing())),
]

BERKA = Path(__file__).parents[4] / "shared" / "data" / "berka"
KEY_OF = dict(zip(OUTBOUND, ("EmailAddress", "PhoneNumber", "CustomerId"), strict=True))
CODEC = Codec()
SECONDS = 120

Headers = list[tuple[str, bytes]]
Ends = dict[tuple[str, int], int]


class Booking(NamedTuple):
    """An entry's record."""

    account: str
    value: bytes
    headers: Headers


class Bank(NamedTuple):
    """What is on the topics; None is a tombstone."""

    authorisations: list[tuple[str, dict[str, Any] | None]]
    settings: list[tuple[str, dict[str, Any] | None]]
    bookings: list[Booking]


class Outbound(NamedTuple):
    """An outbound record without its timestamps. `headers` in the order of their names."""

    topic: str
    key: str
    headers: tuple[tuple[str, Any], ...]
    customer: str
    message_type: str
    params: tuple[tuple[str, str], ...]


def test_same_alerts_on_random_data(sandbox1: Sandbox, prefix: str, tmp_path: Path) -> None:
    """Strange thresholds, currencies, repeats, unknown balances, missing ids, tombstones: message for message equal."""
    mine, theirs = sent(sandbox1, prefix, tmp_path, strange_bank(Random(7)))  # noqa: S311 - nothing secret
    assert len(mine) == len(set(mine)) >= 1000
    assert (set(mine), order(mine)) == (set(theirs), order(theirs))


@pytest.mark.skipif(not BERKA.is_dir(), reason="the folder of real bookings, ../shared/data/berka, is not here")
def test_same_alerts_on_real_bookings(sandbox1: Sandbox, prefix: str, tmp_path: Path) -> None:
    """The bookings of a Czech bank: message for message equal."""
    mine, theirs = sent(sandbox1, prefix, tmp_path, berka())
    assert len(mine) == len(set(mine)) >= 5000
    assert (set(mine), order(mine)) == (set(theirs), order(theirs))


def sent(sandbox: Sandbox, prefix: str, folder: Path, bank: Bank) -> tuple[list[Outbound], list[Outbound]]:
    """Have both work off the bank: what kafkalert sends, and what the peer does."""
    cluster = Cluster(name="dc1", bootstrap=sandbox.bootstrap("dc1"))
    feed = Feed(cluster, prefix)
    feed.make_topics()
    write(cluster, feed.topic(AUTHORISATIONS), rows("AccountId", "CustomerIds", bank.authorisations))
    write(cluster, feed.topic(SETTINGS), rows("CustomerId", "CustomerAlertSettings", bank.settings))
    client = consumer(cluster, f"{prefix}test")
    try:
        start = ends(client, feed)
        peer = StreamsPeer(feed, folder / "peer", commit_ms=100)
        try:
            peer.start()
            peer.await_ready()  # its tables are there before the first entry, as kafkalert's are
            entries = [(CODEC.encode("AccountId", {"id": b.account}), b.value, b.headers) for b in bank.bookings]
            write(cluster, feed.topic(ENTRIES), entries)
            await_committed(peer)
            peer.stop()
        finally:
            peer.kill()
        middle = ends(client, feed)
        ours = Kafkalert(feed, folder / "kafkalert")
        done = subprocess.run(
            [*ours.command(), "--until-end"], capture_output=True, text=True, check=False, timeout=SECONDS
        )
        assert done.returncode == 0, done.stderr
        return read(client, feed, middle, ends(client, feed)), read(client, feed, start, middle)
    finally:
        client.close()


def order(alerts: Iterable[Outbound]) -> dict[tuple[str, ...], list[Any]]:
    """Per address, customer and account: the entries in the order in which they first show."""
    found: dict[tuple[str, ...], dict[Any, None]] = defaultdict(dict)
    for alert in alerts:
        account = dict(alert.params)["alert_settings_account_number"]
        found[alert.topic, alert.key, alert.customer, account][dict(alert.headers)["ka-entry"]] = None
    return {who: list(entries) for who, entries in found.items()}


def await_committed(peer: StreamsPeer) -> None:
    """Wait until the peer's group has committed all that it reads: then all that comes of it is on the brokers."""
    backlog = peer.backlog()
    until = monotonic() + SECONDS
    while left := backlog.left():
        peer.check()
        assert monotonic() < until, f"the peer has {left} records before it"


def ends(client: Consumer, feed: Feed) -> Ends:
    """The ends of the outbound topics now."""
    return {
        (topic, number): client.get_watermark_offsets(TopicPartition(topic, number), timeout=10)[1]
        for topic in map(feed.topic, OUTBOUND)
        for number in client.list_topics(topic, timeout=10).topics[topic].partitions
    }


def read(client: Consumer, feed: Feed, start: Ends, end: Ends) -> list[Outbound]:
    """The outbound records between two ends, each partition's in order."""
    client.assign([TopicPartition(topic, number, offset) for (topic, number), offset in start.items()])
    left = sum(end.values()) - sum(start.values())
    found: list[Outbound] = []
    until = monotonic() + SECONDS
    while len(found) < left:
        assert monotonic() < until, f"{len(found)} of {left} outbound records"
        for message in client.consume(5000, 0.2):
            place = (str(message.topic()), int(message.partition() or 0))
            if (message.offset() or 0) < end[place]:
                name = place[0].removeprefix(feed.prefix)
                (address,) = CODEC.decode(KEY_OF[name], message.key()).values()
                value = CODEC.decode("OutboundMessage", message.value())
                headers = tuple(sorted(dict(message.headers() or ()).items()))
                params = tuple(sorted(value["params"].items()))
                customer = value["customerId"]["id"]
                found.append(Outbound(name, address, headers, customer, value["messageType"], params))
    return found


def write(cluster: Cluster, topic: str, records: Iterable[tuple[bytes, bytes | None, Headers]]) -> None:
    """Write records to a topic, and wait until they are there."""
    sender = producer(cluster)
    for key, value, headers in records:
        sender.produce(topic, value, key, headers=list(headers))
    assert sender.flush(30) == 0


def rows(
    key: str, value: str, table: Iterable[tuple[str, dict[str, Any] | None]]
) -> Iterator[tuple[bytes, bytes | None, Headers]]:
    """A table's records."""
    for name, row in table:
        yield CODEC.encode(key, {"id": name}), None if row is None else CODEC.encode(value, row), []


def berka() -> Bank:
    """The real bookings, and the tables that go with them."""

    def table(name: str) -> list[tuple[str, dict[str, Any] | None]]:
        lines = (BERKA / f"{name}.ndjson").read_text(encoding="utf-8").splitlines()
        return [(line["key"]["id"], line["value"]) for line in map(json.loads, lines)]

    bookings = []
    with gzip.open(BERKA / "entries.ndjson.gz", "rt", encoding="utf-8") as lines:
        for entry in map(json.loads, lines):
            headers = [("ka-id", entry.pop("entryId").encode())]
            bookings.append(Booking(entry["accountId"], CODEC.encode("AccountEntry", entry), headers))
    return Bank(table("authorisations"), table("settings"), bookings)


def strange_bank(random: Random) -> Bank:
    """A small bank in which whatever may occur does."""
    accounts = [f"NL{n:02d}KAFK{n:010d}" for n in range(40)]
    customers = [f"c{n}" for n in range(50)]

    def some(of: list[str], most: int) -> list[str]:
        return random.choices(of, k=random.randint(0, most))

    settings = [(name, strange_settings(random, name, accounts)) for name in customers * 2 if random.random() < 0.8]
    seen = [(name, {"customerIds": [{"id": one} for one in some(customers, 4)]}) for name in accounts * 2]
    gone: list[tuple[str, dict[str, Any] | None]] = [(name, None) for name in ("c1", "nobody")]
    bookings = [strange_booking(random, n, random.choice([*accounts, "NL99KAFK9999999999"])) for n in range(5000)]
    return Bank([*seen, (accounts[0], None)], [*settings, *gone], bookings)


AMOUNTS = ("0", "5", "5.0", "+5", "007", "-3", "2.5", ".5", "3.", "-0.0", "10.10", "9" * 40, "9" * 41)
NO_AMOUNTS = ("", "1e3", "1,5", "٣", " 1", "NaN", ".", "-")
CURRENCIES = ("EUR", "EUR", "JPY", "KWD", "CLF", "ZZZ")


def currency(random: Random, account: str) -> str:
    """Mostly the account's own."""
    return CURRENCIES[int(account[-2:]) % len(CURRENCIES)] if random.random() < 0.8 else random.choice(CURRENCIES)


def strange_settings(random: Random, customer: str, accounts: list[str]) -> dict[str, Any]:
    """A customer who repeats settings and addresses, and asks for what there is not."""
    addresses: list[dict[str, str]] = [
        {"emailAddress": f"{customer}@example.org"},
        {"emailAddress": "shared@example.org"},
        {"phoneNumber": f"+3160000{customer[1:].zfill(4)}"},
        {"id": customer},
    ]
    types = ("BALANCE_ABOVE", "BALANCE_BELOW", "DEBITED_ABOVE", "CREDITED_ABOVE")
    settings = [
        {
            "alertType": f"ALERT_{random.choice(types)}_THRESHOLD" if random.random() < 0.95 else "ALERT_CARD_ABROAD",
            "channels": random.choices(("EMAIL", "SMS", "PUSH"), k=random.randint(0, 3)),
            "amount": random.choice(
                (*({"value": random.choice(AMOUNTS)} for _ in range(8)), {"value": random.choice(NO_AMOUNTS)}, None)
            ),
        }
        for _ in range(5)
    ]
    return {
        "customerId": {"id": customer},
        "addresses": [{"address": one} for one in random.choices(addresses, k=random.randint(1, 5))],
        "accountAlertSettings": [
            {
                "account": {"id": account},
                "currency": {"symbol": currency(random, account)},
                "settings": random.choices(settings, k=random.randint(0, 5)),
            }
            for account in random.choices(accounts, k=30)
        ],
    }


def strange_booking(random: Random, n: int, account: str) -> Booking:
    """A booking of little or very much money, with or without id and balance; now and then none at all."""
    amount = random.choice((random.randint(0, 20), random.randint(0, 2**63 - 1)))
    balance = random.choice((random.randint(-20, 20), random.randint(-(2**63), 2**63 - 1)))
    entry = {
        "timestamp": 1_700_000_000_000 + n,
        "accountId": account,
        "accountCurrency": currency(random, account),
        "bookingAmountNumeric": amount,
        "bookingAmount": str(amount),
        "bookingCreditDebitIndicator": random.choice(("DBIT", "CRDT", "DBIT", "CRDT", "DBIT", "CRDT", "?")),
        "BalanceAfterBookingNumeric": balance,
        "balanceAfterBooking": str(abs(balance)),
        "BalanceAfterBookingCreditDebitIndicator": "CRDT" if balance >= 0 else "DBIT",
    }
    headers = [("ka-id", f"entry-{n}-é".encode())] if random.random() < 0.8 else []
    headers += [("ka-balance", b"unknown")] if random.random() < 0.2 else []
    headers += [("traceparent", b"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")] if n % 5 == 0 else []
    value = CODEC.encode("AccountEntry", entry)
    return Booking(account, value if random.random() < 0.99 else value[:-3], headers)
