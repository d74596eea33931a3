"""What a source keeps to be sent again."""

import logging

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kafkalert.engine.source import KEPT_BYTES, KEPT_SECONDS, Kept, _Record
from tests.engine_fakes import FakeClock

STEPS = st.lists(st.one_of(st.just("send"), st.just("acknowledge"), st.floats(0, 40)), max_size=60)


def record(number: int, size: int = 10) -> _Record:
    return _Record("accountentry", b"x" * size, str(number).encode(), [])


@given(STEPS, st.booleans())
def test_what_is_sent_again_is_a_run_up_to_the_last(steps: list[str | float], forced: bool) -> None:
    """All without acknowledgement, and after a forced switch all that was acknowledged in the last minute, in order."""
    clock = FakeClock()
    kept = Kept(clock)
    acknowledged_at: list[float | None] = []
    for step in steps:
        if step == "send":
            kept.sent(record(len(acknowledged_at)))
            acknowledged_at.append(None)
        elif step == "acknowledge":
            kept.acknowledged()
            acknowledged_at = [clock.now if one is None else one for one in acknowledged_at]
        else:
            clock.pass_by(float(step))
    wanted = [
        number for number, at in enumerate(acknowledged_at) if at is None or (forced and clock.now - at <= KEPT_SECONDS)
    ]
    taken = [int(one.key or b"") for one in kept.take(acknowledged=forced)]
    assert taken == wanted
    assert kept.waiting_bytes == 0
    assert kept.take(acknowledged=False) == []


def test_too_much_is_not_kept_and_said_once(caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch) -> None:
    """The oldest go; what was not acknowledged never does."""
    monkeypatch.setattr(logging.getLogger("kafkalert"), "propagate", True)
    caplog.set_level(logging.WARNING, "kafkalert")
    kept = Kept(FakeClock())
    for number in range(100):
        kept.sent(record(number, 1 << 20))
        kept.acknowledged()
    kept.sent(record(100, KEPT_BYTES))
    taken = kept.take(acknowledged=True)
    assert [int(one.key or b"") for one in taken] == list(range(101 - len(taken), 101))
    assert sum(one.size for one in taken[:-1]) <= KEPT_BYTES
    assert len(taken) > 50
    assert len(caplog.records) == 1
