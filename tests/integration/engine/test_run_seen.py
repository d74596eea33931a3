"""What an operator sees of a running stage: heartbeats, health, metrics, log lines, and how it ends."""

import json
import os
import re
import signal
import urllib.request
from collections.abc import Iterator
from contextlib import suppress
from itertools import pairwise
from pathlib import Path
from time import monotonic
from typing import Any

import lmdb
import msgspec
import pytest
from prometheus_client.parser import text_string_to_metric_families

from kafkalert.bus.clients import admin
from kafkalert.sandbox.local import Sandbox
from kafkalert.sandbox.ports import free_port
from kafkalert.sandbox.process import wait_until
from kafkalert.tables.store import Checkpoint
from tests.support.alerting import SECONDS, workers
from tests.support.data.rows import datum, debit, settings_row
from tests.support.pipeline import Pipeline
from tests.support.reading import AUTHORISATIONS, CODEC, DEAD, ENTRIES, OUTBOUND, SETTINGS, ends
from tests.support.running import await_beat, beats, ended, kafkalert, probe, running, said

pytestmark = pytest.mark.one_cluster

FIELDS: dict[str, Any] = {
    "version": int,
    "stage": str,
    "instance": str,
    "host": str,
    "pid": int,
    "cluster": str,
    "epoch": int,
    "attempt": str,
    "state": str,
    "endsMsAgo": (int, type(None)),
    "loopTurnedMsAgo": (int, type(None)),
    "takenMsAgo": dict,
    "time": int,
    "partitions": dict,
    "ends": dict,
    "committed": dict,
    "lag": int,
    "lags": dict,
    "gone": dict,
    "rates": dict,
    "totals": dict,
    "latencyMs": dict,
    "deadLetters": dict,
    "skippedSettings": dict,
    "skippedBySwitch": int,
    "uncommitted": bool,
    "controlPassedOver": int,
    "restarts": int,
}


@pytest.fixture
def bank(sandbox1: Sandbox, prefix: str, tmp_path: Path) -> Iterator[Pipeline]:
    """Topics with an account and a customer who asked for every debit of it."""
    one = Pipeline(sandbox1.bootstrap(), prefix, tmp_path).make_topics()
    one.authorise("NL01", ["anna"])
    one.put_settings("anna", settings_row("anna", "NL01"))
    one.flush()
    yield one
    one.end()


@pytest.fixture
def nobody(tmp_path: Path) -> Pipeline:
    """A cluster that is away."""
    return Pipeline("127.0.0.1:1", "", tmp_path)


def samples(port: int) -> dict[tuple[str, ...], float]:
    """/metrics, as Prometheus reads it."""
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=30) as answer:
        body = answer.read().decode()
    return {
        (one.name, *sorted(one.labels.values())): one.value
        for family in text_string_to_metric_families(body)
        for one in family.samples
    }


def test_a_stage_says_what_it_does(bank: Pipeline) -> None:
    """Each second on kafkalert.status, over HTTP, and in lines of JSON; the last heartbeat says that it has stopped."""
    bank.put(ENTRIES, b"junk", b"junk")
    bank.book(debit("NL01", "first"))
    bank.flush()
    port = free_port(())
    alerting = bank.alerting("-v", "--http-port", str(port))
    assert wait_until(lambda: probe(port, "/readyz") == 200, SECONDS), bank.said()
    bank.await_processed()
    await_beat(bank, alerting.pid, lambda one: one["state"] == "running" and one["totals"]["entries"] == 2)
    seen = len(beats(bank, alerting.pid))
    assert wait_until(lambda: len(beats(bank, alerting.pid)) >= seen + 3, SECONDS, every=0.2)
    assert probe(port, "/healthz") == 200
    counted = samples(port)
    assert counted["kafkalert_entries_total",] == 2
    assert counted["kafkalert_alerts_total", "EMAIL"] == 1
    assert sum(value for name, value in counted.items() if name[0] == "kafkalert_dead_letters_total") == 1
    assert counted["kafkalert_ready",] == 1
    assert counted["kafkalert_latency_seconds_count",] == 1
    assert {name[2] for name in counted if name[0] == "kafkalert_lag"} == {bank.topic(ENTRIES)}
    assert alerting.stop() == 0
    for line in alerting.stderr().splitlines():
        assert {"time", "level", "logger", "pid", "message"} <= json.loads(line).keys()
    check_beats(bank, beats(bank, alerting.pid), alerting.pid)


