"""The alerts that a screen shows, on a real broker: all of a burst, in order, or how many are no longer kept."""

import pytest

from kafkalert.ops.tail.window import KEPT, AlertWindow
from kafkalert.sandbox.local import Sandbox
from kafkalert.sandbox.process import wait_until
from tests.support.tailing import EMAIL, PUSH, SECONDS, SMS, Board, balance

pytestmark = pytest.mark.one_cluster


def test_a_burst_is_kept_in_order_and_what_is_too_much_is_counted(sandbox1: Sandbox, prefix: str) -> None:
    """10,000 alerts at once, then 500 more."""
    board = Board(sandbox1.bootstrap("dc1"), prefix)
    board.make(EMAIL, SMS, PUSH, partitions=1)

    def send(topic: str, numbers: range) -> None:
        for number in numbers:
            board.put(topic, number)
        board.flush()

    with AlertWindow(board.settings, lambda: "dc1") as window:
        assert wait_until(lambda: window.follows == "dc1", SECONDS, every=0.05), window.problem
        send(EMAIL, range(KEPT))
        assert wait_until(lambda: window.total == KEPT, SECONDS, every=0.05)
        shown = window.newest(KEPT)
        assert [balance(record) for record in shown] == list(range(KEPT))
        assert "***" in str(shown[0].key), "addresses are masked"

        send(SMS, range(KEPT, KEPT + 500))
        assert wait_until(lambda: window.total == KEPT + 500, SECONDS, every=0.05)
        assert window.kept == KEPT
        assert [balance(record) for record in window.newest(2)] == [KEPT + 498, KEPT + 499]
        assert [balance(record) for record in window.newest(2, before=500)] == [KEPT - 2, KEPT - 1]
        assert [record.channel for record in window.newest(KEPT, passes=lambda one: one.channel == "sms")] == [
            "sms"
        ] * 500
