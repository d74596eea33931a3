"""A cluster that is merely slow does not refuse a switch; one that says why it does not answer does so at once."""

from dataclasses import replace
from typing import Any, cast

import pytest

from kafkalert.ops.failover.status import survey
from kafkalert.ops.failover.status.picture import Survey
from kafkalert.ops.failover.status.survey import PATIENCE_SECONDS, patient_survey
from tests.support.data.picture import SURVEY, clusters
from tests.support.fakes.engine import FakeClock

SLOW = replace(SURVEY, clusters=clusters("dc1"))
REFUSED = replace(SLOW, clusters=tuple(replace(one, hint="" if one.answers else "Mend it.") for one in SLOW.clusters))


def looks(monkeypatch: pytest.MonkeyPatch, *found: Survey) -> list[Survey]:
    """How often it was looked where each look takes three seconds; the last one is found for ever."""
    clock, taken = FakeClock(), list[Survey]()

    def look(*_: object) -> Survey:
        clock.now += 3.0
        taken.append(found[min(len(taken), len(found) - 1)])
        return taken[-1]

    monkeypatch.setattr(survey, "survey", look)
    assert patient_survey(cast("Any", None), cast("Any", None), clock) is taken[-1]
    return taken


def test_a_slow_cluster_is_looked_at_again(monkeypatch: pytest.MonkeyPatch) -> None:
    assert looks(monkeypatch, SLOW, SLOW, SURVEY) == [SLOW, SLOW, SURVEY]


def test_a_silent_one_is_not_waited_for_long(monkeypatch: pytest.MonkeyPatch) -> None:
    assert looks(monkeypatch, SLOW) == [SLOW] * 4
    assert PATIENCE_SECONDS <= 12


@pytest.mark.parametrize("found", [SURVEY, REFUSED], ids=["all is well", "the cause is known"])
def test_one_look_is_enough(monkeypatch: pytest.MonkeyPatch, found: Survey) -> None:
    assert looks(monkeypatch, found) == [found]
