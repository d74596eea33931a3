"""What the demo counts, and how it tells it."""

from dataclasses import replace
from datetime import date
from io import StringIO

import pytest
from rich.console import Console

from kafkalert.commands.demo import fail, told
from kafkalert.errors import ExitCode, KafkalertError
from kafkalert.model.ids import CustomerId, EntryId, alert_id, alert_suffix
from kafkalert.sandbox.bank import Booking
from kafkalert.sandbox.demo.scoreboard import Arrival, Loss, Scoreboard
from kafkalert.sandbox.expected import Expected, expected
from kafkalert.views.demo import Lines, framed, picture

KEY = b"0123456789abcdef"
AUTHORISATIONS = {"A": ["c1"]}
SETTINGS = {
    "c1": {
        "addresses": [{"address": {"emailAddress": "jan@example.org"}}, {"address": {"id": "c1"}}],
        "accountAlertSettings": [
            {
                "account": {"id": "A"},
                "currency": {"symbol": "EUR"},
                "settings": [
                    {
                        "alertType": "ALERT_DEBITED_ABOVE_THRESHOLD",
                        "channels": ["EMAIL", "PUSH"],
                        "amount": {"value": "10.0"},
                    }
                ],
            }
        ],
    }
}


def booking(number: int) -> Booking:
    entry = {
        "entryId": f"e{number}",
        "accountId": "A",
        "accountCurrency": "EUR",
        "bookingAmountNumeric": 11,
        "bookingCreditDebitIndicator": "DBIT",
    }
    return Booking(entry, "coffee", date(2026, 1, 20))


def alerts(number: int) -> list[Arrival]:
    """What alerting should make of a booking, e-mail first."""
    found = sorted(expected(booking(number).entry, AUTHORISATIONS, SETTINGS), key=lambda alert: alert.channel)
    return [Arrival(own_id(number, alert), alert._replace(threshold=""), "j***", "words") for alert in found]


def own_id(number: int, alert: Expected) -> str:
    suffix = alert_suffix(CustomerId(alert.customer), alert.alert_type, alert.threshold, alert.channel, alert.address)
    return alert_id(KEY, EntryId(f"e{number}"), suffix)


@pytest.fixture
def scoreboard() -> Scoreboard:
    """A scoreboard of two bookings, sent 1 and 7 seconds after its beginning at 100."""
    made = Scoreboard(KEY, AUTHORISATIONS, SETTINGS)
    made.sending(booking(1), 101.0)
    made.sending(booking(2), 107.0)
    return made


def test_every_alert_came(scoreboard: Scoreboard) -> None:
    """Alerts that come once, with their ids and contents, make it complete; latency is that of warm ones."""
    assert scoreboard.waiting() == 4
    for arrival in alerts(1):
        scoreboard.received(arrival, 102.0)
    for arrival in alerts(2):
        scoreboard.received(arrival, 107.004)
    summary = scoreboard.summary(1, 100.0, 110.0, warm_after=5)
    assert summary.complete
    assert (summary.bookings, summary.expected, summary.arrived, summary.email, summary.push) == (2, 4, 4, 2, 2)
    assert (summary.p50_ms, summary.p99_ms) == (4, 4)
    assert scoreboard.summary(1, 100.0, 110.0, warm_after=0).p99_ms == 1000
    assert "4 of them came: 2 by e-mail, 0 by SMS, 2 by push message." in told(summary)


def test_lost_alerts_are_named(scoreboard: Scoreboard) -> None:
    """What did not come is counted by rule, with an id to look for, and ends the command with 1."""
    email, push = alerts(1)
    scoreboard.received(email, 102.0)
    summary = scoreboard.summary(1, 100.0, 110.0, warm_after=0)
    assert not summary.complete
    assert summary.lost == (Loss("ALERT_DEBITED_ABOVE_THRESHOLD", 3, push.id, "e1"),)
    with pytest.raises(KafkalertError, match=r"^3 of 4 expected alerts did not come") as caught:
        fail(summary, kept=False, log="")
    assert caught.value.exit_code == ExitCode.FAILED


def test_wrong_and_repeated_alerts(scoreboard: Scoreboard) -> None:
    """An alert that nobody expects or with another content is wrong; the same alert again is a repeat, and harmless."""
    email, push = alerts(1)
    scoreboard.received(email, 102.0)
    scoreboard.received(email, 102.0)
    scoreboard.received(replace(push, alert=push.alert._replace(customer="c2")), 102.0)
    scoreboard.received(replace(email, id="00"), 102.0)
    summary = scoreboard.summary(1, 100.0, 110.0, warm_after=0)
    assert (summary.repeated, summary.wrong, summary.missing) == (1, 2, 2)


def test_the_picture_shows_the_last_alerts(scoreboard: Scoreboard) -> None:
    """The live view has counts, latency and the last bookings and alerts in words, and fits a small terminal."""
    for arrival in alerts(2):
        scoreboard.received(arrival, 107.004)
    snapshot = scoreboard.snapshot("bookings", 7.5, 20)
    console = Console(width=80, height=24, record=True, file=StringIO())
    console.print(framed("a bank", picture(snapshot)))
    text = console.export_text()
    assert len(text.splitlines()) <= 24
    assert "4 ms for 99 of 100" in text
    assert "coffee: Debited 0.11 EUR from ***; balance unknown" in text
    assert "j***" in text
    assert "Tue 20 Jan" in text


def test_lines_come_now_and_then(scoreboard: Scoreboard) -> None:
    """Off a terminal there is a line for each step and one every five seconds, not one for each look."""
    said: list[str] = []
    lines = Lines(said.append)
    lines.tell("Starting Kafka: finding Java")
    lines.tell("Starting Kafka: formatting")
    for tenth in range(120):
        lines.show(scoreboard.snapshot("bookings", tenth / 10, 12))
    lines.show(scoreboard.snapshot("done", 12, 12))
    assert said[0] == "Starting Kafka: finding Java ..."
    assert [line.split(" s:")[0].strip() for line in said[1:]] == ["0", "5", "10", "12"]
