"""A partition in one word, TOPIC/NUMBER, as heartbeats and events have it."""

from kafkalert.bus.marks import Partition


def written(partition: Partition) -> str:
    """A partition as a word."""
    return f"{partition[0]}/{partition[1]}"


def read(word: str) -> Partition:
    """The partition that a word names. Raises ValueError where it names none."""
    topic, _, number = word.rpartition("/")
    if not (topic and number.isascii() and number.isdecimal()):
        raise ValueError("no TOPIC/NUMBER")
    return topic, int(number)
