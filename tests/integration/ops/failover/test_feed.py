"""The picture that a screen follows, on two real clusters: as one look finds it, and of what happens meanwhile."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from kafkalert.config.loading.load import load
from kafkalert.ops.failover.status.feed import Feed
from kafkalert.ops.failover.status.instances import Presence
from kafkalert.ops.failover.status.picture import Survey
from kafkalert.ops.failover.status.survey import look
from kafkalert.sandbox.local import Sandbox
from kafkalert.sandbox.process import wait_until
from tests.support.alerting import SECONDS
from tests.support.twin import Twin, twins

pytestmark = pytest.mark.two_clusters


@pytest.fixture
def bank(sandbox2: Sandbox, prefix: str, tmp_path: Path) -> Iterator[Twin]:
    """The test's own bank on both clusters."""
    with twins(sandbox2, prefix, tmp_path / "twin") as make:
        yield make()


def await_seen(feed: Feed, what: Callable[[Survey], object]) -> Survey:
    """The first picture in which that is so."""
    seen: list[Survey] = []

    def so() -> bool:
        found = feed.picture()
        seen[:] = [] if found is None else [found]
        return found is not None and bool(what(found))

    assert wait_until(so, SECONDS, every=0.1), seen
    return seen[0]


def lag(now: Survey) -> int | None:
    """How many records the groups have to process; None where that is not known."""
    return None if now.groups is None else sum(one.lag for one in now.groups)


def alive(now: Survey) -> list[str]:
    """What the instances that beat say of themselves."""
    return [one.state for one in now.instances if one.presence is Presence.ALIVE]


def test_a_picture_is_followed(bank: Twin) -> None:
    """What starts, is behind, catches up and moves is in the picture, by one set of clients."""
    settings = load(bank.path)
    with Feed(settings) as feed:
        stage = bank.alerting()
        bank.await_running(stage, on="dc1")
        found = await_seen(feed, lambda now: alive(now) == ["running"])
        one = look(settings)
        assert [(each.stage, each.cluster) for each in found.instances] == [("alerting", "dc1")]
        assert (found.active, found.epoch, found.clusters) == (one.active, one.epoch, one.clusters)
        await_seen(feed, lambda now: lag(now) == 0)
        assert stage.stop() == 0
        bank.dc1.send(40)
        bank.dc1.flush()
        assert alive(await_seen(feed, lambda now: lag(now) == 40)) == []
        bank.await_running(bank.alerting(), on="dc1")
        await_seen(feed, lambda now: lag(now) == 0 and alive(now) == ["running"])

        bank.switch("dc2")
        moved = await_seen(feed, lambda now: now.active == "dc2" and alive(now) == ["running"])
        assert (moved.epoch, moved.pending) == (1, None)
        assert {one.cluster for one in moved.instances if one.presence is Presence.ALIVE} == {"dc2"}
