"""Delivery reports that are served on the main thread, where a ctrl-c may come inside one of them."""

from collections.abc import Callable
from unittest.mock import Mock

import pytest

from kafkalert.config.sections import Cluster
from kafkalert.ops.failover.drill import writing
from kafkalert.ops.failover.drill.canaries import Record
from kafkalert.ops.failover.reconcile import carrying
from tests.engine_fakes import FakeClock

DC1 = Cluster(name="dc1", bootstrap="127.0.0.1:1")
BROKEN = Mock(**{"poll.side_effect": SystemError, "flush.side_effect": SystemError})
"""A producer whose calls a ctrl-c has broken, as the library tells that."""


def carry() -> None:
    """Carry what is stranded."""
    carrying.Carrier(DC1, DC1, "dc1", FakeClock()).carry({("accountentry", 0): [0]})


def put() -> None:
    """Write the canary's rows."""
    writing.put(DC1, [Record("accountentry", b"", b"", ())])


@pytest.mark.parametrize("command", [carry, put])
def test_ctrl_c_inside_a_report_stays_one(monkeypatch: pytest.MonkeyPatch, command: Callable[[], None]) -> None:
    monkeypatch.setattr("kafkalert.bus.clients.producer", lambda *_, **__: BROKEN)
    monkeypatch.setattr(carrying, "read", lambda *_: iter([[]]))
    with pytest.raises(KeyboardInterrupt):
        command()
