"""On which line of a TOML file each key stands; the standard library's parser does not say."""

import tomllib
from collections.abc import Iterator, Mapping

LONGEST = 1000
"""Lines above which nothing is located: every line is another parse of all before it."""


def lines(text: str) -> dict[str, int]:
    """Return the line, from 1, on which each key of a valid TOML document begins, by its dotted place.

    The parser itself says so: a key stands in the first statement after which it is there.
    """
    rows = text.split("\n")
    found: dict[str, int] = {}
    begin = 1
    if len(rows) > LONGEST:
        return found
    for number in range(1, len(rows) + 1):
        row = rows[number - 1].strip()
        if begin == number and (not row or row.startswith("#")):
            begin = number + 1
            continue
        try:
            document = tomllib.loads("\n".join(rows[:number]))
        except tomllib.TOMLDecodeError:  # in the middle of a statement of several lines
            continue
        for place in places(document):
            found.setdefault(place, begin)
        begin = number + 1
    return found


def places(table: Mapping[str, object], prefix: str = "") -> Iterator[str]:
    """Yield the dotted place of every key in `table`, tables before what is in them."""
    for key, value in table.items():
        place = f"{prefix}{key}"
        yield place
        if isinstance(value, Mapping):
            yield from places(value, f"{place}.")