def check_beats(bank: Pipeline, told: list[dict[str, Any]], pid: int) -> None:
    """A life in heartbeats."""
    for one in told:
        assert one.keys() == FIELDS.keys()
        assert [name for name, value in one.items() if not isinstance(value, FIELDS[name])] == []
        assert (one["version"], one["stage"], one["cluster"], one["epoch"]) == (1, "alerting", "dc1", 0)
        assert re.fullmatch(rf"{re.escape(one['host'])}-{pid}-[0-9a-f]{{4}}", one["instance"])
    pairs = list(pairwise(told[:-1]))  # a change of state is told at once
    gaps = [after["time"] - before["time"] for before, after in pairs if before["state"] == after["state"]]
    assert min(gaps) >= 900
    last = told[-1]
    assert [one["state"] for one in told].count("stopped") == 1
    assert last["state"] == "stopped"
    assert last["totals"] == {"entries": 2, "alerts": {"EMAIL": 1}}
    assert sum(last["deadLetters"].values()) == 1
    assert last["partitions"] == {} or last["partitions"] == {bank.topic(ENTRIES): [0, 1, 2, 3]}
    assert last["lag"] == 0


def test_an_alert_goes_at_once_where_nothing_else_waits_to_be_read(bank: Pipeline) -> None:
    """Messages wait for others only behind a batch that was full; half of that wait is far more than it takes.

    Where they waited each would take all of it; on a crowded machine one or the other may, by chance.
    """
    bank.engine |= {"linger": "5s", "commit_interval": "1m", "batch": 2}
    bank.alerting()
    bank.book(debit("NL01", "first"))
    bank.flush()
    assert wait_until(lambda: len(bank.outputs()) == 1, SECONDS), bank.said()
    took: list[float] = []
    while not took or (took[-1] >= 2.5 and len(took) < 5):
        begun = monotonic()
        bank.book(debit("NL01", f"next-{len(took)}"))
        bank.flush()
        assert wait_until(lambda: len(bank.outputs()) == len(took) + 2, SECONDS, every=0.1), bank.said()
        took.append(monotonic() - begun)
    assert took[-1] < 2.5, took


def test_a_trace_passes_through_to_the_alerts(bank: Pipeline) -> None:
    """And whatever came along to a dead letter, which may be replayed; what belongs to the mirror to neither."""
    trace = b"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
    carried = [("ka-id", b"e-1"), ("traceparent", trace), ("ka-origin.dc2", b""), ("other", b"x")]
    carried.append(("ka-balance", b"unknown"))
    key = CODEC.encode("AccountId", {"id": "NL01"})
    bank.put(ENTRIES, CODEC.encode("AccountEntry", datum(debit("NL01", "e-1"))), key, carried)
    bank.put(ENTRIES, b"junk", key, carried)
    bank.flush()
    assert kafkalert(bank, "run", "all", "--until-end").returncode == 0
    (alert,) = bank.read(*OUTBOUND)
    headers: dict[str, Any] = dict(alert.headers() or ())
    assert set(headers) == {"ka-id", "ka-entry", "traceparent", "ka-balance"}
    assert (headers["traceparent"], headers["ka-entry"], headers["ka-balance"]) == (trace, b"e-1", b"unknown")
    (dead,) = bank.read(DEAD)
    letter: dict[str, Any] = dict(dead.headers() or ())
    assert (letter["traceparent"], letter["ka-id"]) == (trace, b"e-1")
    assert letter["other"] == b"x"
    assert "ka-origin.dc2" not in letter


