"""Where things run, as a survey has it, for tests that change one thing of it."""

from dataclasses import replace
from typing import Any, Final

from kafkalert.ops.failover.status.instances import Presence
from kafkalert.ops.failover.status.picture import ClusterSeen, GroupLag, Health, Instance, Survey
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


def instance(name: str, state: str = "running", presence: Presence = Presence.ALIVE, **more: Any) -> Instance:  # noqa: ANN401 - any field
    """An instance of alerting on dc1."""
    made = Instance("alerting", name, "vm", presence, state, "dc1", 3, 0, 0.5, known=presence is Presence.ALIVE)
    return replace(made, **more)


WELL = replace(
    SURVEY,
    epoch=0,
    instances=(instance("vm-1"), instance("vm-2"), instance("vm-9", stage="bridge")),
    groups=(GroupLag("kafkalert.alerting", 2, 0),),
)
"""The same in epoch 0, with two instances of alerting, a bridge and their group: all is well."""
