"""Where in a partition to begin or to end, as an operator writes it.

`start`, `end`, `N` (an offset), `+N` (N after the start), `-N` (N before the end), `@TIMESTAMP` (the first record of
that time or later) and `@-1h` (so long ago). A timestamp is milliseconds since 1970, or ISO 8601; without a zone it
is UTC, as Kafka's timestamps and kafkalert's logs are. This module only reads; who asks Kafka turns it into offsets.
"""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from kafkalert.config.durations import format_duration, parse_duration
from kafkalert.errors import UsageError

HINT = "Write start, end, N, +N, -N, @2026-01-31T08:00, @MILLISECONDS or @-1h."
LARGEST = 2**63 - 1
"""Kafka's offsets and times are signed 64-bit numbers."""

SECONDS = range(10**8, 10**11)
"""Numbers that are times of our days in seconds, and lie between 1970 and 1973 in milliseconds."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_NUMBER = re.compile(r"([+-]?)([0-9]{1,19})", re.ASCII)
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Start:
    """The first record that is still there."""

    def __str__(self) -> str:
        return "start"


@dataclass(frozen=True, slots=True)
class End:
    """Behind the last record."""

    def __str__(self) -> str:
        return "end"


@dataclass(frozen=True, slots=True)
class At:
    """An offset."""

    offset: int

    def __str__(self) -> str:
        return str(self.offset)


@dataclass(frozen=True, slots=True)
class AfterStart:
    """So many offsets after the start."""

    count: int

    def __str__(self) -> str:
        return f"+{self.count}"


@dataclass(frozen=True, slots=True)
class BeforeEnd:
    """So many offsets before the end."""

    count: int

    def __str__(self) -> str:
        return f"-{self.count}"


@dataclass(frozen=True, slots=True)
class Time:
    """The first record of this time, in ms since 1970, or later."""

    ms: int

    def __str__(self) -> str:
        return f"@{self.ms}"


@dataclass(frozen=True, slots=True)
class Ago:
    """The first record of so long before now, or later."""

    duration: timedelta

    def time(self, now_ms: int) -> Time:
        """Return the time it is, seen from `now_ms`; nothing is older than 1970."""
        return Time(max(0, now_ms - self.duration // timedelta(milliseconds=1)))

    def __str__(self) -> str:
        return f"@-{format_duration(self.duration)}"


Position = Start | End | At | AfterStart | BeforeEnd | Time | Ago


def parse_position(text: str) -> Position:
    """Return the position that `text` states, by this module's grammar.

    Raises:
        UsageError: it states none.
    """
    if text.startswith("@"):
        return parse_time(text[1:])
    if text in ("start", "end"):
        return Start() if text == "start" else End()
    match = _NUMBER.fullmatch(text)
    if not match or int(match[2]) > LARGEST:
        raise UsageError(f"{text!r} is not a time or an offset; try 1h.", hint=HINT)
    number = int(match[2])
    if match[1]:
        return AfterStart(number) if match[1] == "+" else BeforeEnd(number)
    return At(number)


def parse_time(text: str) -> Time | Ago:
    """Return the time that `text` states.

    It is what may follow `@`, as `--since` and `--until` take it (`-1h`, `2026-01-31`).

    Raises:
        UsageError: it states none.
    """
    try:
        if text.startswith("-"):
            return Ago(parse_duration(text[1:]))
        is_number = text.isascii() and text.isdecimal()
        ms = int(text) if is_number else _iso_ms(text)
    except (ValueError, OverflowError) as error:
        raise UsageError(f"{text!r} is not a time; try 2026-01-31T08:00.", hint=HINT) from error
    if not 0 <= ms <= LARGEST:
        raise UsageError(f"{text!r} is not a time that Kafka knows.", hint=HINT)
    if is_number and ms in SECONDS:
        year = (_EPOCH + timedelta(milliseconds=ms)).year
        raise UsageError(f"@{ms} is in {year}, as times are milliseconds.", hint=f"Did you mean seconds: @{ms}000?")
    return Time(ms)


def _iso_ms(text: str) -> int:
    moment = datetime.fromisoformat(text if _DATE.match(text) else "")  # `20260131` and weeks would be guesses
    return ((moment if moment.tzinfo else moment.replace(tzinfo=UTC)) - _EPOCH) // timedelta(milliseconds=1)
