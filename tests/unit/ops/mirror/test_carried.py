"""What a flow has carried for sure, as its worker tells it or does not."""

import pytest

from kafkalert.bus.connect.client import Connect
from kafkalert.bus.connect.flow import flows
from kafkalert.config.sections import Cluster, Context, Settings
from kafkalert.errors import UnreachableError
from kafkalert.ops.mirror.carried import carried, carried_if_told, resumes

SETTINGS = Settings(
    context=Context(clusters=("dc1", "dc2")),
    clusters={name: Cluster(name=name, bootstrap="a:1", connect="http://127.0.0.1:1") for name in ("dc1", "dc2")},
)


def test_only_who_can_do_without_takes_silence_for_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """A worker that has no such connector tells of nothing; one that does not answer leaves it unknown."""
    (flow, _) = flows(SETTINGS)
    with pytest.raises(UnreachableError, match="beside dc2"):
        carried(SETTINGS, flow, 0.1)
    assert carried_if_told(SETTINGS, flow, 0.1) == {}
    for told in (None, {("accountentry", 0): 7}):
        monkeypatch.setattr(Connect, "offsets", lambda _, name, told=told: told if name == flow.connector else {})
        assert carried(SETTINGS, flow, 0.1) == carried_if_told(SETTINGS, flow, 0.1) == (told or {})


def test_what_was_confirmed_of_an_earlier_topic_tells_nothing_of_this_one() -> None:
    assert [resumes(one, 5) for one in (None, 0, 4, 5, 99)] == [0, 1, 5, 0, 0]
