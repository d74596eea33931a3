"""Whether a record would pass: as its stage has it, for everything that nobody should have written."""

from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka import Message

from kafkalert.bus.records.unreadable import Batch
from kafkalert.config.sections import Serde
from kafkalert.engine.deadletter import DeadLetters
from kafkalert.errors import UnreachableError
from kafkalert.ops.deadletters.judging import Judge, Verdict, judge
from kafkalert.ops.deadletters.letter import Letter, read
from tests.support.data.poison import ANNA, GOOD, IN_ENTRIES, IN_SECOND_HOP, IN_TABLES, KEY
from tests.support.data.rows import settings_row
from tests.support.fakes.control import SETTINGS
from tests.support.fakes.engine import FakeClock
from tests.support.fakes.letters import Cluster, record
from tests.support.reading import AUTHORISATIONS, BY_CUSTOMER, CODEC, ENTRIES
from tests.support.reading import SETTINGS as CUSTOMER_SETTINGS

POISON = [
    *((ENTRIES, *one) for one in IN_ENTRIES),
    *((BY_CUSTOMER, *one) for one in IN_SECOND_HOP),
    *IN_TABLES,
]


@pytest.fixture
def asked(tmp_path: Path) -> Judge:
    """A judge of the installed stages."""
    return Judge(SETTINGS, tmp_path)


def put_away(message: Message, reason: str, stage: str = "alerting") -> tuple[Letter, Message]:
    """A letter, and its record."""
    cluster = Cluster()
    cluster.put_away(message, reason, stage=stage)
    (found,) = [one for log in cluster.letters for one in log]
    letter = read(found, "dc1", ["dc2"])
    assert isinstance(letter, Letter)
    return letter, found


@pytest.mark.parametrize(("topic", "reason", "value", "key"), POISON)
def test_poison_fails_again(asked: Judge, topic: str, reason: str, value: bytes | None, key: bytes | None) -> None:
    """With a sentence that says why."""
    stage = "tables" if topic in {AUTHORISATIONS, CUSTOMER_SETTINGS} else "alerting"
    verdict = asked.verdict(*put_away(record(key, value, topic=topic), reason, stage))
    assert verdict.outcome == "fails"
    assert verdict.why.endswith(".")


@pytest.mark.parametrize("header", [b"\xff", b"x" * 2000])
def test_a_bad_id_fails_again(asked: Judge, header: bytes) -> None:
    assert asked.verdict(*put_away(record(KEY, GOOD, [("ka-id", header)]), "bad-id")).outcome == "fails"


@pytest.mark.parametrize(
    ("topic", "key", "value"),
    [
        (ENTRIES, KEY, GOOD),
        (BY_CUSTOMER, ANNA, GOOD),
        (AUTHORISATIONS, KEY, CODEC.encode("CustomerIds", {"customerIds": []})),
        (CUSTOMER_SETTINGS, ANNA, CODEC.encode("CustomerAlertSettings", settings_row("anna", "NL1"))),
        (CUSTOMER_SETTINGS, ANNA, None),
    ],
)
def test_what_is_in_order_passes(asked: Judge, topic: str, key: bytes, value: bytes | None) -> None:
    """Whatever was wrong before: what can be read is mended."""
    stage = "tables" if topic in {AUTHORISATIONS, CUSTOMER_SETTINGS} else "alerting"
    assert asked.verdict(*put_away(record(key, value, topic=topic), "unknown-fingerprint", stage)) == Verdict("passes")


@pytest.mark.parametrize("reason", ["rule-failed", "too-large"])
def test_what_rests_on_the_tables_is_not_known(asked: Judge, reason: str) -> None:
    """Unless it could not even be read."""
    assert asked.verdict(*put_away(record(KEY, GOOD), reason)).outcome == "unknown"
    assert asked.verdict(*put_away(record(KEY, GOOD[:-4]), reason)).outcome == "fails"


def test_without_its_bytes_or_its_time_it_cannot_be_written_again(asked: Judge) -> None:
    """An entry without an id has one that is made of key, value and time."""
    cluster = Cluster()
    delivery: Any = cluster
    dead = DeadLetters("kafkalert.deadletter", "alerting", delivery, Counter(), FakeClock())
    dead.put_batch(record(offset=17), Batch("accountentry", 0, 17, 20))
    (message,) = cluster.letters[0]
    letter = read(message, "dc1", ())
    assert isinstance(letter, Letter)
    verdict = asked.verdict(letter, message)
    assert verdict.outcome == "impossible"
    assert "accountentry[0] at 17 on dc1" in verdict.why
    assert asked.verdict(*put_away(record(KEY, GOOD, time=-1), "bad-bytes")).outcome == "impossible"
    assert asked.verdict(*put_away(record(KEY, GOOD, [("ka-id", b"e")], time=-1), "bad-bytes")).outcome == "passes"


def test_a_registry_that_does_not_answer_is_told() -> None:
    """Nobody knows then."""
    pytest.importorskip("confluent_kafka.schema_registry", reason="the extra `registry` is not installed")
    settings = SETTINGS.model_copy(update={"serde": Serde(registry="http://127.0.0.1:9")})
    with judge(settings) as asked, pytest.raises(UnreachableError):
        asked.verdict(*put_away(record(KEY, b"\x00\x00\x00\x00\x07" + GOOD[10:]), "unknown-schema-id"))
