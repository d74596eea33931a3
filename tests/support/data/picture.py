"""Where things run, as a survey has it, for tests that change one thing of it."""

from dataclasses import replace
from typing import Any, Final

from kafkalert.ops.failover.status.picture import ClusterSeen, Health, Survey
from kafkalert.ops.mirror.condition import Condition
from kafkalert.ops.mirror.status import FlowStatus


def flow(source: str, target: str, state: Condition = Condition.RUNNING, reason: str = "", **more: Any) -> FlowStatus:  # noqa: ANN401 - any field
    """A flow without lag."""
    made = FlowStatus(source, target, "mirror", state, reason, 2, 2, 0, 0.0, lag_complete=True, lag_reason="")
    return replace(made, **more)


HEALTH: Final = Health(3, 60)
"""Three brokers, and nothing is wrong with them."""


def clusters(*dead: str) -> tuple[ClusterSeen, ...]:
    """Both clusters, of which some do not answer."""
    return tuple(
        ClusterSeen(one, answers=one not in dead, control=one not in dead, health=None if one in dead else HEALTH)
        for one in ("dc1", "dc2")
    )


SURVEY: Final = Survey(
    version=1,
    context="test",
    active="dc1",
    epoch=3,
    mode="",
    since=None,
    by="",
    reason="",
    pending=None,
    clusters=clusters(),
    instances=(),
    flows=(flow("dc1", "dc2"), flow("dc2", "dc1")),
    groups=(),
    notes=(),
)
"""Stages run on dc1, both clusters answer and both flows run; there are no instances."""
