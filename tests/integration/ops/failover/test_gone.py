"""A planned switch beside records that are gone on the cluster in use: it is right, or it says what is gone."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from confluent_kafka import TopicPartition

from kafkalert.bus.clients import admin
from kafkalert.ops.mirror.expired import STEADY_MS
from kafkalert.sandbox.local import Sandbox
from kafkalert.sandbox.process import wait_until
from tests.support.alerting import SECONDS, Alerting
from tests.support.reading import ENTRIES, ends
from tests.support.twin import Twin, now_ms, twins

pytestmark = pytest.mark.two_clusters


@pytest.fixture
def twin(sandbox2: Sandbox, prefix: str, tmp_path: Path) -> Iterator[Callable[[], Twin]]:
    """Makes the test's own bank on both."""
    with twins(sandbox2, prefix, tmp_path) as make:
        yield make


def begun(bank: Twin) -> Alerting:
    """Alerting runs on dc1, has processed something, and all entries lie on both clusters."""
    alerting = bank.alerting()
    bank.await_running(alerting, on="dc1")
    bank.dc1.send(100)
    bank.await_alerts()
    bank.dc1.await_processed()
    bank.flow("dc1").await_confirmed(bank.dc1, ENTRIES)
    return alerting


def delete(bank: Twin, less: int = 0) -> int:
    """Delete what dc1 has of the entries, all but the last `less` of each partition; where the first log begins."""
    client = bank.dc1.client()
    at = {one: max(0, end - less) for one, end in ends(client, bank.dc1.places(ENTRIES)).items()}
    client.close()
    asked = admin(bank.dc1.cluster)  # held: its answers come only while it lives
    for future in asked.delete_records([TopicPartition(*one, to) for one, to in at.items()]).values():
        future.result(SECONDS)
    return min(at.values())


def test_what_was_gone_before_it_was_read_is_not_passed_over(twin: Callable[[], Twin]) -> None:
    """The switch is refused and says what to do; and what had crossed can be had on the other cluster."""
    bank = twin()
    assert begun(bank).stop() == 0
    bank.dc1.send(100)
    bank.dc1.flush()
    assert wait_until(lambda: bank.held("dc2", ENTRIES) == bank.held("dc1", ENTRIES), SECONDS, every=0.1)
    delete(bank, less=2)
    refused = bank.command("failover", "--to", "dc2", "--yes")
    assert (refused.returncode, refused.stdout) == (5, ""), f"{refused.stderr}\n{bank.said()}"
    group = bank.dc1.group()
    assert "On dc1: At most " in refused.stderr
    assert "records expired or were deleted before they were read: " in refused.stderr
    assert f"`kafkalert group seek {group} next`" in refused.stderr
    held = bank.alerting()
    assert wait_until(lambda: "expired or were deleted" in held.stderr(), SECONDS, every=0.1)
    again = bank.command("failover", "--to", "dc2", "--yes")
    assert again.returncode == 5, again.stderr
    assert bank.command("group", "seek", group, "next", "--yes").returncode == 0
    bank.await_running(held, on="dc1")
    bank.switch("dc2")
    bank.await_running(held, on="dc2")
    assert bank.alerts.missing(bank.wanted), "they were passed over, as somebody ordered"
    assert held.stop() == 0
    assert bank.command("group", "seek", group, "start", "--yes").returncode == 0  # as the hint says
    fresh = bank.alerting()
    bank.await_alerts()
    assert fresh.stop() == 0


def test_a_log_that_was_cut_and_has_grown_again_is_not_passed_over(twin: Callable[[], Twin]) -> None:
    """Another record stands where the group has processed one: what lies before it now was read by nobody."""
    bank = twin()
    assert begun(bank).stop() == 0
    client, group = bank.dc1.client("kafkalert.alerting"), bank.dc1.group()
    told = client.committed([TopicPartition(*one) for one in bank.dc1.places(ENTRIES)], timeout=SECONDS)
    one = max(told, key=lambda at: at.offset)
    before, _, id_ = (one.metadata or "").partition(" id=")
    assert before.endswith(" last")
    metadata = f"{before} id={id_[::-1]}"
    client.commit(offsets=[TopicPartition(one.topic, one.partition, one.offset, metadata)], asynchronous=False)
    client.close()
    said = f"{one.topic}[{one.partition}] was cut before the group's offset {one.offset}, and has grown since."
    for more in ("--yes", "--dry-run"):
        refused = bank.command("failover", "--to", "dc2", more)
        assert (refused.returncode, refused.stdout) == (5, ""), f"{refused.stderr}\n{bank.said()}"
        assert f"On dc1: The cluster has lost records: {said}" in refused.stderr
    assert bank.command("group", "seek", group, "next", "--yes").returncode == 0
    bank.switch("dc2")


def test_what_was_gone_before_it_crossed_is_told(twin: Callable[[], Twin]) -> None:
    """It was processed, so its alerts are there; but dc2 will never have it."""
    bank = twin()
    alerting = begun(bank)
    bank.flow("dc1").stop()
    stopped = now_ms()
    bank.dc1.send(100)
    assert wait_until(lambda: not bank.alerts.missing(bank.wanted), SECONDS, every=0.1)
    bank.dc1.await_processed()
    assert delete(bank) > 0
    assert bank.held("dc2", ENTRIES) < bank.held("dc1", ENTRIES)
    # A shorter time between what the flow confirms tells nothing.
    assert wait_until(lambda: now_ms() - stopped > STEADY_MS, SECONDS, every=0.1)
    bank.flow("dc1").resume()
    bank.dc1.send(20)
    done = bank.command("failover", "--to", "dc2", "--yes", "-o", "json")
    assert done.returncode == 0, f"{done.stderr}\n{bank.said()}"
    told = json.loads(done.stdout)
    assert (told["active"], told["outcome"]) == ("dc2", "switched")
    for said in (done.stderr, " ".join(told["loss"]["words"])):
        assert "ot on dc2: records expired on dc1 before they crossed, at most " in said
        assert "Nothing more was lost, and nothing is done twice." in said
    bank.await_running(alerting, on="dc2", epoch=1)
    bank.dc2.send(50)
    bank.await_alerts()
    assert not [one for one, count in bank.alerts.written().items() if count > 1]
    assert alerting.stop() == 0
