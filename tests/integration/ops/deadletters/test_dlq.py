"""`kafkalert dlq` on a real broker: every reason that a test can make, mended where that is possible, and replayed."""

import json
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from os import urandom
from pathlib import Path
from threading import Thread
from time import time_ns
from typing import Any

import pytest

from kafkalert.config.sections import DEVELOPMENT_KEY, Context, Settings
from kafkalert.engine.clock import SystemClock
from kafkalert.errors import RefusedError
from kafkalert.model.ids import entry_id
from kafkalert.ops.deadletters.parcels import NotTakenError, Out, Parcel
from kafkalert.ops.deadletters.writing import Writer
from kafkalert.sandbox.local import Sandbox
from kafkalert.serde.schemas import whole
from tests.support.data.poison import ACCOUNT, ANNA, GOOD, IN_ENTRIES, IN_SECOND_HOP, IN_TABLES, KEY, entry_of, key_of
from tests.support.data.rows import debit, settings_row
from tests.support.pipeline import Pipeline
from tests.support.reading import BY_CUSTOMER, CODEC, DEAD, ENTRIES, SETTINGS
from tests.support.running import Done, kafkalert

pytestmark = pytest.mark.one_cluster

BROKEN = "NL00KAFK0000000077"
"""An account whose customer asked for a rule of the bank's own, which raises while it is not mended."""
SCHEMAS = {7: "AccountEntry", 8: "CustomerAlertSettings"}
MENDED = {"by-registry", "by-limit", "by-rule"}
RULE = """
import os
from kafkalert.rules.rule import Rule

def raised(moved, threshold):
    if "BREAK" in os.environ:
        raise ValueError
    return moved.amount > threshold

RULE = Rule("ALERT_OWN", raised)
"""


@contextmanager
def registry() -> Iterator[tuple[str, set[int]]]:
    """A schema registry, and the ids that it knows: none at first."""
    known: set[int] = set()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            found = [number for number in known if self.path.partition("?")[0].endswith(f"/schemas/ids/{number}")]
            body = {"schema": json.dumps(whole(SCHEMAS[found[0]]))} if found else {"error_code": 40403, "message": "-"}
            raw = json.dumps(body).encode()
            self.send_response(200 if found else 404)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(raw)))
            self.end_headers()
            self.wfile.write(raw)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", known
    finally:
        server.shutdown()
        server.server_close()


def own_rule(folder: Path) -> dict[str, str]:
    """The variables by which a process finds a rule of the bank's own."""
    metadata = folder / "site" / "bank_rules-1.0.dist-info"
    metadata.mkdir(parents=True)
    (folder / "site" / "bank_rules.py").write_text(RULE)
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: bank-rules\nVersion: 1.0\n")
    (metadata / "entry_points.txt").write_text("[kafkalert.rules]\nALERT_OWN = bank_rules:RULE\n")
    return {"PYTHONPATH": str(folder / "site")}


@pytest.fixture
def pipeline(sandbox1: Sandbox, prefix: str, tmp_path: Path) -> Iterator[Pipeline]:
    """Topics of a bank with two hops; anna hears of everything on one account, hans by the own rule on another."""
    one = Pipeline(sandbox1.bootstrap(), prefix, tmp_path, partitions=2, engine={"mode": "two-hop", "batch": 500})
    one.make_topics()
    one.authorise(ACCOUNT, ["anna", "ines"])
    one.put_settings("anna", settings_row("anna", ACCOUNT))
    one.authorise(BROKEN, ["hans"])
    row = settings_row("hans", BROKEN)
    row["accountAlertSettings"][0]["settings"][0]["alertType"] = "ALERT_OWN"
    one.put_settings("hans", row)
    yield one
    one.end()


def rows(done: Done) -> list[dict[str, Any]]:
    """What a command wrote as JSON."""
    found: list[dict[str, Any]] = json.loads(done.stdout)
    return found


def reasons(found: list[dict[str, Any]], *states: str) -> Counter[tuple[str, str]]:
    """How many letters, by stage and reason; of fates those in one of `states`."""
    return Counter(
        {(one["stage"], one["reason"]): one["letters"] for one in found if not states or one["state"] in states}
    )


def put_poison(pipeline: Pipeline) -> Counter[tuple[str, str]]:
    """Everything that can be wrong, and how often each reason has to be among the dead letters."""
    due: Counter[tuple[str, str]] = Counter()
    for reason, value, key in IN_ENTRIES:
        if "no-registry" not in reason:  # there is one here
            pipeline.put(ENTRIES, value, key)
            due["alerting", reason] += 1
    for reason, value, key in IN_SECOND_HOP:
        pipeline.put(BY_CUSTOMER, value, key)
        due["alerting", reason] += 1
    pipeline.put(ENTRIES, GOOD, KEY, [("ka-id", b"\xff\xfe")])
    due["alerting", "bad-id"] += 1
    for topic, reason, value, key in IN_TABLES:
        pipeline.put(topic, value, key)
        due["tables", reason] += 1
    return due


