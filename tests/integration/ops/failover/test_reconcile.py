"""`kafkalert failover reconcile` on two clusters and their mirror: one is killed with a stranded tail, and returns.

Also after both were, one after the other, so that each of them has records that the other lacks.
"""

import json
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka import Message

from kafkalert.bus.connect.client import Connect
from kafkalert.bus.connect.flow import connector_name, flows
from kafkalert.bus.records.mark_reader import Places
from kafkalert.config.loading.load import load
from kafkalert.engine.clock import SystemClock
from kafkalert.ops.failover.reconcile.waiting import await_back, await_rows
from kafkalert.ops.mirror import lag
from kafkalert.sandbox.local import Sandbox
from kafkalert.sandbox.process import wait_until
from tests.support.alerting import SECONDS
from tests.support.reading import AUTHORISATIONS, DEAD, ENTRIES, OUTBOUND, SETTINGS
from tests.support.twin import Twin, now_ms, twins

pytestmark = pytest.mark.two_clusters

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

    def await_confirmed(self, source: str) -> None:
        """Wait until the flow out of that cluster has confirmed what it carried.

        What it has not, as it does each second, it carries again when its target was killed: it is at least once.
        """
        (target,) = (one for one in self.twin.clusters if one.name != source)
        worker, name = Connect(target), connector_name(source, target.name, self.twin.prefix)
        last = {
            (str(one.topic()), one.partition()): one.offset() or 0
            for topic in (*RECORDS, *TABLES)
            for one in self.held(source, topic)
            if not any(str(header[0]).startswith("ka-origin.") for header in one.headers() or ())
        }

        def confirmed() -> bool:
            told: Any = worker.offsets(name) or {}
            return all(told.get(place, -1) >= offset for place, offset in last.items())

        assert wait_until(confirmed, SECONDS, every=0.2)

    def status(self) -> list[dict[str, Any]]:
        """`mirror status`."""
        return list(json.loads(self.twin.command("mirror", "status", "-o", "json").stdout))

    def reconcile(self, *more: str, source: str = "dc1", code: int | tuple[int, ...] = 0) -> dict[str, Any]:
        """The command to its end, with this exit status or one of these; what it says in JSON."""
        done = self.twin.command("failover", "reconcile", "--from", source, "-o", "json", *more)
        assert done.returncode in (code if isinstance(code, tuple) else (code,)), (
            f"{done.returncode}\n{done.stdout}\n{done.stderr}"
        )
        return dict(json.loads(done.stdout)) if done.stdout else {"said": done.stderr}

    def reconcile_again(self) -> None:
        """Once it was killed while it let the flow go on: either there is something left to do, or nothing at all."""
        told = self.reconcile("--yes")
        assert told["outcome"] in {"reconciled", "nothing stranded"}
        assert told["carry"] == told["carried"]

    def killed_at(self, line: str, *, source: str = "dc1") -> None:
        """The command, killed -9 once it says that it has begun a step; those before it are done then."""
        with self.twin.begun("failover", "reconcile", "--from", source, "--yes") as process:
            assert process.stderr is not None
            said = []
            for one in process.stderr:
                said.append(one)
                if line in one:
                    break
            else:
                pytest.fail(f"never said {line!r}: {''.join(said)}")
            process.kill()

    def stop(self, source: str, topics: tuple[str, ...] = ()) -> None:
        """Nothing crosses out of that cluster any more. Of `topics` less is confirmed than was carried."""
        (target,) = (one for one in self.twin.clusters if one.name != source)
        worker, name = Connect(target), connector_name(source, target.name, self.twin.prefix)
        self.twin.flow(source).stop()
        assert wait_until(lambda: not getattr(worker.status(name), "tasks", ()), SECONDS, every=0.1)
        names = {self.twin.prefix + topic for topic in topics}
        confirmed = {place: at for place, at in (worker.offsets(name) or {}).items() if place[0] in names}
        if confirmed:
            worker.patch_offsets(name, source, {place: max(0, at - 15) for place, at in confirmed.items()})

    @contextmanager
    def forced(self, to: str) -> Iterator[None]:
        """Kill the other cluster -9 and have stages go `to` this one; at the end the other one is there again."""
        (dead,) = {"dc1", "dc2"} - {to}
        self.sandbox.kill(dead)
        try:
            done = self.twin.command("failover", "--to", to, "--force", "--accept-loss", "--yes")
            assert done.returncode == 0, done.stderr
            yield
        finally:
            self.sandbox.start(dead)
        self.twin.command("mirror", "apply", "--yes")
        self.await_settled()

    def await_settled(self) -> None:
        """Wait until the workers say of each flow that it runs or is stopped.

        A worker that had lost its broker shares out its connectors anew, and knows nothing of them meanwhile.
        """
        assert wait_until(
            lambda: {one["state"] for one in self.status()} <= {"running", "stopped"}, SECONDS, every=0.3
        ), self.status()

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
        one.await_confirmed("dc2")
        with one.forced("dc2"):
            _go_on(one)
            assert "dc1 does not answer" in one.reconcile("--dry-run", code=5)["said"]
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
    bank.stop("dc1", (*RECORDS, *TABLES))


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

    bank.killed_at("Carrying back.accountto")
    bank.killed_at(f"Carrying back.{RECEIPTS}")
    bank.killed_at("Carrying back.accountentry")
    bank.killed_at("Making tables")
    bank.killed_at("Letting the flow go on")
    bank.reconcile_again()
    verify(bank)

    assert bank.reconcile("--yes")["outcome"] == "nothing stranded"
    bank.write("dc1", ENTRIES, 100 + MANY, 50)
    bank.flush()
    bank.await_crossed("dc1")
    verify(bank)
    bank.twin.switch("dc1")
    assert "not the one that returns" in bank.reconcile("--dry-run", code=5)["said"]


