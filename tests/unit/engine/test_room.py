"""When a stage that has no room pauses its partitions: a pause throws away what was fetched ahead."""

from types import SimpleNamespace
from typing import Any, cast
from unittest.mock import Mock

from kafkalert.config.sections import Engine
from kafkalert.engine.loop import FULL_SECONDS, Loop
from tests.support.fakes.engine import FakeClock


def test_partitions_pause_once_there_has_been_no_room_for_long() -> None:
    """Until then nobody asks for records; from then on the member is asked, and gives events alone."""
    clock, progress, member = FakeClock(), Mock(), Mock()
    member.fetch.return_value = []
    progress.await_room.side_effect = clock.pass_by
    loop = Loop(
        cast("Any", SimpleNamespace(inputs=("t",))),
        member,
        Engine(),
        progress=progress,
        delivery=Mock(),
        dead=Mock(),
        metrics=Mock(),
        orders=Mock(),
        clock=clock,
        ending=Mock(),
    )
    clock.pass_by(60)  # as it waits for its tables
    progress.advance.return_value = True
    loop._step()
    assert member.fetch.call_count == 1
    progress.advance.return_value = False
    since = clock.now
    while member.fetch.call_count == 1:
        assert not member.pause.called
        loop._step()
    assert FULL_SECONDS <= clock.now - since < FULL_SECONDS + 0.2
    assert [call.kwargs for call in member.pause.call_args_list] == [{"paused": True}]
    loop._step()
    assert member.fetch.call_count == 3
    progress.advance.return_value = True
    loop._step()
    assert [call.kwargs for call in member.pause.call_args_list] == [{"paused": True}, {"paused": False}]
    progress.advance.return_value = False
    loop._step()
    assert member.pause.call_count == 2, "the time counts from when there was room last"
