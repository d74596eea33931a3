"""Records that nobody should have written: each is put away with its reason, and the rest flows."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from kafkalert.sandbox.local import Sandbox
from tests.support.data.poison import ACCOUNT, ANNA, GOOD, IN_ENTRIES, IN_SECOND_HOP, IN_TABLES, KEY, Poison
from tests.support.data.rows import debit, settings_row
from tests.support.pipeline import Pipeline
from tests.support.reading import AUTHORISATIONS, BY_CUSTOMER, DEAD, ENTRIES, SETTINGS

pytestmark = pytest.mark.one_cluster


@pytest.fixture
def pipeline(sandbox1: Sandbox, prefix: str, tmp_path: Path) -> Iterator[Pipeline]:
    """Topics on the shared broker, and one customer who wants to hear of everything."""
    one = Pipeline(sandbox1.bootstrap(), prefix, tmp_path, partitions=2)
    one.make_topics()
    one.authorise(ACCOUNT, ["anna"])
    one.put_settings("anna", settings_row("anna", ACCOUNT))
    yield one
    one.end()


@pytest.mark.parametrize("mode", ["one-hop", "two-hop"])
def test_poison_is_put_away_and_the_rest_flows(pipeline: Pipeline, mode: str) -> None:
    """Whatever is wrong with a record, it lands in the dead letters as it was, once; its neighbours are processed."""
    pipeline.engine["mode"] = mode
    pipeline.two_hop = mode == "two-hop"
    poisons = [Poison(ENTRIES, *one) for one in IN_ENTRIES]
    poisons.append(Poison(ENTRIES, "bad-id", GOOD, KEY, (("ka-id", b"\xff\xfe"),)))
    poisons.append(Poison(ENTRIES, "bad-id", GOOD, KEY, (("ka-id", b"x" * 5000),)))
    if pipeline.two_hop:
        poisons += [Poison(BY_CUSTOMER, *one) for one in IN_SECOND_HOP]
        poisons.append(Poison(BY_CUSTOMER, "bad-id", GOOD, ANNA, (("ka-entry", b"\xff"),)))
    alerting = pipeline.alerting()
    pipeline.book(debit(ACCOUNT, "first"))
    pipeline.await_processed()  # so that there are compiled rules, which table rows have to put out
    in_tables = [Poison(*one) for one in IN_TABLES]
    for number, poison in enumerate([*in_tables, *poisons]):
        headers = [("poison", str(number).encode()), *poison.headers]
        pipeline.put(poison.topic, poison.value, poison.key, headers)
        pipeline.book(debit(ACCOUNT, f"beside-{number}"))
    # No poison, though no entry can ever come for such accounts: the customer's other settings work.
    pipeline.put_settings("anna", settings_row("anna", "", "x" * 600, ACCOUNT))
    pipeline.flush()
    pipeline.await_processed()
    assert alerting.stop() == 0
    pipeline.verify(least=len(poisons))
    check_dead_letters(pipeline, [*in_tables, *poisons])
    pipeline.book(debit(ACCOUNT, "last"))
    again = pipeline.alerting()
    pipeline.await_processed()
    assert again.stop() == 0
    pipeline.verify(least=len(poisons))
    check_dead_letters(pipeline, [*in_tables, *poisons])


def check_dead_letters(pipeline: Pipeline, poisons: list[Poison]) -> None:
    """Prove that the dead letters are these records, each once, with its own bytes, its place and its reason."""
    there = {}
    for message in pipeline.read(ENTRIES, BY_CUSTOMER, AUTHORISATIONS, SETTINGS):
        headers = dict(message.headers() or ())
        if "poison" in headers:
            poison = poisons[int(headers["poison"] or b"")]
            stage = b"tables" if poison.topic in {AUTHORISATIONS, SETTINGS} else b"alerting"
            place = (str(message.topic()).encode(), b"%d" % (message.partition() or 0), b"%d" % (message.offset() or 0))
            there[place] = (stage, poison.reason.encode(), poison.key, poison.value)
    assert len(there) == len(poisons)
    letters = [(dict(message.headers() or ()), message) for message in pipeline.read(DEAD)]
    found = {
        (headers["ka-topic"], headers["ka-partition"], headers["ka-offset"]): (
            headers["ka-stage"],
            headers["ka-reason"],
            message.key(),
            message.value(),
        )
        for headers, message in letters
    }
    assert found == there
    assert len(letters) == len(poisons)
    for headers, _ in letters:
        assert int(headers["ka-time"] or b"") > 0
        assert ACCOUNT not in str(headers["ka-detail"])


def test_clocks_far_off(pipeline: Pipeline) -> None:
    """Bookings and records of any time that a broker takes are alerted by, whatever the clocks said."""
    now = 1_800_000_000_000
    pipeline.alerting()
    times = (0, 1, -1, -(2**62), 2**62, -5_000_000_000_000, 9_999_999_999_999, now)
    for number, time in enumerate(times):
        pipeline.book(debit(ACCOUNT, f"value-{number}", timestamp=time))
        pipeline.book(debit("NL00KAFK0000000009", f"nobody-{number}", timestamp=time))
        pipeline.book(debit(ACCOUNT, f"record-{number}", timestamp=time), timestamp=1 + number)
    pipeline.await_processed()
    pipeline.verify(least=2 * len(times))
    assert pipeline.read(DEAD) == []
