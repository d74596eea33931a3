"""Tables on a terminal: what matters in one line at 80 columns, more where there is room."""

import io
import re

import pytest

from kafkalert.commands import failover, failover_drill, seed
from kafkalert.commands.output import Format, emit

SEEDED = {
    "topic": "customeralertsettings",
    "cluster": "dc1",
    "rows": 100_000,
    "acknowledged": 100_000,
    "pruned": 0,
    "bad_lines": 0,
    "failed": 0,
    "seconds": 12.345,
    "rows_per_second": 8_100,
}
SWITCH = {
    "epoch": 12,
    "at": "2026-01-31T08:00:00+00:00",
    "mode": "planned",
    "source": "dc1",
    "target": "dc2",
    "outcome": "switched",
    "by": "ann.other@operators-1.bank.example",
    "seconds": 1.234,
    "lost": "at most 137",
    "reason": "the monthly maintenance of everything in dc1, as planned in the change calendar",
    "note": "",
}
LEG = dict.fromkeys(failover_drill.COLUMNS, 1234.5) | {"from": "dc1", "to": "dc2", "outcome": "switched"}


class Terminal(io.StringIO):
    """A stream that says that it is a terminal."""

    def isatty(self) -> bool:
        """It is one."""
        return True


def shown(monkeypatch: pytest.MonkeyPatch, width: int, row: dict[str, object], **how: object) -> list[str]:
    """The lines of a table of one row on a terminal so wide, without rules, colours and blanks at the ends."""
    stream = Terminal()
    for name, value in {"COLUMNS": str(width), "TERM": "xterm"}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr("sys.stdout", stream)
    emit([row], Format.TABLE, **how)  # type: ignore[arg-type]  # columns and spare
    plain = re.sub(r"\x1b\[[0-9;]*m", "", stream.getvalue())
    return [line.strip() for line in plain.splitlines() if line.strip(" ─")]


TABLES = [
    (SEEDED, seed.COLUMNS, seed.SPARE, ["topic", "rows", "acknowledged", "bad lines", "failed"]),
    (SWITCH, failover.HISTORY_COLUMNS, failover.HISTORY_SPARE, ["epoch", "at", "source", "target", "outcome", "lost"]),
    (LEG, failover_drill.COLUMNS, failover_drill.SPARE, ["from", "to", "outcome", "pause s", "lost", "repeated"]),
]


@pytest.mark.parametrize(("row", "columns", "spare", "essential"), TABLES, ids=["seed", "history", "drill"])
def test_a_row_is_one_line_at_80_columns(
    monkeypatch: pytest.MonkeyPatch,
    row: dict[str, object],
    columns: tuple[str, ...],
    spare: tuple[str, ...],
    essential: list[str],
) -> None:
    """Headers were broken in the middle of words, and a row took as many lines as its widest cell."""
    lines = shown(monkeypatch, 80, row, columns=columns, spare=spare)
    assert len(lines) == 2
    for name in essential:
        assert re.search(rf"(^|\s){name}(\s|$)", lines[0]), lines[0]
    assert max(map(len, lines)) <= 80


@pytest.mark.parametrize(("row", "columns", "spare", "essential"), TABLES, ids=["seed", "history", "drill"])
def test_where_there_is_room_every_column_is_there(
    monkeypatch: pytest.MonkeyPatch,
    row: dict[str, object],
    columns: tuple[str, ...],
    spare: tuple[str, ...],
    essential: list[str],
) -> None:
    """A long text is folded rather than left out."""
    del essential
    head, *_ = shown(monkeypatch, 160, row, columns=columns, spare=spare)
    for name in columns:
        assert name.replace("_", " ") in head


def test_no_word_of_a_header_is_broken(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where even the essential does not fit, cells are folded, and headers between words alone."""
    lines = shown(monkeypatch, 40, {"a_long_header": "x" * 60, "another_header": "y" * 60})
    assert {"a long header", "another header"} >= set(filter(None, re.split(r"\s{2,}", lines[0])))
    assert "".join(re.findall("x+", "".join(lines))) == "x" * 60
