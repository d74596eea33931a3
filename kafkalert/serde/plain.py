"""Patterns of plain Avro: short printable texts, and arrays of few items in one block, as nearly all records have them.

One regular expression takes such bytes apart, or checks them, in a fraction of the time that a general decoder needs.
"""

import re
from typing import Final

_USUAL: Final = (5, 6, 4, 7, 8)
"""Lengths of most amounts, tried first."""


def text(most: int) -> bytes:
    """Return a printable ASCII text of at most `most` (63) characters.

    Each alternative is one length, then its bytes.
    """
    lengths = (*_USUAL, *(n for n in range(most + 1) if n not in _USUAL))
    return b"(?:" + b"|".join(_size(n) + b"[ -~]{%d}" % n for n in lengths) + b")"


def array(item: bytes, most: int) -> bytes:
    """Return an array of at most `most` (63) of the pattern `item`, as most writers write it: one block, if any."""
    blocks = (_size(n) + b"(?:%b){%d}" % (item, n) for n in range(1, most + 1))
    return b"(?:" + b"".join(block + rb"\x00|" for block in blocks) + rb"\x00)"


def count(most: int) -> bytes:
    """Return the byte before the items of an array of at most `most` (63), where they are in one block."""
    return b"[" + b"".join(map(_size, range(most + 1))) + b"]"


def _size(number: int) -> bytes:
    """Return a length or a count: up to 63 it is one byte, twice the number (a zigzag varint; Avro specification)."""
    return re.escape(bytes([2 * number]))
