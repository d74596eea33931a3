"""docs/rules.md says what is: its examples are run."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from kafkalert.model.money import places
from kafkalert.rules.plan import threshold
from kafkalert.rules.rule import Rule, installed, movement
from kafkalert.sandbox.expected import expected

ROOT = Path(__file__).parents[3]
TEXT = (ROOT / "docs" / "rules.md").read_text(encoding="utf-8")


def lines(name: str) -> list[dict[str, Any]]:
    """The rows of an example file."""
    return [json.loads(line) for line in (ROOT / "examples" / name).read_text(encoding="utf-8").splitlines()]


def test_its_messages_are_those_of_the_examples() -> None:
    """The first entry raises the two alerts that are printed there, param for param."""
    printed = [
        json.loads(text) for text in re.findall(r'^    (\{"customerId".*?\}\})$', TEXT, re.MULTILINE | re.DOTALL)
    ]
    authorisations = {
        row["key"]["id"]: [one["id"] for one in row["value"]["customerIds"]] for row in lines("authorisations.ndjson")
    }
    settings = {row["key"]["id"]: row["value"] for row in lines("settings.ndjson")}
    raised = expected(lines("entries.ndjson")[0], authorisations, settings)
    assert {(one["customerId"]["id"], one["messageType"], frozenset(one["params"].items())) for one in printed} == {
        (one.customer, one.alert_type, one.params) for one in raised
    }
    assert len(printed) == 2


@pytest.mark.parametrize(
    ("name", "credit", "yes", "no"),
    [
        ("ALERT_BALANCE_ABOVE_THRESHOLD", True, 10500, (10000, 10501)),
        ("ALERT_BALANCE_BELOW_THRESHOLD", False, 9500, (10000, 9499)),
    ],
)
def test_its_balances_cross_or_do_not(name: str, credit: bool, yes: int, no: tuple[int, int]) -> None:
    """The balances in the table of rules, after 500."""
    row = next(line for line in TEXT.splitlines() if line.startswith(f"| `{name}`"))
    assert row.endswith(f"{yes}: yes; {no[0]}: no; {no[1]}: no, it was {'above' if credit else 'below'} already |")
    rule = installed()[name]
    assert rule.raised(movement(500, yes, credit=credit), 10000)
    assert not any(rule.raised(movement(500, one, credit=credit), 10000) for one in no)


def test_its_amounts_are_over_or_not() -> None:
    """The amounts in the table of rules."""
    for name, credit in (("ALERT_DEBITED_ABOVE_THRESHOLD", False), ("ALERT_CREDITED_ABOVE_THRESHOLD", True)):
        rule = installed()[name]
        raised = [
            rule.raised(movement(amount, None, credit=way), 10000)
            for amount in (10001, 10000)
            for way in (credit, not credit)
        ]
        assert raised == [True, False, False, False]


def test_its_thresholds_and_places_are_so() -> None:
    """The texts that it calls numbers are, and currencies have the places that it says."""
    (numbers,) = re.findall(r"of at most 40 digits before and after the\npoint: (.*?) No exponent", TEXT, re.DOTALL)
    assert all(threshold(text) is not None for text in re.findall(r"`([^`]*)`", numbers))
    assert [places(code) for code in ("JPY", "KWD", "BHD", "TND", "CLF", "UYW", "ITL", "XAU")] == [
        0,
        3,
        3,
        3,
        4,
        4,
        0,
        2,
    ]


def test_its_rule_of_ones_own_works() -> None:
    """The Python that it prints makes a rule that does what its docstring says."""
    (source,) = re.findall(r"^```python\n(.*?)^```", TEXT, re.MULTILINE | re.DOTALL)
    module: dict[str, Any] = {}
    exec(compile(source, "docs/rules.md", "exec"), module)  # noqa: S102 - our own documentation
    rule = module["EMPTIED"]
    assert isinstance(rule, Rule)
    assert f'{rule.alert_type} = "bank_rules:EMPTIED"' in TEXT
    assert rule.raised(movement(500, -100, credit=False), 499)
    assert rule.raised(movement(500, 0, credit=False), 499)
    assert not rule.raised(movement(500, 0, credit=False), 500)
    assert not rule.raised(movement(500, -501, credit=False), 1)
    assert not rule.raised(movement(500, 0, credit=True), 1)
    assert not rule.raised(movement(500, None, credit=False), 1)