def test_a_cluster_that_is_away_is_said_and_waited_for(nobody: Pipeline) -> None:
    """Within a few seconds and every ten; health says alive and not ready; --wait bounds it, with status 4."""
    port = free_port(())
    with running(nobody, "run", "alerting", "--wait", "13", "--http-port", str(port)) as alerting:
        assert wait_until(lambda: probe(port, "/healthz") == 200, SECONDS)
        assert probe(port, "/readyz") == 503
        _, stderr = alerting.communicate(timeout=SECONDS)
    assert alerting.returncode == 4, stderr
    away = [one for one in said(stderr) if "has not answered" in one]
    after = [int(one.partition(" answered for ")[2].split()[0]) for one in away]
    assert len(after) == 2, stderr
    assert after[0] <= 5
    assert 9 <= after[1] - after[0] <= 12
    what, hint = stderr.splitlines()[-2:]
    assert what.startswith("Error: Cluster dc1 (127.0.0.1:1) has not answered for 13 s")
    assert hint.startswith("Hint: Nothing is lost")


def test_a_supervisor_ends_with_its_workers_when_the_cluster_is_away_for_too_long(nobody: Pipeline) -> None:
    """And with their status."""
    done = kafkalert(nobody, "run", "alerting", "--wait", "1", "--workers", "2")
    assert done.returncode == 4, done.stderr


@pytest.mark.parametrize("workers_", [(), ("--workers", "2")], ids=["alone", "supervised"])
@pytest.mark.parametrize("mode", ["one-hop", "two-hop"])
def test_missing_topics_are_named_in_one_sentence(
    sandbox1: Sandbox, prefix: str, tmp_path: Path, mode: str, workers_: tuple[str, ...]
) -> None:
    """All of them, at once, with what to do; no restart would mend it."""
    nothing = Pipeline(sandbox1.bootstrap(), prefix, tmp_path)
    done = kafkalert(nothing, "run", "alerting", "--mode", mode, *workers_)
    assert done.returncode == 2, done.stderr
    sentence = next(line for line in done.stderr.splitlines() if line.startswith("Error: Topics "))
    names = {
        "accountentry",
        "accounttocustomerids",
        "customeralertsettings",
        "kafkalert.deadletter",
        "kafkalert.status",
    }
    names |= {*OUTBOUND, *(["customeraccountentry"] if mode == "two-hop" else [])}
    assert set(sentence.removeprefix("Error: Topics ").removesuffix(" do not exist on dc1.").split(", ")) == {
        prefix + name for name in names
    }
    assert "Hint: Run `kafkalert topics apply`." in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("protocol", ["consumer", "classic"])
def test_an_input_that_is_deleted_ends_it(bank: Pipeline, protocol: str) -> None:
    """By the same sentence, though its consumer may hear nothing of it and no record has to come for that."""
    bank.engine["group_protocol"] = protocol
    alerting = bank.alerting()
    bank.book(debit("NL01", "first"))
    bank.flush()
    bank.await_processed()
    alerting.ended = True
    client = admin(bank.cluster)
    client.delete_topics([bank.topic(ENTRIES)])[bank.topic(ENTRIES)].result(30)
    assert alerting.process.wait(SECONDS) == 2, bank.said()
    assert f"Error: Topic {bank.topic(ENTRIES)} does not exist on dc1.\n" in alerting.stderr()
    assert "Hint: Run `kafkalert topics apply`.\n" in alerting.stderr()
    assert beats(bank, alerting.pid)[-1]["state"] == "stopped"


def test_refused_credentials_end_it_at_once(bank: Pipeline) -> None:
    """They are not waited for: nobody but the operator can mend them."""
    more = (
        '[clusters.dc1.kafka]\nsecurity.protocol = "SASL_PLAINTEXT"\nsasl.mechanism = "PLAIN"\n'
        'sasl.username = "kafkalert"\nsasl.password = {env = "SECRET"}\n'
    )
    done = kafkalert(bank, "run", "alerting", more=more, env={"SECRET": "wrong"})
    assert done.returncode == 2, done.stderr
    assert f"Error: Cluster dc1 ({bank.bootstrap}) refuses this client's credentials.\n" in done.stderr
    assert "[clusters.dc1.kafka]" in done.stderr


def test_what_may_not_write_does_not_run(bank: Pipeline) -> None:
    """A context that is read-only, status 5; a mode that there is not, status 2."""
    done = kafkalert(bank, "--read-only", "run", "alerting")
    assert done.returncode == 5
    assert done.stderr.startswith("Error: Context test is read-only, and a stage writes.\nHint: ")
    done = kafkalert(bank, "run", "alerting", "--mode", "three-hop")
    assert done.returncode == 2


