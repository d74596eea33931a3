"""The examples of README's first hour are what it says they are."""

import json
from pathlib import Path
from typing import Any

from kafkalert.edges.ndjson import Entry, SeedRow, read_authorisations, read_entries, read_settings
from kafkalert.edges.source import Source
from kafkalert.sandbox.expected import expected

EXAMPLES = Path(__file__).parents[3] / "examples"


def lines(name: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (EXAMPLES / name).read_text().splitlines()]


def test_every_line_is_good() -> None:
    """As `seed` and `run bridge` read them."""
    with Source(EXAMPLES / "authorisations.ndjson") as source:
        assert {type(row) for row in read_authorisations(source)} == {SeedRow}
    with Source(EXAMPLES / "settings.ndjson") as source:
        assert {type(row) for row in read_settings(source)} == {SeedRow}
    with Source(EXAMPLES / "entries.ndjson") as source:
        assert {type(row) for row in read_entries(source)} == {Entry}


def test_three_bookings_four_alerts() -> None:
    """Anna by e-mail and push and Bram by SMS for the first, nothing for the second, Bram's salary for the third."""
    authorisations = {
        row["key"]["id"]: [one["id"] for one in row["value"]["customerIds"]] for row in lines("authorisations.ndjson")
    }
    settings = {row["key"]["id"]: row["value"] for row in lines("settings.ndjson")}
    raised = [
        sorted((alert.customer, alert.channel) for alert in expected(entry, authorisations, settings))
        for entry in lines("entries.ndjson")
    ]
    assert raised == [[("anna", "EMAIL"), ("anna", "PUSH"), ("bram", "SMS")], [], [("bram", "SMS")]]