def put_mendable(pipeline: Pipeline) -> tuple[Counter[tuple[str, str]], str]:
    """What can be mended, by the ids of entries; and the id of the one that has none."""
    now = time_ns() // 1_000_000
    unknown = b"\x00\x00\x00\x00\x07" + GOOD[10:]
    large = entry_of(ACCOUNT, bookingAmount="5." + "0" * 70_000)
    own = CODEC.encode("CustomerAlertSettings", settings_row("ines", ACCOUNT))
    pipeline.put(ENTRIES, unknown, KEY, [("ka-id", b"by-registry"), ("traceparent", b"00-trace")])
    pipeline.put(ENTRIES, unknown, KEY, timestamp=now - 5)
    pipeline.put(ENTRIES, large, KEY, [("ka-id", b"by-limit")])
    pipeline.put(ENTRIES, entry_of(BROKEN), key_of("AccountId", BROKEN), [("ka-id", b"by-rule")])
    pipeline.put(SETTINGS, b"\x00\x00\x00\x00\x08" + own[10:], key_of("CustomerId", "ines"))
    due = {
        ("alerting", "unknown-schema-id"): 2,
        ("alerting", "record-too-large"): 1,
        ("alerting", "rule-failed"): 1,
        ("tables", "unknown-schema-id"): 1,
    }
    return Counter(due), str(entry_id(DEVELOPMENT_KEY, KEY, unknown, now - 5))


def test_every_reason_is_listed_shown_judged_and_replayed(pipeline: Pipeline, tmp_path: Path) -> None:
    """What would pass passes once, in order: the row first by which it is decided. The rest stays, and says why."""
    with registry() as (url, known):
        mended = own_rule(tmp_path) | {"KAFKALERT_SERDE__REGISTRY": url}
        unmended = mended | {"KAFKALERT_SERDE__LARGEST_RECORD": "65536", "BREAK": "yes"}
        first = pipeline.alerting(env=unmended)
        pipeline.book(debit(ACCOUNT, "first"))
        pipeline.await_processed()
        due = put_poison(pipeline)
        pipeline.flush()
        mendable, without_id = put_mendable(pipeline)
        pipeline.await_processed()
        assert first.stop() == 0
        due += mendable

        listed = kafkalert(pipeline, "dlq", "list", "-o", "json")
        assert listed.returncode == 0, listed.stderr
        assert reasons(rows(listed)) == due
        assert all(one["first"] <= one["last"] and one["again"] == 0 for one in rows(listed))
        letters = rows(kafkalert(pipeline, "dlq", "list", "--letters", "-o", "json"))
        assert len(letters) == due.total() == len(pipeline.read(DEAD))
        dry = rows(kafkalert(pipeline, "dlq", "replay", "--dry-run", "-o", "json", env=unmended))
        assert reasons(dry, "passes") == {}
        assert reasons(dry, "to try") == {("alerting", "rule-failed"): 1}
        assert all(one["why"] for one in dry)

        known |= {7, 8}
        (one,) = [one for one in letters if (one["stage"], one["reason"]) == ("tables", "unknown-schema-id")]
        check_row(pipeline, one["place"], mended)
        dry = rows(kafkalert(pipeline, "dlq", "replay", "--dry-run", "-o", "json", env=mended))
        entries = mendable - Counter({("tables", "unknown-schema-id"): 1})
        assert reasons(dry, "passes", "to try") == entries

        second = pipeline.alerting(env=mended)
        pipeline.await_processed()
        before = len(pipeline.read(ENTRIES, BY_CUSTOMER))
        done = kafkalert(pipeline, "dlq", "replay", "--yes", "-o", "json", env=mended)
        assert done.returncode == 1, done.stderr
        assert reasons(rows(done), "replayed") == entries
        pipeline.await_processed()
        check_alerts(pipeline, without_id)
        again = kafkalert(pipeline, "dlq", "replay", "--yes", "-o", "json", env=mended)
        assert again.returncode == 1
        assert reasons(rows(again), "replayed") == {}
        pipeline.await_processed()
        assert len(pipeline.read(ENTRIES)) + len(pipeline.read(BY_CUSTOMER)) == before + entries.total() + 6
        check_alerts(pipeline, without_id)
        check_that_it_fails_again(pipeline, mended)
        assert second.stop() == 0
        check_drop(pipeline)


def check_row(pipeline: Pipeline, place: str, env: dict[str, str]) -> None:
    """The row of ines passes where the registry is known, and is in force again once it is replayed."""
    (shown,) = rows(kafkalert(pipeline, "dlq", "show", place, "-o", "json", env=env))
    assert (shown["passes"], shown["topic"], shown["key"]) == (True, pipeline.topic(SETTINGS), {"id": "ines"})
    (shown,) = rows(kafkalert(pipeline, "dlq", "show", place, "-o", "json"))
    assert (shown["passes"], "needs a registry" in shown["why_not"]) == (False, True)
    done = kafkalert(pipeline, "dlq", "replay", "--stage", "tables", "--yes", "-o", "json", env=env)
    assert done.returncode == 1, done.stderr
    assert reasons(rows(done), "replayed") == {("tables", "unknown-schema-id"): 1}
    pipeline.settings["ines"] = settings_row("ines", ACCOUNT)


