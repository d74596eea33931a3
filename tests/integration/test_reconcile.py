"""`kafkalert failover reconcile` on two clusters and their mirror: dc1 is killed with a stranded tail, and returns."""

import json
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest
from confluent_kafka import Message

from kafkalert.bus.connect import Connect
from kafkalert.bus.flow import connector_name
from kafkalert.sandbox.local import Sandbox
from kafkalert.sandbox.process import wait_until
from tests.alerting import SECONDS
from tests.reading import AUTHORISATIONS, DEAD, ENTRIES, OUTBOUND, SETTINGS
from tests.twin import Twin, now_ms, twins

pytestmark = pytest.mark.kafka

RECEIPTS = "outboundemailmessage.receipts"
RECORDS = (ENTRIES, *OUTBOUND, RECEIPTS, DEAD)
TABLES = (AUTHORISATIONS, SETTINGS)
MANY = 12_000
"""Stranded entries, so that a kill comes in the middle of them."""
T = now_ms() - 60_000


@dataclass
class Bank:
    """What was written to which cluster: ids by topic, and rows by table and key as (time, is dc2's, value)."""

    twin: Twin
    sandbox: Sandbox
    ids: dict[str, dict[str, list[bytes]]] = field(default_factory=lambda: defaultdict(lambda: defaultdict(list)))
    rows: dict[tuple[str, bytes], list[tuple[int, bool, bytes | None]]] = field(
        default_factory=lambda: defaultdict(list)
    )

    def write(self, cluster: str, topic: str, first: int, count: int) -> None:
        """Records `first`, `first` + 1, ... of that cluster's own; one key has several of them."""
        for number in range(first, first + count):
            name = f"{cluster}-{number}".encode()
            self.put(cluster, topic, name, b"key-%d" % (number % 50))

    def put(self, cluster: str, topic: str, name: bytes, key: bytes) -> None:
        """One record with the id `name`."""
        self.twin.sites[cluster].put(topic, b"value of " + name, key, [("ka-id", name), ("traceparent", b"00-" + name)])
        self.ids[cluster][topic].append(name)

    def row(self, cluster: str, table: str, key: bytes, time: int, value: bytes | None) -> None:
        """A row of a table; None deletes it."""
        self.twin.sites[cluster].put(table, value, key, timestamp=T + time)
        self.rows[table, key].append((T + time, cluster == "dc2", value))

    def flush(self) -> None:
        """Everything is acknowledged."""
        for site in self.twin.sites.values():
            site.flush()

    def await_crossed(self, source: str) -> None:
        """Wait until the mirror has carried everything out of that cluster."""

        def crossed() -> bool:
            (flow,) = [one for one in self.status() if one["source"] == source]
            return bool(flow["state"] == "running" and flow["lag_records"] == 0)

        assert wait_until(crossed, SECONDS, every=0.3), self.status()

    def status(self) -> list[dict[str, Any]]:
        """`mirror status`."""
        return list(json.loads(self.twin.command("mirror", "status", "-o", "json").stdout))

    def reconcile(self, *more: str, code: int = 0) -> dict[str, Any]:
        """The command to its end; what it says in JSON."""
        done = self.twin.command("failover", "reconcile", "--from", "dc1", "-o", "json", *more)
        assert done.returncode == code, f"{done.returncode}\n{done.stdout}\n{done.stderr}"
        return dict(json.loads(done.stdout)) if done.stdout else {"said": done.stderr}

    def killed_at(self, line: str, topic: str = "") -> None:
        """The command, killed -9 once it says that it has begun a step, and a `topic` has got something from it."""
        held = self.twin.held("dc2", topic) if topic else 0
        with self.twin.begun("failover", "reconcile", "--from", "dc1", "--yes") as process:
            assert process.stderr is not None
            said = []
            for one in process.stderr:
                said.append(one)
                if line in one:
                    break
            else:
                pytest.fail(f"never said {line!r}: {''.join(said)}")
            assert not topic or wait_until(lambda: self.twin.held("dc2", topic) > held, SECONDS, every=0)
            process.kill()

    def held(self, cluster: str, topic: str) -> list[Message]:
        """All that a topic has on a cluster."""
        return self.twin.sites[cluster].read(topic)

    def counts(self, cluster: str, topic: str) -> Counter[bytes]:
        """How often each id lies there."""
        return Counter(_header(one, "ka-id") or b"" for one in self.held(cluster, topic))

    def table(self, cluster: str, topic: str) -> Mapping[bytes, bytes | None]:
        """The last row of each key of the test's, as compaction would leave it; deleted ones are None."""
        return {
            bytes(one.key() or b""): one.value()
            for one in self.held(cluster, topic)
            if (topic, bytes(one.key() or b"")) in self.rows
        }


