"""What a stage takes from an entry's headers, whichever of them are there."""

from itertools import product
from typing import Any

import pytest
from confluent_kafka import Message

from kafkalert.model.ids import entry_id
from kafkalert.stages.entry import BALANCE, ENTRY, ID, TRACE, carried

KEY = b"a key of a bank"
TRACED = b"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
HEADERS = ((ID, b"entry-1"), (BALANCE, b"unknown"), (TRACE, TRACED), ("ka-origin.dc1", b"x"))


@pytest.mark.parametrize("there", list(product((False, True), repeat=len(HEADERS))))
def test_each_header_counts_whichever_others_are_there(there: tuple[bool, ...]) -> None:
    """A single header need not be the id; what belongs to the mirror is not passed on."""
    listed: Any = [one for one, is_there in zip(HEADERS, there, strict=True) if is_there]
    message = Message(key=b"k", value=b"v", headers=listed, timestamp=(1, 1700))
    found = carried(message, KEY)
    assert found.id == ("entry-1" if there[0] else entry_id(KEY, b"k", b"v", 1700))
    assert dict(found.passed_on) == {name: value for name, value in listed if name in {BALANCE, TRACE}}
    assert found.balance_unknown == there[1]


def test_the_second_hop_goes_by_the_entry_that_the_record_came_from() -> None:
    """Its own id is another one."""
    message = Message(key=b"k", value=b"v", headers=[(ID, b"own"), (ENTRY, b"entry-1")], timestamp=(1, 1700))
    assert carried(message, KEY, (ENTRY, ID)).id == "entry-1"
