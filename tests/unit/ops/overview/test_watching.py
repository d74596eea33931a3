"""`status -w`: nothing known, nobody there, and what there is; a line for each change."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from kafkalert.errors import UnreachableError
from kafkalert.ops.failover.status.findings import judged
from kafkalert.ops.failover.status.picture import Survey
from kafkalert.ops.overview.status import Status, status
from kafkalert.ops.overview.verdict import Level
from kafkalert.ops.overview.watching import Watching
from kafkalert.views.overview_live import Lines
from tests.support.data.picture import clusters
from tests.support.fakes.engine import FakeClock
from tests.unit.ops.failover.status.test_survey import SETTINGS
from tests.unit.ops.overview.test_verdict import BUSY, FLOWING, HELD, WELL, instance

AT = datetime(2026, 11, 26, 3, 12, 44, tzinfo=UTC)


class Pictures:
    """Stands in for the feed: what it says is in `told`, an error is raised."""

    told: "Survey | Exception | None" = None

    def picture(self) -> Survey | None:
        """What it says now."""
        if isinstance(self.told, Exception):
            raise self.told
        return self.told


@pytest.fixture
def pictures(monkeypatch: pytest.MonkeyPatch) -> Pictures:
    """What the feed says."""
    one = Pictures()
    monkeypatch.setattr("kafkalert.ops.overview.watching.Feed", lambda *_: one)
    return one


def test_each_moment_has_a_verdict(pictures: Pictures) -> None:
    """Before anybody has answered, where nobody does, and where all is well."""
    watching = Watching(SETTINGS, FakeClock())
    first = watching.now()
    assert (first.level, first.sentence, first.active) == (Level.LOADING, "Asking dc1 and dc2 ...", None)
    pictures.told = UnreachableError("Neither dc1 (127.0.0.1:1) nor dc2 (127.0.0.1:1) answers.")
    away = watching.now()
    assert (away.level, away.verdict, away.instances) == (Level.ACT, "unreachable", None)
    assert away.sentence == "Neither dc1 (127.0.0.1:1) nor dc2 (127.0.0.1:1) answers. Look at your network first."
    pictures.told = judged(WELL)
    assert watching.now().sentence == f"{FLOWING}  A planned switch would work."
    pictures.told = UnreachableError("Neither answers.")
    assert watching.now().active is None, "it is not told as it was"


def test_a_line_is_written_when_the_verdict_changes() -> None:
    """Not for a number in it, nor for rates while all is well, nor before anything is known."""
    said: list[str] = []
    lines = Lines(said.append)
    slow = replace(WELL, instances=(replace(BUSY[0], p50_ms=9, entries_per_second=7.0), BUSY[1]))
    held = [replace(WELL, instances=(instance("vm-1", HELD.replace("8 s", f"{n} s")), BUSY[1])) for n in (8, 1_009)]
    dead = replace(held[0], clusters=clusters("dc1"))
    lines.tell(Status(1, "test", AT, Level.LOADING, "Asking dc1 and dc2 ...", None))
    assert said == []
    for found in (WELL, slow, WELL, *held, dead, dead, slow):
        lines.tell(status(judged(found), AT))
    assert [one.split("  ")[1] for one in said] == ["ALL WELL", "ACT", "ACT", "ALL WELL"]
    assert said[1].startswith("03:12:44 UTC  ACT  Some alerts wait: vm-1 is held: the customer tables are 8 s out")
    assert said[2].startswith("03:12:44 UTC  ACT  dc1 is the active cluster and does not answer.")
