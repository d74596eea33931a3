"""Partitions as heartbeats and events write them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kafkalert.bus.records.partitions import parse_partition, partition_word

TOPICS = st.text("abcXYZ019._-", min_size=1, max_size=249)


@given(TOPICS, st.integers(0, 10_000))
def test_what_was_written_is_read(topic: str, number: int) -> None:
    """Whatever a topic may be called."""
    assert parse_partition(partition_word((topic, number))) == (topic, number)


@pytest.mark.parametrize("word", ["", "t", "/1", "t/", "t/-1", "t/x", "t/\u0661", "t/1 "])
def test_what_names_no_partition_is_refused(word: str) -> None:
    """Control log and status topic are open to others; nothing else than ValueError comes of them."""
    with pytest.raises(ValueError, match="TOPIC/NUMBER"):
        parse_partition(word)
