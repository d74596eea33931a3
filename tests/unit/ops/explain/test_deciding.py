"""What explain says of a booking, against the independent statement of the rules."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from kafkalert.config.sections import DEVELOPMENT_KEY, Cluster, Context, Settings
from kafkalert.errors import DecodingError
from kafkalert.model.ids import CustomerId, EntryId, alert_id, alert_suffix
from kafkalert.model.records import address_text
from kafkalert.ops.explain.booking import facts
from kafkalert.ops.explain.deciding import RAISED, outcomes
from kafkalert.ops.explain.explanation import Judgement
from kafkalert.ops.explain.history import History, InForce, Version
from kafkalert.ops.explain.judging import judge
from kafkalert.ops.explain.reasons import title, why
from kafkalert.rules.plan import plan
from kafkalert.rules.rule import Rule, installed
from kafkalert.sandbox.expected import expected
from kafkalert.serde import records
from kafkalert.serde.codec import Codec
from kafkalert.tables.origins import origin
from tests.support.data.rows import datum, debit, settings_row
from tests.support.fakes.engine import FakeMessage
from tests.unit.rules.test_rules import ACCOUNTS, AUTHORISATIONS, CUSTOMERS, ENTRIES, SETTINGS

CODEC = Codec()
CONTEXT = Context(clusters=("dc1",))
CONFIGURATION = Settings(context=CONTEXT, clusters={"dc1": Cluster(name="dc1", bootstrap="b:9092")})
ENTRY = "e-1"


def booking(entry: dict[str, Any], **headers: bytes) -> FakeMessage:
    """The record of a booking."""
    known = {**entry, "timestamp": 1, "bookingAmount": "", "balanceAfterBooking": ""}
    known["BalanceAfterBookingCreditDebitIndicator"] = "CRDT"
    own = {"ka-id": ENTRY.encode(), **headers}
    if known["BalanceAfterBookingNumeric"] is None:
        known["BalanceAfterBookingNumeric"] = 0
        own["ka-balance"] = b"unknown"
    key = CODEC.encode("AccountId", {"id": entry["accountId"]})
    value = CODEC.encode("AccountEntry", datum(known))
    return FakeMessage("accountentry", value, key, carried=list(own.items()))


def history(*rows: tuple[int, bytes | None]) -> History:
    """Records of one key in a partition of which nothing is gone: (ms, value)."""
    versions = [
        Version(0, at, ms, origin(FakeMessage("t", None, b"", time=ms).real) + (value or b""))
        for at, (ms, value) in enumerate(rows)
    ]
    return History(tuple(versions), {0: True})


def authorisation(customers: list[str] | None) -> bytes | None:
    """The value of a row of who may see an account."""
    if customers is None:
        return None
    return CODEC.encode("CustomerIds", {"customerIds": [{"id": one} for one in customers]})


def wishes(row: dict[str, Any] | None) -> bytes | None:
    """The value of a row of what a customer asked for."""
    return None if row is None else CODEC.encode("CustomerAlertSettings", row)


def due(judged: Judgement) -> set[tuple[str, str, str, str, str]]:
    """What it says to be due: id, channel, address, alert type, threshold."""
    return {
        (alert.id, alert.channel.value, address_text(alert.address), one.alert_type, str(one.threshold))
        for one in judged.outcomes
        for alert in one.alerts
        if judged.authorised
    }


def stated(
    entry: dict[str, Any], customer: str, authorised: list[str], row: dict[str, Any] | None
) -> set[tuple[str, str, str, str, str]]:
    """What the independent statement says to be due to one customer."""
    found: set[tuple[str, str, str, str, str]] = set()
    for one in expected(entry, {entry["accountId"]: authorised}, {customer: row}):
        if one.customer == customer:
            suffix = alert_suffix(CustomerId(customer), one.alert_type, one.threshold, one.channel, one.address)
            own = alert_id(DEVELOPMENT_KEY, EntryId(ENTRY), suffix)
            found.add((own, one.channel, one.address, one.alert_type, one.threshold))
    return found


@hypothesis_settings(max_examples=150)
@given(ENTRIES, AUTHORISATIONS, SETTINGS, st.sampled_from(CUSTOMERS))
def test_what_is_due_is_what_the_statement_says(
    entry: dict[str, Any], authorisations: dict[str, list[str]], rows: dict[str, Any], customer: str
) -> None:
    """For any booking, authorisations and settings: the same alerts by the same ids, and a reason for each other."""
    authorised = authorisations.get(entry["accountId"], [])
    told = facts(CONFIGURATION, CODEC, booking(entry).real)
    one = InForce(True, history((1, authorisation(authorised))).versions[0])
    row = rows.get(customer)
    other = InForce(True, history((1, wishes(row))).versions[0])
    judged = judge(CONFIGURATION, CODEC, told, CustomerId(customer), one, other)
    assert due(judged) == stated(entry, customer, authorised, row)
    assert {alert.id for alert in judged.due} == {one for one, *_ in due(judged)}
    for each in judged.outcomes:
        assert (each.reason == RAISED) == bool(each.alerts)
        assert why(each, told).endswith(".")
        assert title(each)


STEPS = st.lists(st.tuples(st.integers(0, 4), st.booleans(), st.integers(0, 3)), max_size=6)


@hypothesis_settings(max_examples=150)
@given(ENTRIES, SETTINGS, SETTINGS, STEPS, st.integers(0, 20))
def test_by_the_tables_as_they_were(
    entry: dict[str, Any], one: dict[str, Any], other: dict[str, Any], steps: list[tuple[int, bool, int]], asked: int
) -> None:
    """For any history of both rows: what was due at a time is what the statement says of the rows of that time."""
    authorised_then: list[str] | None = None
    row_then: dict[str, Any] | None = None
    seen, asked_for, now = [], [], 0
    authorised_choices = (None, ["c1"], ["c2"], ["c2", "c1"])
    rows = (None, one["c1"], other["c1"], one["c1"])
    for after, is_settings, choice in steps:
        now += after
        if is_settings:
            asked_for.append((now, wishes(rows[choice])))
            row_then = rows[choice] if now <= asked else row_then
        else:
            seen.append((now, authorisation(authorised_choices[choice])))
            authorised_then = authorised_choices[choice] if now <= asked else authorised_then
    told = facts(CONFIGURATION, CODEC, booking(entry).real)
    judged = judge(
        CONFIGURATION, CODEC, told, CustomerId("c1"), history(*seen).at(asked), history(*asked_for).at(asked)
    )
    assert judged.is_known
    assert due(judged) == stated(entry, "c1", authorised_then or [], row_then)


def test_what_is_not_known_is_not_guessed() -> None:
    """Without what was in force, nothing is due and nothing is denied."""
    told = facts(CONFIGURATION, CODEC, booking({**debit(ACCOUNTS[0], ENTRY), "BalanceAfterBookingNumeric": 1}).real)
    unknown = InForce(known=False)
    row = InForce(True, history((1, wishes(settings_row("c1", ACCOUNTS[0])))).versions[0])
    judged = judge(CONFIGURATION, CODEC, told, CustomerId("c1"), unknown, row)
    assert (judged.authorised, judged.asked, judged.is_known, judged.due) == (None, True, False, ())
    nobody = InForce(True)
    assert judge(CONFIGURATION, CODEC, told, CustomerId("c1"), nobody, unknown).is_known, "who may not see gets nothing"
    assert not judge(CONFIGURATION, CODEC, told, CustomerId("c1"), unknown, unknown).is_known


def setting(alert_type: str, amount: str | None, channels: tuple[str, ...] = ("EMAIL",)) -> dict[str, Any]:
    return {"alertType": alert_type, "channels": [*channels], "amount": None if amount is None else {"value": amount}}


DEBITED, CREDITED = "ALERT_DEBITED_ABOVE_THRESHOLD", "ALERT_CREDITED_ABOVE_THRESHOLD"
ABOVE, BELOW = "ALERT_BALANCE_ABOVE_THRESHOLD", "ALERT_BALANCE_BELOW_THRESHOLD"


@pytest.mark.parametrize(
    ("wish", "reason", "sentence"),
    [
        (setting(DEBITED, "400"), "raised", "The debit of 5.00 EUR is above 4.00 EUR."),
        (setting(DEBITED, "500"), "not-met", "The debit of 5.00 EUR is not above 5.00 EUR."),
        (setting(CREDITED, "0"), "not-met", "The booking is a debit, no credit."),
        (setting(BELOW, "1200"), "raised", "The balance fell from 15.00 EUR to 10.00 EUR, below 12.00 EUR."),
        (
            setting(BELOW, "2000"),
            "not-met",
            "The balance of 10.00 EUR is below 20.00 EUR, but so it was before the booking: 15.00 EUR.",
        ),
        (
            setting(BELOW, "1000"),
            "not-met",
            "The balance of 10.00 EUR is not below 10.00 EUR; before the booking it was 15.00 EUR.",
        ),
        (
            setting(ABOVE, "500"),
            "not-met",
            "The balance of 10.00 EUR is above 5.00 EUR, but so it was before the booking: 15.00 EUR.",
        ),
        (setting(DEBITED, None), "no-amount", "The setting has no amount, so it is skipped."),
        (setting(DEBITED, "1,5"), "amount-not-a-number", "The amount of the setting is no number, so it is skipped."),
        (
            setting("ALERT_X", "1"),
            "unknown-alert-type",
            "No rule of this name is installed here, so the setting is skipped.",
        ),
        (setting(DEBITED, "1", ("SMS",)), "no-address", "The customer has no address for SMS."),
        (setting(DEBITED, "1", ()), "no-channel", "The setting names no channel, so nothing can be sent."),
    ],
)
def test_each_reason_is_a_sentence_with_its_numbers(wish: dict[str, Any], reason: str, sentence: str) -> None:
    """A debit of 5.00 EUR that left 10.00 EUR."""
    entry = {**debit(ACCOUNTS[0], ENTRY, cents=500), "BalanceAfterBookingNumeric": 1000}
    (only,) = decided(entry, wish)
    assert only.reason == reason
    assert why(only, facts(CONFIGURATION, CODEC, booking(entry).real)) == sentence


def decided(entry: dict[str, Any], *settings: dict[str, Any], rules: dict[str, Rule] | None = None) -> Any:  # noqa: ANN401
    """What becomes of these settings of c1."""
    row = settings_row("c1", ACCOUNTS[0])
    row["accountAlertSettings"][0]["settings"] = list(settings)
    told = facts(CONFIGURATION, CODEC, booking(entry).real)
    read = records.settings(CODEC, CODEC.encode("CustomerAlertSettings", row))
    return outcomes(told, CustomerId("c1"), read, rules or installed(), DEVELOPMENT_KEY)


def test_other_currency_unknown_balance_and_a_broken_rule() -> None:
    """Each has a reason of its own; a rule that breaks is named, and ends nothing."""
    known = {**debit(ACCOUNTS[0], ENTRY), "BalanceAfterBookingNumeric": 1}
    assert decided({**known, "accountCurrency": "USD"}, setting(DEBITED, "1"))[0].reason == "other-currency"
    assert decided({**known, "BalanceAfterBookingNumeric": None}, setting(BELOW, "1"))[0].reason == "balance-unknown"

    def breaks(_moved: object, _threshold: object) -> bool:
        raise ZeroDivisionError

    rules = {**installed(), "X": Rule("X", breaks)}
    broken, other = decided(known, setting("X", "1"), setting(DEBITED, "1"), rules=rules)
    assert (broken.reason, other.reason) == ("rule-failed", "raised")


def test_settings_that_ask_for_the_same_are_one() -> None:
    """With the channels of both, as they are sent once."""
    known = {**debit(ACCOUNTS[0], ENTRY), "BalanceAfterBookingNumeric": 1}
    (only,) = decided(known, setting(DEBITED, "1.00", ("SMS",)), setting(DEBITED, "1"))
    assert {one.value for one in only.channels} == {"SMS", "EMAIL"}
    assert len(only.alerts) == 1


def test_too_much_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the plan leaves out for want of room is no missing address."""
    monkeypatch.setattr("kafkalert.rules.plan.MOST_MESSAGES", 1)
    known = {**debit(ACCOUNTS[0], ENTRY), "BalanceAfterBookingNumeric": 1}
    first, second = decided(known, setting(DEBITED, "1"), setting(DEBITED, "2"))
    assert (first.reason, second.reason) == ("raised", "too-much")
    assert plan.__module__ == "kafkalert.rules.plan"


def test_a_booking_that_alerting_puts_away_cannot_be_explained() -> None:
    """The same code as the dead letter's."""
    good = booking({**debit(ACCOUNTS[0], ENTRY), "BalanceAfterBookingNumeric": 1})
    wrong = FakeMessage("accountentry", good.value(), CODEC.encode("AccountId", {"id": "other"}))
    with pytest.raises(DecodingError) as error:
        facts(CONFIGURATION, CODEC, wrong.real)
    assert error.value.code == "wrong-key"
