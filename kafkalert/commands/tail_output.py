"""How `tail` writes records: words for people, objects for programs, one after the other."""

import sys
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from kafkalert.commands.output import Format, to_json, to_plain, to_yaml
from kafkalert.ops.masks import reveal
from kafkalert.ops.tail import Record
from kafkalert.ops.tail.describe import address, words
from kafkalert.views import terminal
from kafkalert.views.values import printable

Write = Callable[[Record], None]

CHANNEL_WIDTH, ADDRESS_WIDTH = 8, 20
_STYLES = {"email": "cyan", "sms": "green", "push": "magenta", "devices": "magenta", "entries": "blue"}
LEAST, INDENT = 30, 4
LINES = 5
"""How much of a terminal a record may take that has no words of its own; such as a switch's COMMIT, of kilobytes."""
_WHOLE = 1 << 20
"""Characters of one elsewhere: as many as there are."""
_TSV = ("timestamp", "channel", "topic", "partition", "offset", "address", "what")


def writer(output: Format, *, unmask: bool, at_once: bool) -> Write:
    """Return what writes a record to stdout in this format; `at_once` lets nothing wait in a buffer."""
    write = {Format.TABLE: _people, Format.JSON: _json, Format.YAML: _yaml, Format.TSV: _tsv}[output](unmask=unmask)

    def write_now(record: Record) -> None:
        write(record)
        sys.stdout.flush()

    return write_now if at_once or sys.stdout.isatty() else write


def plain(record: Record, *, unmask: bool) -> dict[str, Any]:
    """Return what -o json and -o yaml show of a record; these names and their order stay."""
    key, value, headers = record.key, record.value, record.headers
    shown = {
        "channel": record.channel,
        "topic": record.topic,
        "partition": record.partition,
        "offset": record.offset,
        "timestamp": record.timestamp,
        "key": reveal(key) if unmask else key,
        "value": reveal(value) if unmask else value,
        "headers": reveal(headers) if unmask else headers,
    }
    plainly: dict[str, Any] = to_plain(shown)
    return plainly


def _json(*, unmask: bool) -> Write:
    def write(record: Record) -> None:
        terminal.write(to_json(plain(record, unmask=unmask)) + "\n")

    return write


def _yaml(*, unmask: bool) -> Write:
    def write(record: Record) -> None:
        terminal.write(to_yaml(plain(record, unmask=unmask), document=True))

    return write


def _tsv(*, unmask: bool) -> Write:
    terminal.write("\t".join(_TSV) + "\n")

    def write(record: Record) -> None:
        shown = plain(record, unmask=unmask)
        shown |= {"address": address(record, unmask=unmask), "what": words(record, unmask=unmask, room=_WHOLE)}
        terminal.write("\t".join(printable(shown[name]) for name in _TSV) + "\n")

    return write


def _people(*, unmask: bool) -> Write:
    """Time (UTC), channel or topic, address, and what happened; in colour and folded on a terminal alone."""
    if not sys.stdout.isatty():

        def write(record: Record) -> None:
            terminal.write(f"{_head(record, unmask=unmask)}{words(record, unmask=unmask, room=_WHOLE)}\n")

        return write
    from kafkalert.views.screen import Screen  # noqa: PLC0415 - Rich, and only for people

    console = Screen()

    def write_styled(record: Record) -> None:
        from rich.text import Text  # noqa: PLC0415 - as above

        head = Text(_head(record, unmask=unmask))
        at = head.plain.index(" " * 2)
        head.stylize("dim", 0, at)
        name = printable(record.channel or record.topic)
        head.stylize(_STYLES.get(record.channel or "", "yellow"), at, at + 2 + len(name))
        indent = len(head)
        if console.width - indent < LEAST:  # a long topic's name: what it tells has a line of its own
            indent = INDENT
            head.rstrip()
            head.append(f"\n{' ' * indent}")
        width = max(console.width - indent, LEAST)
        folded = Text(words(record, unmask=unmask, room=LINES * width)).wrap(console, width)
        console.print(head.append_text(Text(f"\n{' ' * indent}").join(folded)), soft_wrap=True)

    return write_styled


def _head(record: Record, *, unmask: bool) -> str:
    named = printable(record.channel or record.topic)
    return f"{_clock(record.timestamp)}  {named:<{CHANNEL_WIDTH}} {address(record, unmask=unmask):<{ADDRESS_WIDTH}} "


def _clock(moment: datetime | None) -> str:
    """Return the time of today, with milliseconds; the date as well of another day."""
    if moment is None:
        return "no time     "
    today = moment.date() == datetime.now(UTC).date()
    return moment.strftime("%H:%M:%S.%f")[:-3] if today else moment.strftime("%Y-%m-%d %H:%M:%S")