@pytest.fixture
def torn(sandbox2: Sandbox, tmp_path: Path) -> Iterator[Bank]:
    """Stages were forced to dc2 and back to dc1, each time away from a killed cluster with a stranded tail.

    Between the two, dc2 was in use, and what it got at first has crossed to dc1.
    """
    with twins(sandbox2, "torn.", tmp_path) as make:
        one = Bank(make(), sandbox2)
        one.twin.await_running(one.twin.bridge(), on="dc1")  # somebody tells dc1 of the first switch once it is back
        for topic in RECORDS:
            one.write("dc1", topic, 0, 100)
            one.write("dc2", topic, 0, 20)
        for table in TABLES:
            for key in ("late", "older", "newer", "hidden", "deleted", "deleted there", "revived"):
                one.row("dc1", table, key.encode(), 0, b"first")
        one.flush()
        for source in ("dc1", "dc2"):
            one.await_crossed(source)
        one.stop("dc1", (*RECORDS, *TABLES))
        _tear_dc1(one)
        one.await_confirmed("dc2")
        with one.forced("dc2"):
            _go_on_on_dc2(one)
        one.await_crossed("dc2")
        assert wait_until(lambda: one.twin.held("dc1", "kafkalert.control") > 0, SECONDS, every=0.1)
        one.stop("dc2", RECORDS)
        _tear_dc2(one)
        with one.forced("dc1"):
            _go_on_on_dc1(one)
        yield one


def _tear_dc1(bank: Bank) -> None:
    """What dc1 alone gets, and has acknowledged."""
    for topic in RECORDS:
        bank.write("dc1", topic, 100, MANY if topic == ENTRIES else 200)
    for table in TABLES:
        for key in (b"there", b"late", b"older", b"deleted"):
            bank.row("dc1", table, key, 10, b"dc1, stranded")
        bank.row("dc1", table, b"revived", 10, None)
        bank.row("dc1", table, b"hidden", 45, b"dc1, stranded, newer than all that dc2 has")
    bank.flush()


def _go_on_on_dc2(bank: Bank) -> None:
    """What dc2 gets after the switch, which crosses; a source sends its last entries again."""
    for topic in RECORDS:
        bank.write("dc2", topic, 20, 30)
    for name in bank.ids["dc1"][ENTRIES][-40:]:
        bank.put("dc2", ENTRIES, name, b"key-%d" % (int(name.split(b"-")[1]) % 50))
    for table in TABLES:
        bank.row("dc2", table, b"late", 20, b"dc2, crossed")
        bank.row("dc2", table, b"hidden", 20, b"dc2, crossed")
    bank.flush()


def _tear_dc2(bank: Bank) -> None:
    """What dc2 alone gets."""
    for topic in RECORDS:
        bank.write("dc2", topic, 50, MANY if topic == ENTRIES else 60)
    for table in TABLES:
        for key in (b"back", b"older", b"newer", b"deleted there", b"revived"):
            bank.row("dc2", table, key, 50, b"dc2, stranded")
        bank.row("dc2", table, b"hidden", 40, b"dc2, stranded")
        bank.row("dc2", table, b"deleted", 50, None)
    bank.flush()


