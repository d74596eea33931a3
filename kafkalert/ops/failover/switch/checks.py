"""What has to be so before a switch may begin, or be decided. Each check refuses with what is and what to do."""

from collections.abc import Sequence
from typing import Final

from kafkalert.bus.control.event import Event, encode
from kafkalert.config.pipeline import PIPELINE
from kafkalert.config.sections import Settings
from kafkalert.errors import RefusedError, UnreachableError
from kafkalert.ops import topic_admin
from kafkalert.ops.failover.result import CalledOffError
from kafkalert.ops.failover.status.findings import flow_hint
from kafkalert.ops.failover.status.picture import PendingSwitch, Survey
from kafkalert.ops.mirror.condition import Condition
from kafkalert.ops.topics import Comparison, State

COMMIT_BYTES: Final = 800_000
"""What COMMIT may have at most: a broker takes a million by default, and every instance keeps it."""
_CAUSES_FIRST: Final = {Condition.STOPPED: 0, Condition.PAUSED: 0, Condition.STARTING: 2}
"""A flow that somebody holds has to be let go on, however long the other one takes to start."""


def check_idle(active: str, epoch: int, pending: PendingSwitch | None, target: str) -> None:
    """Check that nobody else is switching, and stages are elsewhere. Raises RefusedError."""
    if pending is not None:
        when = f", at {pending.at:%H:%M:%S} UTC" if pending.at else ""
        raise RefusedError(
            f"A switch from {pending.source} to {pending.target} is under way: {pending.by}{when}.",
            hint="Wait for its end, or call it off with `kafkalert failover cancel`.",
        )
    if active == target:
        raise RefusedError(
            f"Stages run on {target} already, in epoch {epoch}.", hint="`kafkalert failover` shows where each runs."
        )


def is_there(found: Survey, target: str) -> bool:
    """Whether an order to move to `target` was carried out before, so that to repeat it changes nothing.

    Not while a cluster does not answer: then force may have something to do there, and nobody knows what it holds.
    """
    is_known = all(cluster.answers and cluster.control for cluster in found.clusters)
    return found.active == target and found.pending is None and is_known


def check_forced(found: Survey, target: str) -> None:
    """Check that force is needed, and can help: also to stay where stages run, while the other cluster does not answer.

    Raises RefusedError, UnreachableError.
    """
    other = next((cluster for cluster in found.clusters if cluster.name != target), None)
    if found.active == target and (other is None or (other.answers and other.control)):
        check_idle(found.active, found.epoch, None, target)
    new, old = found.cluster(target), found.cluster(found.active)
    if new.hint:
        raise UnreachableError(new.detail, hint=new.hint)
    if not (new.answers and new.control):
        raise UnreachableError(
            f"Cluster {target} {'does not let its control log be read' if new.answers else 'does not answer'}.",
            hint=f"Nothing was changed; stages stay on {found.active}.",
        )
    if found.active == target:
        return  # stages that start wait for the other log, which is away
    mirrored = bool(found.flows) and all(flow.state is Condition.RUNNING for flow in found.flows)
    if old.answers and old.control and mirrored:
        raise RefusedError(
            f"{found.active} answers and the mirror runs: nothing has to be lost.",
            hint=f"Use the planned switch: `kafkalert failover --to {target}`.",
        )


def check_planned(settings: Settings, found: Survey, target: str) -> None:
    """Check that a planned switch can succeed. Raises RefusedError, UnreachableError."""
    check_idle(found.active, found.epoch, found.pending, target)
    for cluster in found.clusters:
        if cluster.hint:
            raise RefusedError(f"{cluster.detail} A planned switch needs both clusters.", hint=cluster.hint)
        if not (cluster.answers and cluster.control):
            what = "does not answer" if not cluster.answers else "does not let its control log be read"
            raise RefusedError(
                f"Cluster {cluster.name} {what}; a planned switch needs both.",
                hint=_only_forced(target)
                if cluster.name == found.active
                else f"Stages stay on {found.active}. Mend {cluster.name} first.",
            )
    check_flows(found)
    check_topics(topic_admin.plan(settings), settings, found.active)


def check_flows(found: Survey) -> None:
    """Check that both flows of the mirror run. Raises RefusedError."""
    if not found.flows:
        raise RefusedError(
            "Whether the mirror runs is not known; a planned switch needs both flows.",
            hint="Name the workers by `connect` under [clusters]; `kafkalert mirror status` tells more.",
        )
    for flow in sorted(found.flows, key=lambda flow: _CAUSES_FIRST.get(flow.state, 1)):
        if flow.state is Condition.UNREACHABLE:
            raise RefusedError(
                f"Whether the mirror from {flow.source} to {flow.target} runs is not known: {flow.reason}.",
                hint=flow.hint or "`kafkalert mirror status` tells more.",
            )
        if flow.state is not Condition.RUNNING:
            reason = f" ({flow.reason})" if flow.reason else ""
            raise RefusedError(
                f"The mirror from {flow.source} to {flow.target} is not running: {flow.state}{reason}.",
                hint=flow_hint(flow, found.given_up),
            )


def check_topics(comparisons: Sequence[Comparison], settings: Settings, active: str) -> None:
    """Check that every topic of the active cluster is on the other with as many partitions. Raises RefusedError."""
    own = {settings.topic(topic.name) for topic in PIPELINE if topic.internal}
    partitions: dict[str, dict[str, str]] = {}
    for comparison in comparisons:
        if comparison.state is State.MISSING:
            raise RefusedError(
                f"{comparison.topic} is missing on {comparison.cluster}.", hint="Run `kafkalert topics apply`."
            )
        if comparison.topic not in own:
            differs = next(
                (each.now or "" for each in comparison.differences if each.what == "partitions"), "as configured"
            )
            partitions.setdefault(comparison.topic, {})[comparison.cluster] = differs
    for topic, counts in partitions.items():
        if len(set(counts.values())) > 1:
            other = next(name for name in counts if name != active)
            raise RefusedError(
                f"{topic} has not the same partitions on both clusters: {active} {counts[active]}, "
                f"{other} {counts[other]}.",
                hint="Keys would lie elsewhere. `kafkalert topics plan` shows what is wanted.",
            )


def _only_forced(target: str) -> str:
    return (
        f"Only `kafkalert failover --to {target} --force --accept-loss` can move now; add --dry-run to see what "
        "may be lost."
    )


def check_size(commit: Event) -> None:
    """Check that the control log takes it. Raises CalledOffError."""
    size = len(encode(commit))
    if size > COMMIT_BYTES:
        places = [place for places in commit.detail["groups"].values() for place in places.values()]
        raise CalledOffError(
            f"COMMIT would have {size:,} bytes, more than the {COMMIT_BYTES:,} that it may: it lists "
            f"{sum(len(place['skip']) for place in places):,} runs of records that are processed already.",
            hint="Records of both clusters lie mixed behind groups that are far behind. Let those catch up first.",
        )