def check_alerts(pipeline: Pipeline, without_id: str) -> None:
    """Each mended entry gave its alerts, each once: to anna and ines, or to hans by the own rule."""
    found: dict[str, list[str]] = {}
    for one in pipeline.outputs():
        found.setdefault(one.entry, []).append(one.id)
    both = {"by-registry", "by-limit", without_id}
    assert {name: len(set(ids)) for name, ids in found.items()} == dict.fromkeys(both, 2) | {"by-rule": 1, "first": 1}
    assert {name: len(ids) for name, ids in found.items()} == {name: len(set(ids)) for name, ids in found.items()}
    for name in both:
        due = pipeline.alerts_of(debit(ACCOUNT, name))
        assert set(found[name]) == {alert for ids in due.values() for alert in ids}


def check_that_it_fails_again(pipeline: Pipeline, env: dict[str, str]) -> None:
    """A record that is replayed though it would not pass is put away again, and says how often it was replayed."""
    arguments = ("dlq", "replay", "--reason", "bad-indicator", "--topic", ENTRIES, "--anyway", "--yes", "-o", "json")
    for time in (1, 2):
        assert kafkalert(pipeline, *arguments, env=env).returncode == 0
        pipeline.await_processed()
        (group,) = rows(
            kafkalert(pipeline, "dlq", "list", "--reason", "bad-indicator", "--topic", ENTRIES, "-o", "json")
        )
        assert (group["letters"], group["again"]) == (1, 1)
        (shown,) = rows(kafkalert(pipeline, "dlq", "show", group["example"], "-o", "json"))
        assert shown["replays"] == time


def check_drop(pipeline: Pipeline) -> None:
    """What is dropped is no longer listed, and says who did it and why."""
    done = kafkalert(pipeline, "dlq", "drop", "--stage", "alerting", "--why", "a test", "--yes", "-o", "json")
    assert done.returncode == 0, done.stderr
    left = rows(kafkalert(pipeline, "dlq", "list", "-o", "json"))
    assert {one["stage"] for one in left} == {"tables"}
    every = rows(kafkalert(pipeline, "dlq", "list", "--all", "--letters", "--stage", "alerting", "-o", "json"))
    assert {one["state"] for one in every} == {"replayed", "dropped"}
    (shown,) = rows(kafkalert(pipeline, "dlq", "show", every[0]["place"], "-o", "json"))
    assert (shown["why"], bool(shown["by"])) == ("a test", True)


def test_a_row_that_a_newer_one_replaced_stays(pipeline: Pipeline) -> None:
    """An older row of a customer must not come over what he asked for since."""
    bad = CODEC.encode("CustomerAlertSettings", settings_row("anna", ACCOUNT))[:-2]
    pipeline.put(SETTINGS, bad, ANNA)
    pipeline.flush()
    alerting = pipeline.alerting()
    pipeline.book(debit("NL00KAFK0000000099", "nobody's"))
    pipeline.await_processed()
    pipeline.put_settings("anna", settings_row("anna", ACCOUNT, above=100))
    pipeline.flush()
    assert alerting.stop() == 0
    (left,) = rows(kafkalert(pipeline, "dlq", "replay", "--anyway", "--yes", "-o", "json"))
    assert left["state"] == "stays"
    assert "A newer row of its key" in left["why"]
    assert len(pipeline.read(SETTINGS)) == 4


def test_of_two_writers_one_goes_on_and_what_was_not_committed_is_not_there(pipeline: Pipeline) -> None:
    """Whoever begins later ends what the other one had under way; so does whoever comes after one that was killed."""
    context = Context(clusters=("dc1",), prefix=pipeline.prefix)
    settings = Settings(context=context, clusters={"dc1": pipeline.cluster})
    clock = SystemClock()

    def parcel(number: int, size: int = 1) -> Parcel:
        records = (
            Out(pipeline.topic(ENTRIES), b"k", urandom(size), [("ka-id", b"%d" % number)], timestamp=1234),
            Out(pipeline.topic(DEAD), None, None, [("ka-done", "replayed")], 1),
        )
        return Parcel(str(number), records)

    killed = Writer(settings, pipeline.cluster, clock)
    killed._producer.begin_transaction()
    killed._put(parcel(0).records[0])
    killed._producer.flush(10)
    first = Writer(settings, pipeline.cluster, clock)
    first.write([parcel(1), parcel(2)])
    with pytest.raises(NotTakenError):
        first.write([parcel(3), parcel(4, 2_000_000)])
    first.write([parcel(5)])
    second = Writer(settings, pipeline.cluster, clock)
    with pytest.raises(RefusedError, match="Somebody else"):
        first.write([parcel(6)])
    second.write([parcel(7)])
    records = pipeline.read(ENTRIES)
    ids = Counter(dict(one.headers() or ())["ka-id"] for one in records)
    assert ids == Counter([b"1", b"2", b"5", b"7"])
    assert {one.timestamp()[1] for one in records} == {1234}
    assert {one.partition() for one in pipeline.read(DEAD)} == {1}
    assert len(pipeline.read(DEAD)) == 4
    for one in (killed, first, second):
        one.close()