def _go_on_on_dc1(bank: Bank) -> None:
    """What dc1 gets once it is in use again; a source sends its last entries again."""
    for topic in RECORDS:
        bank.write("dc1", topic, 100 + MANY, 100)
    for name in bank.ids["dc2"][ENTRIES][-20:]:
        bank.put("dc1", ENTRIES, name, b"key-%d" % (int(name.split(b"-")[1]) % 50))
    for table in TABLES:
        bank.row("dc1", table, b"newer", 60, b"dc1, newest")
        bank.row("dc1", table, b"deleted there", 60, None)
    bank.flush()


def test_forced_there_and_back_before_the_return_is_done(torn: Bank) -> None:
    """One command carries both tails, each the way that it lacks; killed on either way and run again."""
    refused = torn.twin.command("failover", "--to", "dc2", "--yes")
    assert refused.returncode == 5
    assert "failover reconcile --from dc2" in refused.stderr
    resumed = torn.twin.command("mirror", "apply", "--resume", "--yes")
    assert resumed.returncode == 5
    assert "failover reconcile --from dc2" in resumed.stderr
    assert "not the one that returns" in torn.reconcile("--dry-run", code=5)["said"]

    stranded = {("dc1", topic): 300 for topic in RECORDS} | {("dc2", topic): 60 for topic in RECORDS}
    stranded |= {("dc1", ENTRIES): MANY - 40 + 100, ("dc2", ENTRIES): MANY - 20}
    stranded |= {(cluster, table): 4 for cluster in ("dc1", "dc2") for table in TABLES}
    seen = torn.reconcile("--dry-run", source="dc2", code=3)
    topics = seen["topics"]
    assert {(one["source"], one["topic"].removeprefix("torn.")): one["carry"] for one in topics} == stranded
    # Of dc1 late, older, deleted and revived are superseded; of dc2 newer, hidden, and what was deleted there.
    superseded = [(one["source"], one["superseded"]) for one in topics if one["kind"] == "rows"]
    assert sorted(superseded) == [("dc1", 4)] * len(TABLES) + [("dc2", 3)] * len(TABLES)
    assert (seen["outcome"], seen["source"], seen["target"]) == ("not done (dry run)", "dc2", "dc1")
    assert seen["carry"] == sum(stranded.values())

    torn.killed_at("Carrying torn.accountentry", source="dc2")
    torn.killed_at("Letting the flow go on from dc1", source="dc2")
    torn.killed_at("torn.customeraccountentry from dc2", source="dc2")
    done = torn.reconcile("--yes", source="dc2")
    assert (done["outcome"], done["carry"]) == ("reconciled", done["carried"])
    verify(torn)
    assert [one["state"] for one in torn.status()] == ["running", "running"]

    assert torn.reconcile("--yes", source="dc2")["outcome"] == "nothing stranded"
    for cluster in ("dc1", "dc2"):
        torn.write(cluster, ENTRIES, 200 + MANY, 50)
    torn.flush()
    for cluster in ("dc1", "dc2"):
        torn.await_crossed(cluster)
    torn.twin.switch("dc2")
    verify(torn)

    torn.stop("dc2")  # that of the cluster in use alone
    torn.write("dc2", ENTRIES, 250 + MANY, 50)
    torn.row("dc2", SETTINGS, b"newer", 70, b"dc2, stranded")
    torn.row("dc2", SETTINGS, b"late", 70, b"dc2, stranded")
    torn.row("dc1", SETTINGS, b"late", 80, b"dc1, crossed")
    torn.flush()
    torn.await_crossed("dc1")
    assert torn.reconcile("--yes", source="dc1")["carried"] == 51
    verify(torn)


def test_history_says_what_was_carried(sandbox2: Sandbox, prefix: str, tmp_path: Path) -> None:
    """Below the switch before it; no log has anything in it that is passed over, or decides something else."""
    with twins(sandbox2, prefix, tmp_path) as make:
        bank = Bank(make(), sandbox2)
        bank.stop("dc1")
        bank.write("dc1", ENTRIES, 0, 30)
        bank.flush()
        with bank.forced("dc2"):
            pass
        told = bank.reconcile("--yes")
        assert (told["carried"], told["problems"]) == (30, [])
        (row,) = json.loads(bank.twin.command("failover", "history", "-o", "json").stdout)
        assert (row["epoch"], row["mode"], row["outcome"], row["target"]) == (1, "forced", "switched", "dc2")
        (carried,) = row["reconciled"]
        assert {name: carried[name] for name in ("source", "target", "records", "complete")} == {
            "source": "dc1",
            "target": "dc2",
            "records": 30,
            "complete": True,
        }
        assert carried["at"] > row["at"]
        shown = bank.twin.command("failover", "history").stdout
        assert "30 records reconciled" in shown
        assert "30 records carried from dc1 to dc2 at" in shown
        logs = json.loads(bank.twin.command("failover", "repair", "--dry-run", "-o", "json").stdout)
        assert (logs["active"], logs["epoch"], logs["next_epoch"], logs["passed_over"]) == ("dc2", 1, 2, [])


