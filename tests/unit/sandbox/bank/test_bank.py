"""The simulated bank: the same every time, valid, and busy enough to show something."""

import json
from collections import Counter
from itertools import islice
from pathlib import Path

import pytest

from kafkalert.edges.ndjson import read_authorisations, read_entries, read_settings
from kafkalert.edges.source import BadLine, Source
from kafkalert.sandbox.bank import Bank, Booking
from kafkalert.sandbox.expected import expected

SEEDS = pytest.mark.parametrize("seed", [1, 2, 3])


def bookings(bank: Bank, count: int) -> list[Booking]:
    return list(islice(bank.bookings(lambda: 1_700_000_000_000), count))


def test_the_seed_decides_everything() -> None:
    """Two banks of one seed are the same bank; another seed gives another."""
    one, same, other = Bank(7), Bank(7), Bank(8)
    assert (one.authorisations, one.settings) == (same.authorisations, same.settings)
    assert bookings(one, 500) == bookings(same, 500) == bookings(one, 500)
    assert one.settings != other.settings


@SEEDS
def test_balances_run(seed: int) -> None:
    """Each known balance is the account's last one plus or minus what was booked since."""
    running: dict[str, int] = {}
    for booking in bookings(Bank(seed), 3000):
        entry = booking.entry
        sign = 1 if entry["bookingCreditDebitIndicator"] == "CRDT" else -1
        account, known = entry["accountId"], entry.get("BalanceAfterBookingNumeric")
        if account in running:
            running[account] += sign * entry["bookingAmountNumeric"]
            assert known in {None, running[account]}
        elif known is not None:
            running[account] = known


@SEEDS
def test_every_channel_and_rule_has_its_share(seed: int) -> None:
    """A third or more of an alert a booking, every channel and rule among them, and some balances unknown."""
    bank = Bank(seed)
    booked = bookings(bank, 2000)
    alerts = [alert for one in booked for alert in expected(one.entry, bank.authorisations, bank.settings)]
    assert len(alerts) > len(booked) / 3
    channels = Counter(alert.channel for alert in alerts)
    assert set(channels) == {"EMAIL", "SMS", "PUSH"}
    assert min(channels.values()) > len(alerts) / 10
    assert len({alert.alert_type for alert in alerts}) == 4
    assert {one.entry.get("BalanceAfterBookingNumeric") is None for one in booked} == {True, False}
    assert len({one.entry["entryId"] for one in booked}) == len(booked)
    assert {one.what for one in booked} >= {"salary", "groceries", "from a partner", "card abroad"}


@SEEDS
def test_its_files_are_good_input(seed: int, tmp_path: Path) -> None:
    """Every line of its entries, authorisations and settings is accepted by the readers of such files."""
    bank = Bank(seed)
    rows = {
        read_entries: [one.entry for one in bookings(bank, 300)],
        read_authorisations: list(bank.authorisation_rows()),
        read_settings: list(bank.settings_rows()),
    }
    for read, lines in rows.items():
        file = tmp_path / "lines.ndjson"
        file.write_text("".join(json.dumps(line) + "\n" for line in lines))
        found = list(read(Source(str(file))))
        assert len(found) == len(lines)
        assert not [one for one in found if isinstance(one, BadLine)]


def test_account_numbers_are_valid() -> None:
    """The check digits are those of ISO 7064: an IBAN moved round, letters as numbers, is 1 modulo 97."""
    for account in Bank(1).authorisations:
        assert int("".join(str(int(char, 36)) for char in account[4:] + account[:4])) % 97 == 1
