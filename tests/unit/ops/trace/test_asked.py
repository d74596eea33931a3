"""What an operator names: an id, or the place of a record."""

import pytest

from kafkalert.config.sections import Cluster, Context, Engine, Settings
from kafkalert.errors import UsageError
from kafkalert.ops.trace.asked import At, asked, traced

CLUSTERS = {"dc1": Cluster(name="dc1", bootstrap="b:9092")}
SETTINGS = Settings(context=Context(clusters=("dc1",), prefix="bank."), clusters=CLUSTERS)


@pytest.mark.parametrize("text", ["accountentry[3]@12", "accountentry/3@12", "bank.accountentry[3]@12"])
def test_a_place_of_this_context(text: str) -> None:
    """By the topic's own name or the one it has here, in both ways to write it."""
    found = asked(SETTINGS, text)
    assert found == At("bank.accountentry", 3, 12)
    assert str(found) == "bank.accountentry[3]@12"


@pytest.mark.parametrize("text", ["e-1", "batch/3@12", "accountentry[3]@", "accountentry[x]@1", "accountentry[3]@1x"])
def test_anything_else_is_an_id(text: str) -> None:
    """Also what only looks like a place: no topic of this context is called so."""
    assert asked(SETTINGS, text) == text


@pytest.mark.parametrize("text", ["", "  ", "x" * 1025, "accounttocustomerids[0]@1", "kafkalert.control/0@1"])
def test_what_can_be_neither_is_refused(text: str) -> None:
    """Nothing, too much, or a topic through which no booking passes."""
    with pytest.raises(UsageError):
        asked(SETTINGS, text)


def test_an_id_may_be_the_place_of_a_later_offset_than_kafka_counts() -> None:
    """Beyond 64 bits there is no offset."""
    with pytest.raises(UsageError):
        asked(SETTINGS, f"accountentry[0]@{2**63}")
    assert asked(SETTINGS, f"accountentry[0]@{2**63 - 1}") == At("bank.accountentry", 0, 2**63 - 1)


def test_with_one_hop_there_is_no_second_to_read() -> None:
    """Its topic may not exist, and a right on it is not needed."""
    both = SETTINGS.model_copy(update={"engine": Engine(mode="two-hop")})
    assert {*traced(both)} - {*traced(SETTINGS)} == {"customeraccountentry"}