def test_a_port_in_use_ends_it(bank: Pipeline) -> None:
    """Before anything is read."""
    port = free_port(())
    with running(bank, "run", "alerting", "--http-port", str(port)):
        assert wait_until(lambda: probe(port, "/healthz") == 200, SECONDS)
        done = kafkalert(bank, "run", "alerting", "--http-port", str(port))
    assert done.returncode == 2
    assert f"Error: Port {port} cannot be served: Address already in use (127.0.0.1).\n" in done.stderr


def follower_of(bank: Pipeline) -> int | None:
    """The process that holds the lock of the tables (`/proc/locks`: the kernel's own list)."""
    path = bank.folder / "state" / "follower.lock"
    if not path.exists():
        return None
    inode = path.stat().st_ino
    for line in Path("/proc/locks").read_text(encoding="ascii").splitlines():
        parts = line.split()
        if parts[1] == "FLOCK" and parts[5].rpartition(":")[2] == str(inode):
            return int(parts[4])
    return None


def test_one_process_of_a_machine_follows_the_tables_and_another_takes_over(bank: Pipeline) -> None:
    """The tables are shared; when the follower is killed, changes take effect through the next one."""
    both = [bank.alerting(), bank.alerting()]
    for one in both:
        await_beat(bank, one.pid, lambda beat: beat["state"] == "running" and bool(beat["partitions"]))
    first = follower_of(bank)
    assert first in {one.pid for one in both}
    bank.book(debit("NL01", "before"))
    bank.await_processed()
    (victim,) = [one for one in both if one.pid == first]
    (other,) = [one for one in both if one.pid != first]
    victim.kill()
    assert wait_until(lambda: follower_of(bank) == other.pid, SECONDS)
    bank.authorise("NL02", ["bram"])
    bank.put_settings("bram", settings_row("bram", "NL02"))
    bank.flush()
    await_tables(bank)
    bank.book(debit("NL02", "after"))
    bank.await_processed()
    assert {one.entry for one in bank.verify(least=2)} == {"before", "after"}
    assert other.stop() == 0


def await_tables(bank: Pipeline) -> None:
    """Wait until the tables have read what is in their topics now."""
    client = bank.client()
    last = ends(client, bank.places(AUTHORISATIONS, SETTINGS))
    with lmdb.open(str(bank.folder / "state" / "tables"), readonly=True, max_dbs=4) as tables:
        meta = tables.open_db(b"meta", create=False)

        def there() -> bool:
            with tables.begin(db=meta) as txn:
                kept = {one: txn.get(f"at/{one[0]}/{one[1]}".encode()) for one in last}
            at = {one: msgspec.msgpack.decode(raw, type=Checkpoint).offset for one, raw in kept.items() if raw}
            return at == last

        assert wait_until(there, SECONDS), bank.said()


def test_workers_without_their_supervisor_end(bank: Pipeline) -> None:
    """They notice, finish in order, and leave the group."""
    supervisor = bank.alerting("--workers", "2")
    assert wait_until(lambda: len({one["pid"] for one in beats(bank)}) == 2, SECONDS, every=0.2), bank.said()
    pids = workers(supervisor.pid)
    supervisor.send(signal.SIGKILL)
    supervisor.process.wait(SECONDS)
    try:
        assert wait_until(lambda: all(map(ended, pids)), SECONDS)
    finally:
        for pid in pids:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
    for pid in pids:
        assert beats(bank, pid)[-1]["state"] == "stopped"


def test_a_supervisor_stops_its_workers_in_order(bank: Pipeline) -> None:
    """One SIGTERM, status 0, no process left."""
    supervisor = bank.alerting("--workers", "2")
    assert wait_until(lambda: len({one["pid"] for one in beats(bank)}) == 2, SECONDS, every=0.2), bank.said()
    pids = workers(supervisor.pid)
    assert supervisor.stop() == 0
    for pid in pids:
        assert ended(pid)
        assert beats(bank, pid)[-1]["state"] == "stopped"
