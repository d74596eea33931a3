"""What the control log says of past switches, and the words for it."""

import pytest

from kafkalert.bus.control.event import Event, decode, encode
from kafkalert.bus.control.state import remarks, resolve
from kafkalert.commands.output import to_json
from kafkalert.ops.failover.status.history import switches
from kafkalert.views.failover_survey import ago, past_row

AT = 1_700_000_000_000


def event(epoch: int, kind: str, *, forced: bool = False, by: str = "ann@ops", **more: object) -> Event:
    """An event of the attempt of an epoch, from dc1 to dc2 in odd epochs and back in even ones."""
    source, target = ("dc1", "dc2") if epoch % 2 else ("dc2", "dc1")
    mode = "forced" if forced else "planned"
    return Event(epoch, f"id-{epoch}", kind, mode, source, target, by, AT + 1000 * epoch, **more)  # type: ignore[arg-type]  # its types are msgspec's to check


def test_each_attempt_is_one_row() -> None:
    """Who began it, how it ended, how long that took, what was lost; of copies and losers nothing."""
    logs = {
        "dc1": [
            event(1, "PREPARE", reason="maintenance"),
            event(1, "COMMIT", detail={"seconds": 1.25, "lost": {}}),
            event(1, "ABORT", by="late@ops"),
            event(3, "PREPARE"),
        ],
        "dc2": [
            event(1, "PREPARE", reason="maintenance"),
            event(2, "COMMIT", forced=True, detail={"lost": {"records": 12}}),
        ],
    }
    rows = switches(resolve(logs, "dc1"), 1)
    assert [(one.epoch, one.mode, one.outcome, one.lost) for one in rows] == [
        (1, "planned", "switched", 0),
        (2, "forced", "switched", 12),
        (3, "planned", "pending", None),
    ]
    assert [past_row(one)["lost"] for one in rows] == [0, "at most 12", ""]
    assert (rows[0].seconds, rows[0].by, rows[0].reason) == (1.25, "ann@ops", "maintenance")
    assert rows[2].seconds is None


def test_what_was_reconciled_stands_below_the_switch_before_it() -> None:
    """By whom, which way, how many records; a detail that anybody may have written does no harm."""
    forced = event(1, "COMMIT", forced=True, detail={"lost": {"records": 12}})

    def remark(name: str, told: object, **more: object) -> Event:
        return Event(
            1, name, "ABORT", "planned", "dc1", "dc2", "bob@ops", AT + 60_000, "", {"reconciled": told, **more}
        )

    ways = [{"from": "dc1", "to": "dc2", "records": 9}, {"from": "dc2", "to": "dc1", "records": 1}]
    odd = [remark(f"odd {number}", told) for number, told in enumerate(({}, ["x"], [{"from": "dc1", "records": 1}], 7))]
    odd.append(remark("odd", [{"from": "dc1", "to": "dc2", "records": True}]))
    logs = {"dc2": [forced, remark("a", ways, complete=True), remark("b", ways[:1]), *odd]}
    (row,) = switches(resolve(logs, "dc1"), 1, remarks(logs))
    assert (row.outcome, row.lost, row.note) == ("switched", 12, "")
    assert [(one.source, one.target, one.records, one.complete, one.by) for one in row.reconciled] == [
        ("dc1", "dc2", 9, True, "bob@ops"),
        ("dc2", "dc1", 1, True, "bob@ops"),
        ("dc1", "dc2", 9, False, "bob@ops"),
    ]
    shown = past_row(row)
    assert shown["lost"] == "at most 12; 19 records reconciled"
    assert str(shown["note"]).startswith(
        "9 records carried from dc1 to dc2 at 2023-11-14 22:14:20 UTC by bob@ops; 1 record"
    )
    assert str(shown["note"]).endswith(" by bob@ops, then it failed or was interrupted")


def test_who_called_it_off_and_why() -> None:
    logs = {"dc1": [event(1, "PREPARE"), event(1, "ABORT", by="vm-7", reason="timeout")], "dc2": []}
    (row,) = switches(resolve(logs, "dc1"), 1)
    assert (row.outcome, row.ended_by, row.note, row.lost) == ("aborted", "vm-7", "timeout", 0)


def test_a_detail_that_anybody_may_have_written_does_no_harm() -> None:
    """A time that is none, seconds that are text, a loss that is a list."""
    odd = Event(1, "x", "COMMIT", "forced", "dc1", "dc2", "?", 2**60, "", {"seconds": "long", "lost": [1]})
    (row,) = switches(resolve({"dc2": [odd]}, "dc1"), 1)
    assert (row.at, row.seconds, row.lost) == (None, None, None)
    assert past_row(row)["lost"] == "?"


@pytest.mark.parametrize("seconds", [10**400, -(10**400), 1.7e308, None], ids="abcd")
@pytest.mark.parametrize("at", [10**400, -(10**400), AT], ids="abc")
def test_a_number_of_any_size_does_no_harm(seconds: object, at: int) -> None:
    """One such event would end the command for ever: it stands in the log, and is copied."""
    begun = Event(1, "x", "PREPARE", "planned", "dc1", "dc2", "?", AT)
    ended = Event(1, "x", "COMMIT", "planned", "dc1", "dc2", "?", at, "", {"seconds": seconds, "lost": {"records": at}})
    count = [{"from": "dc1", "to": "dc2", "records": one} for one in (10**400, -1, 2.0)]
    remark = Event(1, "r", "ABORT", "planned", "dc1", "dc2", "?", at, "", {"reconciled": count})
    logs = {"dc1": tuple(decode(encode(one)) for one in (begun, ended, remark))}
    (row,) = switches(resolve(logs, "dc1"), 1, remarks(logs))
    assert (row.lost, row.reconciled) == (AT if at == AT else None, ())
    assert row.seconds is None or abs(row.seconds) < 2e308
    past_row(row)
    to_json(row)
    assert ago(None) == "at an unknown time"
