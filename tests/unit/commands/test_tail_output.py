"""How a record looks on a terminal that is narrow, and on one that is wide."""

import io
import json
import re
from datetime import UTC, datetime

import pytest

from kafkalert.commands.output import Format
from kafkalert.commands.tail_output import LINES, writer
from kafkalert.ops.tail.record import Record

EVENT = {
    "epoch": 1,
    "event": "COMMIT",
    "by": "ann@ops",
    "reason": "the monthly maintenance of dc1",
    "detail": ["x"] * 9,
}
LARGE = EVENT | {"detail": ["accountentry/0"] * 200}


class Terminal(io.StringIO):
    """A stream that says that it is a terminal."""

    def isatty(self) -> bool:
        """It is one."""
        return True


def shown(monkeypatch: pytest.MonkeyPatch, width: int, value: object, stream: io.StringIO) -> list[str]:
    """The lines in which a record of the control log is shown, without colours."""
    monkeypatch.setenv("COLUMNS", str(width))
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setattr("sys.stdout", stream)
    record = Record(None, "kafkalert.control", 0, 7, datetime(2026, 1, 31, tzinfo=UTC), "k", value, {})
    writer(Format.TABLE, unmask=False, at_once=False)(record)
    return re.sub(r"\x1b\[[0-9;]*m", "", stream.getvalue()).splitlines()


@pytest.mark.parametrize("width", [60, 80, 160])
def test_a_control_event_is_whole_and_folded_between_words(monkeypatch: pytest.MonkeyPatch, width: int) -> None:
    """Beside a topic's long name there is little room: then it begins on the next line."""
    lines = shown(monkeypatch, width, EVENT, Terminal())
    assert max(map(len, lines)) <= width
    text = " ".join(line.strip() for line in lines)
    assert json.loads(text[text.index("{") :]) == EVENT


def test_a_large_one_does_not_fill_the_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """Formats for programs have it whole, and so has a file."""
    lines = shown(monkeypatch, 80, LARGE, Terminal())
    assert len(lines) <= LINES + 2
    assert lines[-1].endswith("…")
    (line,) = shown(monkeypatch, 80, LARGE, io.StringIO())
    assert json.loads(line[line.index("{") :]) == LARGE
