"""Durations as people write them in kafkalert.toml: `500ms`, `30s`, `1h30m`, `7d`."""

import re
from datetime import timedelta

UNITS = {
    "d": timedelta(days=1),
    "h": timedelta(hours=1),
    "m": timedelta(minutes=1),
    "s": timedelta(seconds=1),
    "ms": timedelta(milliseconds=1),
}
_PART = re.compile(r"([0-9]{1,9})(ms|[dhms])", re.ASCII)
_WHOLE = re.compile(rf"(?:{_PART.pattern})+", re.ASCII)


def parse_duration(text: str) -> timedelta:
    """Return the duration that `text` states.

    It has whole numbers, each with its unit of d, h, m, s or ms, the largest unit first.

    Raises:
        ValueError: it states none; the message says how to.
    """
    parts = _PART.findall(text) if _WHOLE.fullmatch(text) else []
    order = [list(UNITS).index(unit) for _, unit in parts]
    if not parts or order != sorted(set(order)):
        raise ValueError('should be a duration, such as "500ms", "30s", "1h30m" or "7d"')
    try:
        return sum((int(number) * UNITS[unit] for number, unit in parts), timedelta())
    except OverflowError:
        raise ValueError("should be a shorter duration") from None


def format_duration(duration: timedelta) -> str:
    """`duration` as `parse_duration` reads it, whole milliseconds; `0s` for none."""
    text = ""
    rest = duration
    for unit, size in UNITS.items():
        number, rest = divmod(rest, size)
        if number:
            text += f"{number}{unit}"
    return text or "0s"
