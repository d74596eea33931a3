"""Partitions that somebody adds to a topic under a stage: all are read, and of a key's rows in two the later counts."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from kafkalert.sandbox.local import Sandbox
from kafkalert.sandbox.process import wait_until
from tests.support.alerting import SECONDS
from tests.support.data.load import newest_beats
from tests.support.data.rows import debit, settings_row
from tests.support.data.stored import followed
from tests.support.pipeline import Pipeline
from tests.support.reading import AUTHORISATIONS, BY_CUSTOMER, ENTRIES, SETTINGS

pytestmark = pytest.mark.one_cluster

ACCOUNTS = [f"NL00GROW{number:010d}" for number in range(16)]


@pytest.fixture
def pipeline(sandbox1: Sandbox, prefix: str, tmp_path: Path) -> Iterator[Pipeline]:
    """A bank's topics, filled, on the shared broker, for alerting in two hops."""
    one = Pipeline(sandbox1.bootstrap(), prefix, tmp_path, engine={"mode": "two-hop"})
    one.make_topics()
    one.seed()
    yield one
    one.end()


def test_partitions_are_added_to_tables_and_inputs(pipeline: Pipeline) -> None:
    """By who follows, and by who starts afterwards: rows that lie in two partitions, 6 being no multiple of 4."""
    alerting = pipeline.alerting()
    for account in ACCOUNTS[:8]:
        pipeline.authorise(account, [f"c{account}"])
        pipeline.put_settings(f"c{account}", settings_row(f"c{account}", account))
    pipeline.flush()
    for account in ACCOUNTS[:8]:
        pipeline.book(debit(account, f"before-{account}"))
    pipeline.await_processed()
    pipeline.add_partitions(6, AUTHORISATIONS, SETTINGS, ENTRIES, BY_CUSTOMER)
    alerting.await_said(f"{pipeline.topic(SETTINGS)} on dc1 has 6 partitions, it had 4")
    for account in ACCOUNTS[4:]:
        pipeline.authorise(account, [f"c{account}"])
        pipeline.put_settings(f"c{account}", settings_row(f"c{account}", account, above=400))
    pipeline.authorise(ACCOUNTS[0], None)
    pipeline.put_settings(f"c{ACCOUNTS[1]}", None)
    pipeline.flush()
    assert wait_until(lambda: followed(pipeline), SECONDS, every=0.05), pipeline.said()
    book(pipeline, "after")
    pipeline.await_processed()
    pipeline.verify(least=20)
    assert not [one for one in alerting.messages() if "Trying again" in one], (
        "a stay that breaks repeats its last second"
    )
    assert alerting.stop() == 0
    fresh = pipeline.alerting(state="fresh")  # reads all partitions from the beginning, each at its own pace
    book(pipeline, "rebuilt")
    pipeline.await_processed()
    pipeline.verify(least=35)
    assert wait_until(lambda: fresh.pid in {one["pid"] for one in newest_beats(pipeline, seconds=2.5)}, SECONDS)


def book(pipeline: Pipeline, name: str) -> None:
    """Bookings below and above what the later rows ask for."""
    for account in ACCOUNTS:
        pipeline.book(debit(account, f"{name}-low-{account}", cents=300))
        pipeline.book(debit(account, f"{name}-high-{account}", cents=500))