def _header(message: Message, name: str) -> bytes | None:
    headers: Any = dict(message.headers() or ())
    found: bytes | None = headers.get(name)
    return found


@pytest.fixture(scope="module")
def bank(sandbox2: Sandbox, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bank]:
    """dc1 was killed -9 with a stranded tail, stages were forced to dc2, which was written to, and dc1 is back."""
    with twins(sandbox2, "back.", tmp_path_factory.mktemp("twin")) as make:
        one = Bank(make(), sandbox2)
        _live(one)
        _strand(one)
        sandbox2.kill("dc1")
        try:
            forced = one.twin.command("failover", "--to", "dc2", "--force", "--accept-loss", "--yes")
            assert forced.returncode == 0, forced.stderr
            _go_on(one)
            assert "dc1 does not answer" in one.reconcile("--dry-run", code=5)["said"]
        finally:
            sandbox2.start("dc1")
        one.twin.command("mirror", "apply", "--yes")
        yield one


def _live(bank: Bank) -> None:
    """Both run and cross; the flow out of dc1 is then stopped, and has confirmed less than it carried."""
    for topic in RECORDS:
        bank.write("dc1", topic, 0, 100)
        bank.write("dc2", topic, 0, 20)
    for table in TABLES:
        for key in (b"older", b"newer", b"equal", b"deleted", b"revived", b"kept", b"before"):
            bank.row("dc1", table, key, 0, b"first")
    bank.flush()
    for source in ("dc1", "dc2"):
        bank.await_crossed(source)
    for table in TABLES:
        bank.row("dc2", table, b"before", 40, b"dc2, before the stranded one")
    bank.flush()
    bank.await_crossed("dc2")
    (target,) = (one for one in bank.twin.clusters if one.name == "dc2")
    worker, name = Connect(target), connector_name("dc1", "dc2", "back.")
    bank.twin.flow("dc1").stop()
    assert wait_until(lambda: not getattr(worker.status(name), "tasks", ()), SECONDS, every=0.1)
    confirmed = worker.offsets(name) or {}
    worker.patch_offsets(name, "dc1", {place: max(0, at - 15) for place, at in confirmed.items()})


def _strand(bank: Bank) -> None:
    """What dc1 alone gets, and has acknowledged."""
    for topic in RECORDS:
        bank.write("dc1", topic, 100, MANY if topic == ENTRIES else 200)
    for table in TABLES:
        bank.row("dc1", table, b"older", 10, b"stranded")
        bank.row("dc1", table, b"newer", 29, b"stranded, at first")
        bank.row("dc1", table, b"newer", 30, b"stranded")
        bank.row("dc1", table, b"equal", 20, b"stranded")
        bank.row("dc1", table, b"deleted", 30, None)
        bank.row("dc1", table, b"revived", 10, None)
        bank.row("dc1", table, b"alone", 10, b"stranded")
        bank.row("dc1", table, b"before", 30, b"stranded, older than what dc2 had written")
    bank.flush()


def _go_on(bank: Bank) -> None:
    """What dc2 gets after the switch; a source sends its last entries again, which have the same ids."""
    for topic in RECORDS:
        bank.write("dc2", topic, 20, 30)
    for name in bank.ids["dc1"][ENTRIES][-40:]:
        bank.put("dc2", ENTRIES, name, b"key-%d" % (int(name.split(b"-")[1]) % 50))
    for table in TABLES:
        for key in (b"older", b"newer", b"equal", b"deleted", b"revived"):
            bank.row("dc2", table, key, 20, b"dc2")
        bank.row("dc2", table, b"kept", 20, None)
    bank.flush()