def test_what_came_from_the_returning_cluster_holds_nothing_up(
    sandbox2: Sandbox, prefix: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The flow back never confirms it; so there may be more of it than a look at the newest records reads."""
    with twins(sandbox2, prefix, tmp_path) as make:
        bank = Bank(make(), sandbox2)  # whose tables came to dc2 from dc1
        bank.write("dc1", ENTRIES, 0, 200)
        bank.flush()
        bank.await_crossed("dc1")
        settings = load(bank.twin.path)
        (back,) = [flow for flow in flows(settings) if flow.source == "dc2"]
        tables = [settings.topic(name) for name in TABLES]
        monkeypatch.setattr(lag, "PER_SECOND", 1)
        await_back(settings, back, tables, SystemClock(), SECONDS, lambda _: None)
        await_rows(settings, back, Places(settings.clusters["dc2"]).partitions(tables), SystemClock(), SECONDS)


def test_stages_that_were_forced_there_and_back_lose_nothing(sandbox2: Sandbox, prefix: str, tmp_path: Path) -> None:
    """Every entry that either cluster has acknowledged is alerted, on both."""
    with twins(sandbox2, prefix, tmp_path) as make:
        bank = Bank(make(), sandbox2)
        twin = bank.twin
        stage = twin.alerting()
        twin.await_running(stage, on="dc1")
        for number, (here, there) in enumerate((("dc1", "dc2"), ("dc2", "dc1")), 1):
            twin.sites[here].send(200)
            twin.sites[here].flush()
            bank.await_crossed(here)
            bank.stop(here)
            twin.sites[here].send(200)  # no source has these, to send them again
            twin.sites[here].flush()
            with bank.forced(there):
                twin.await_running(stage, on=there, epoch=number)
            assert wait_until(lambda one=here: twin.held(one, "kafkalert.control") >= 1, SECONDS, every=0.1)  # type: ignore[misc]  # bound now
        twin.dc1.send(200)
        assert bank.reconcile("--yes", source="dc2")["outcome"] == "reconciled"
        twin.await_alerts()
        twin.settled("dc1", 2, stage)
        wanted = twin.wanted
        assert twin.alerts.written().keys() == wanted
        for name in ("dc1", "dc2"):
            assert wait_until(lambda one=name: not twin.alerts.absent(one, wanted), SECONDS, every=0.1)  # type: ignore[misc]  # bound now
        assert stage.stop() == 0


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
        for cluster in ("dc1", "dc2"):
            in_order(bank, topic, cluster)
    for table in TABLES:
        newest = {key: max(rows)[2] for (name, key), rows in bank.rows.items() if name == table}
        assert bank.table("dc1", table) == newest
        assert bank.table("dc2", table) == newest


def by_id(bank: Bank, cluster: str, topic: str) -> dict[bytes, tuple[object, ...]]:
    """All of a record but its offset and the mirror's headers, which is the same on both."""
    found: dict[bytes, tuple[object, ...]] = {}
    again = set(bank.ids["dc1"][topic]) & set(bank.ids["dc2"][topic])
    for one in bank.held(cluster, topic):
        headers: Any = one.headers() or ()
        kept = tuple((name, value) for name, value in headers if not name.startswith("ka-origin."))
        name = _header(one, "ka-id") or b""
        if name not in again:
            found[name] = (one.partition(), one.key(), one.value(), one.timestamp(), kept)
    return found


def in_order(bank: Bank, topic: str, origin: str) -> None:
    """A cluster's own records, carried in part by the mirror and in part by the command, lie on both in one order."""
    again = set(bank.ids["dc1"][topic]) & set(bank.ids["dc2"][topic])
    own = set(bank.ids[origin][topic]) - again
    lines: dict[str, dict[int, list[bytes]]] = {}
    for cluster in ("dc1", "dc2"):
        lines[cluster] = defaultdict(list)
        for one in bank.held(cluster, topic):
            name = _header(one, "ka-id") or b""
            if name in own:
                lines[cluster][one.partition() or 0].append(name)
    assert lines["dc1"] == lines["dc2"]
