"""A partition in one word, TOPIC/NUMBER, as heartbeats and events have it; offsets as others tell them."""

from typing import Any, Final

Partition = tuple[str, int]
"""Topic and number."""
_LARGEST: Final = 2**63 - 1


def partition_word(partition: Partition) -> str:
    """Return a partition as a word."""
    return f"{partition[0]}/{partition[1]}"


def parse_partition(word: str) -> Partition:
    """Return the partition that a word names. Raises ValueError where it names none."""
    topic, _, number = word.rpartition("/")
    if not (topic and number.isascii() and number.isdecimal()):
        raise ValueError("no TOPIC/NUMBER")
    return topic, int(number)


def whole_number(told: Any) -> int:  # noqa: ANN401 - JSON that anybody may have written
    """Return an offset, or what else Kafka counts, as JSON tells it.

    Raises TypeError or ValueError where it is none.
    """
    if isinstance(told, float) and not told.is_integer():  # nor is what no number is, or has no end
        raise ValueError("no whole number")
    found = int(told)
    if abs(found) > _LARGEST:
        raise ValueError("larger than Kafka counts")
    return found