def test_a_return_with_a_stranded_tail(bank: Bank) -> None:
    """Killed at each step and run again: both hold the same ids, each once; tables are equal, and newest wins."""
    stranded = dict.fromkeys(RECORDS, 200) | {ENTRIES: MANY - 40}
    # older, equal, revived and before are superseded; newer (twice), deleted and alone are carried
    stranded |= dict.fromkeys(TABLES, 4)
    seen = bank.reconcile("--dry-run", code=3)
    assert {one["topic"].removeprefix("back."): one["carry"] for one in seen["topics"]} == stranded
    assert [one["superseded"] for one in seen["topics"] if one["kind"] == "rows"] == [4, 4]
    assert (seen["outcome"], seen["source"], seen["target"]) == ("not done (dry run)", "dc1", "dc2")
    assert "read-only" in bank.reconcile("--yes", "--read-only", code=5)["said"]
    assert seen["topics"] == bank.reconcile("--dry-run", code=3)["topics"]

    bank.killed_at("Carrying back.accountto", AUTHORISATIONS)
    bank.killed_at(f"Carrying back.{RECEIPTS}", RECEIPTS)
    bank.killed_at("Carrying back.accountentry", ENTRIES)
    bank.killed_at("Making tables")
    bank.killed_at("Letting the flow go on")
    done = bank.reconcile("--yes")
    assert (done["outcome"], done["carry"]) == ("reconciled", done["carried"])
    verify(bank)

    assert "crosses by itself" in bank.reconcile("--yes", code=5)["said"]
    bank.write("dc1", ENTRIES, 100 + MANY, 50)
    bank.flush()
    bank.await_crossed("dc1")
    verify(bank)
    bank.twin.switch("dc1")
    assert "nothing is stranded" in bank.reconcile("--dry-run", code=5)["said"]


def verify(bank: Bank) -> None:
    """Both clusters have the same."""
    bank.await_crossed("dc2")
    for topic in RECORDS:
        again = set(bank.ids["dc1"][topic]) & set(bank.ids["dc2"][topic])
        wanted = {*bank.ids["dc1"][topic], *bank.ids["dc2"][topic]}
        for cluster in ("dc1", "dc2"):
            counts = bank.counts(cluster, topic)
            assert counts.keys() == wanted, f"{topic} on {cluster}"
            # What a source sent to both itself lies twice where the second one was carried to.
            twice = {name for name, count in counts.items() if count > 1}
            assert twice <= (again if cluster == "dc1" else set()), f"{topic} on {cluster}: {sorted(twice)[:5]}"
        assert by_id(bank, "dc1", topic) == by_id(bank, "dc2", topic)
        in_order(bank, topic)
    for table in TABLES:
        newest = {key: max(rows)[2] for (name, key), rows in bank.rows.items() if name == table}
        assert bank.table("dc1", table) == newest
        assert bank.table("dc2", table) == newest


def by_id(bank: Bank, cluster: str, topic: str) -> dict[bytes, tuple[object, ...]]:
    """All of a record but its offset and the mirror's headers, which is the same on both."""
    found: dict[bytes, tuple[object, ...]] = {}
    for one in bank.held(cluster, topic):
        headers: Any = one.headers() or ()
        kept = tuple((name, value) for name, value in headers if not name.startswith("ka-origin."))
        name = _header(one, "ka-id") or b""
        if name not in set(bank.ids["dc1"][topic]) & set(bank.ids["dc2"][topic]):
            found[name] = (one.partition(), one.key(), one.value(), one.timestamp(), kept)
    return found


def in_order(bank: Bank, topic: str) -> None:
    """dc1's own records, which were carried in part by the mirror and in part by the command, lie on dc2 as on dc1."""
    again = set(bank.ids["dc2"][topic])
    lines: dict[str, dict[int, list[bytes]]] = {}
    for cluster in ("dc1", "dc2"):
        lines[cluster] = defaultdict(list)
        for one in bank.held(cluster, topic):
            name = _header(one, "ka-id") or b""
            if name.startswith(b"dc1-") and name not in again:
                lines[cluster][one.partition() or 0].append(name)
    assert lines["dc1"] == lines["dc2"]
