"""Which protocol the stage's group speaks: what the brokers allow, or what the configuration says."""

from collections.abc import Callable
from pathlib import Path

import pytest
from confluent_kafka import ConsumerGroupType

from kafkalert.bus.clients import admin
from kafkalert.sandbox.local import Sandbox
from tests.support.data.rows import debit, settings_row
from tests.support.pipeline import Pipeline
from tests.support.running import await_beat, kafkalert

pytestmark = pytest.mark.one_cluster

STOCK = {
    "group.consumer.min.session.timeout.ms": "45000",
    "group.consumer.session.timeout.ms": "45000",
    "group.consumer.min.heartbeat.interval.ms": "5000",
    "group.min.session.timeout.ms": "6000",
}
"""Kafka's own defaults, which the sandbox changes."""
OLD = {"group.coordinator.rebalance.protocols": "classic"}


def bank(sandbox: Sandbox, folder: Path, prefix: str = "") -> Pipeline:
    """Topics with one booking that raises one alert."""
    one = Pipeline(sandbox.bootstrap(), prefix, folder).make_topics()
    one.authorise("NL01", ["anna"])
    one.put_settings("anna", settings_row("anna", "NL01"))
    one.book(debit("NL01", "first"))
    one.flush()
    return one


def spoken(one: Pipeline) -> ConsumerGroupType:
    """The protocol of the group while a member runs; the stage works by it."""
    alerting = one.alerting()
    try:
        await_beat(one, alerting.pid, lambda beat: beat["state"] == "running" and bool(beat["partitions"]))
        asked = admin(one.cluster)
        described = asked.describe_consumer_groups([one.group()])[one.group()].result(30)
        one.await_processed()
        one.verify()
        assert alerting.stop() == 0
    finally:
        one.end()
    kind: ConsumerGroupType = described.type
    return kind


def test_brokers_that_allow_short_sessions_are_spoken_to_by_the_new_protocol(
    sandbox1: Sandbox, prefix: str, tmp_path: Path
) -> None:
    """KIP-848, with sessions short enough that a dead member is replaced within 6 s."""
    assert spoken(bank(sandbox1, tmp_path, prefix)) is ConsumerGroupType.CONSUMER


def test_the_configuration_may_ask_for_the_classic_protocol(sandbox1: Sandbox, prefix: str, tmp_path: Path) -> None:
    """Whatever the brokers would allow."""
    one = bank(sandbox1, tmp_path, prefix)
    one.engine["group_protocol"] = "classic"
    assert spoken(one) is ConsumerGroupType.CLASSIC


@pytest.mark.parametrize("extra", [STOCK, OLD], ids=["as they come", "without KIP-848"])
def test_other_brokers_are_spoken_to_by_the_classic_protocol(
    own_sandbox: Callable[..., Sandbox], tmp_path: Path, extra: dict[str, str]
) -> None:
    """Where the new one is not there, or would leave a dead member's partitions alone for 45 s."""
    assert spoken(bank(own_sandbox(extra=extra), tmp_path / "bank")) is ConsumerGroupType.CLASSIC


def test_a_protocol_that_the_brokers_do_not_have_is_a_wrong_configuration(
    own_sandbox: Callable[..., Sandbox], tmp_path: Path
) -> None:
    """Said at once, with what to write instead."""
    one = bank(own_sandbox(extra=OLD), tmp_path / "bank")
    one.engine["group_protocol"] = "consumer"
    done = kafkalert(one, "run", "alerting", "--until-end")
    assert done.returncode == 2, done.stderr
    assert "engine.group_protocol" in done.stderr
    assert "Traceback" not in done.stderr
