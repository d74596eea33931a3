"""Real bookings of a bank, from its files to the outbound topics, by the commands that an operator types."""

import gzip
import json
from collections import defaultdict
from pathlib import Path
from typing import Any

import pytest

from kafkalert.sandbox.expected import expected
from kafkalert.sandbox.local import Sandbox
from tests.support.pipeline import Pipeline
from tests.support.reading import CODEC
from tests.support.running import kafkalert

BERKA = Path(__file__).parents[4] / "shared" / "data" / "berka"
TOPIC = {
    "EMAIL": ("outboundemailmessage", "EmailAddress", "emailAddress"),
    "SMS": ("outboundsmsmessage", "PhoneNumber", "phoneNumber"),
    "PUSH": ("outboundcustomerpushmessage", "CustomerId", "id"),
}
ENTRIES = 23_932

pytestmark = [
    pytest.mark.one_cluster,
    pytest.mark.skipif(not BERKA.is_dir(), reason="the Berka bookings are not there (../shared/data/berka)"),
]


@pytest.mark.parametrize("mode", ["one-hop", "two-hop"])
def test_real_bookings_raise_what_the_rules_say(sandbox1: Sandbox, prefix: str, tmp_path: Path, mode: str) -> None:
    """seed, run bridge, run alerting: the alerts are those of the independent statement, each once, in order."""
    pipeline = Pipeline(sandbox1.bootstrap(), prefix, tmp_path, engine={"batch": 500}).make_topics()
    for arguments in (
        ("seed", "authorisations", str(BERKA / "authorisations.ndjson"), "--yes"),
        ("seed", "settings", str(BERKA / "settings.ndjson"), "--yes"),
        ("run", "bridge", "--from", str(BERKA / "entries.ndjson.gz")),
        ("run", "alerting", "--until-end", "--mode", mode),
    ):
        done = kafkalert(pipeline, *arguments)
        assert done.returncode == 0, done.stderr
    bookings = list(map(json.loads, gzip.decompress((BERKA / "entries.ndjson.gz").read_bytes()).splitlines()))
    assert len(bookings) == ENTRIES
    outputs = pipeline.outputs()
    assert len({one.id for one in outputs}) == len(outputs)
    assert {one.what for one in outputs} == wanted(pipeline, bookings)
    place = {booking["entryId"]: number for number, booking in enumerate(bookings)}
    order: dict[tuple[bytes, str], list[int]] = defaultdict(list)
    for one in sorted(outputs, key=lambda each: (each.place, each.offset)):
        order[one.key, one.account].append(place[one.entry])
    assert all(numbers == sorted(numbers) for numbers in order.values())


def wanted(pipeline: Pipeline, bookings: list[dict[str, Any]]) -> set[tuple[Any, ...]]:
    """The outbound records that have to be there, as `Output.what`."""
    authorisations = {key: [one["id"] for one in value["customerIds"]] for key, value in rows("authorisations")}
    settings = dict(rows("settings"))
    alerts = set()
    for booking in bookings:
        for one in expected(booking, authorisations, settings):
            topic, schema, field = TOPIC[one.channel]
            key = CODEC.encode(schema, {field: one.address})
            entry = booking["entryId"].encode()
            alerts.add((pipeline.topic(topic), key, entry, one.alert_type, tuple(sorted(one.params))))
    return alerts


def rows(name: str) -> list[tuple[str, dict[str, Any]]]:
    """Keys and values of a seed file."""
    lines = map(json.loads, (BERKA / f"{name}.ndjson").read_bytes().splitlines())
    return [(line["key"]["id"], line["value"]) for line in lines]
