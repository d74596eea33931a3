"""What the control log says of past switches, and the words for it."""

from kafkalert.bus.control.event import Event
from kafkalert.bus.control.state import resolve
from kafkalert.commands.failover_tables import ago, past_row
from kafkalert.ops.failover.history import moment, switches

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
    assert moment(-(2**62)) is None
    assert ago(None) == "at an unknown time"
