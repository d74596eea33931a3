"""What a forced switch would do: where each group goes on, what is done again, and what may be lost."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from math import ceil
from typing import Any, Final

from msgspec.structs import replace

from kafkalert.bus.connect.flow import flow_of
from kafkalert.bus.control.state import View, given_up
from kafkalert.bus.records.mark_reader import Places
from kafkalert.bus.records.partitions import Partition, partition_word
from kafkalert.config import names
from kafkalert.config.pipeline import OUTBOUND, TOPICS
from kafkalert.config.sections import Settings
from kafkalert.config.stages import readers
from kafkalert.engine.clock import Clock
from kafkalert.ops.failover.positions.crossed import heartbeats_since, newest_copies, topics_of
from kafkalert.ops.failover.positions.groups import Groups
from kafkalert.ops.failover.positions.reported import claims
from kafkalert.ops.failover.positions.resume import Logs, ResumePoint, points_of
from kafkalert.ops.failover.positions.rewind import End, ends_told, quiet_until, whole_until
from kafkalert.ops.failover.result import Loss
from kafkalert.ops.failover.status.picture import Survey
from kafkalert.ops.mirror.carried import carried_if_told
from kafkalert.ops.mirror.condition import Condition

HISTORY_SECONDS: Final = 600.0
"""How much of the heartbeats before the flow's last copy is looked at. A group that was further behind goes on where it
last was on the target, or from the beginning."""
_WORKER_SECONDS: Final = 2.0
_OUTPUTS: Final = frozenset({*OUTBOUND.values(), names.CUSTOMERACCOUNTENTRY})
"""What alerting writes."""


@dataclass(frozen=True, slots=True)
class ForcedEstimate:
    """Where groups go on, and what that means in records and in words.

    `whole` is the moment (ms) until which the flow from the old cluster is known to have carried everything; None if
    there is no trace of that. `stays`: groups go on where they are, and `kept` is what COMMIT still has to say of them.
    `stops_flow`: the flow from the old cluster must not go on when that returns.
    """

    resume_points: tuple[ResumePoint, ...]
    whole: int | None
    loss: Loss
    stays: bool = False
    stops_flow: bool = True
    kept: Mapping[str, Any] = field(default_factory=dict)

    def offsets(self) -> dict[str, dict[Partition, int]]:
        """By group, where each partition goes on."""
        found: dict[str, dict[Partition, int]] = {}
        for point in self.resume_points:
            found.setdefault(point.group, {})[point.partition] = point.offset
        return found

    def detail(self) -> dict[str, Any]:
        """As COMMIT carries it."""
        groups: dict[str, dict[str, Any]] = {}
        for point in self.resume_points:
            groups.setdefault(point.group, {})[partition_word(point.partition)] = {"offset": point.offset, "skip": []}
        lost = {"records": self.loss.lost, "again": self.loss.repeated, "wholeUntil": self.whole}
        stays = {"stays": True} if self.stays else {}
        return {
            "groups": groups,
            "ends": {},
            **self.kept,
            **stays,
            "lost": {**lost, "words": " ".join(self.loss.words)},
        }


def staying(view: View, other: str) -> ForcedEstimate:
    """Return what it means that stages stay on the active cluster, and do not wait for `other` any more."""
    # A group that has not come so far yet still has to skip what the last switch says.
    detail = {} if view.commit is None else view.commit.detail
    kept: dict[str, Any] = {name: detail[name] for name in ("groups", "ends") if name in detail}
    lost = other in given_up(view)
    words = (
        f"Groups go on where they are on {view.active}; nothing more is lost.",
        "An instance that runs begins anew there: what it had not committed, about a second, is processed again.",
        f"The flow from {other} stays stopped until `kafkalert failover reconcile --from {other}`."
        if lost
        else f"The flow from {other} goes on once {other} is back; what others write there crosses then.",
    )
    return ForcedEstimate((), None, Loss(0, None, words), stays=True, stops_flow=lost, kept=kept)


def estimate_forced(settings: Settings, found: Survey, target: str, clock: Clock, overlap: float) -> ForcedEstimate:
    """Work it out from the target alone; the old cluster is not asked.

    Raises UnreachableError where the target does not answer, KafkalertError where it does not let us read.
    """
    old, cluster = found.active, settings.clusters[target]
    there = topics_of(cluster)
    # Outputs carry the time at which a stage made them; what others write has whatever time they gave it.
    outputs = [settings.topic(name) for name in TOPICS if name in _OUTPUTS]
    copies, others, all_seen = newest_copies(cluster, old, [topic for topic in outputs if topic in there], clock)
    healthy = any(flow.source == old and flow.state is Condition.RUNNING for flow in found.flows)
    whole = whole_until(copies, healthy=healthy, others=others) if all_seen else None
    now = clock.wall_ms()
    since = (now if whole is None else whole) - round((HISTORY_SECONDS + overlap) * 1000)
    heartbeats, all_read = heartbeats_since(settings, cluster, since, clock)
    told = ends_told(heartbeats, old)
    # What is dated ahead, of a clock or by somebody who means harm, is of now at best.
    heartbeats = [heartbeat if heartbeat.time <= now else replace(heartbeat, time=now) for heartbeat in heartbeats]
    if healthy and all_read:
        quiet = quiet_until(heartbeats, old, two_hop=_has_two_hops(settings, told))
        whole = max(filter(None, (whole, quiet)), default=None)
    claimed = claims(heartbeats, old)
    readable = _readable(settings, told, there)
    groups, places = Groups(settings, cluster), Places(cluster)
    known = groups.known(sorted(readable), found.epoch)
    partitions = {partition for each in readable.values() for partition in each}
    # In this order: no transaction that has ended meanwhile counts as open.
    stable, ends = places.ends(partitions), places.high_watermarks(partitions)
    logs = Logs(cluster, old, places.starts(partitions), ends, stable, clock)
    carried = carried_if_told(settings, flow_of(settings, old), _WORKER_SECONDS)
    points = []
    for group, reached in readable.items():
        made = claimed.get(group.removeprefix(settings.group("")), {})
        points += points_of(group, reached, made, known[group], logs, carried, whole, overlap, all_read=all_read)
    ages = [end.age for reached in readable.values() for end in reached.values() if end is not None and end.is_fresh]
    late = 1 + ceil(max(ages, default=0) / 1000)  # the cluster may have lived for the second until its next heartbeat
    loss = _loss(points, whole, old, target, healthy=healthy, late=late, all_seen=all_seen)
    return ForcedEstimate(tuple(points), whole, loss)


def _readable(
    settings: Settings, told: Mapping[str, Mapping[Partition, End]], there: Mapping[str, int]
) -> dict[str, dict[Partition, End | None]]:
    """By group, each partition that it may read on the target, with its end on the old cluster where that is told.

    An instance may run in another mode than is configured; but no heartbeat makes a group read what its stage does not.
    """
    readable: dict[str, dict[Partition, End | None]] = {}
    for stage, spec in readers().items():
        partitions: dict[Partition, End | None] = {}
        heard = {topic for topic, _ in told.get(stage, {})}
        always = spec.topics(settings)
        for topic in map(settings.topic, spec.reads):
            if topic not in always and topic not in heard:
                continue
            for number in range(there.get(topic, 0)):
                partitions[topic, number] = told.get(stage, {}).get((topic, number))
        if partitions:
            readable[settings.group(stage)] = partitions
    return readable


def _has_two_hops(settings: Settings, told: Mapping[str, Mapping[Partition, End]]) -> bool:
    """Whether there are two hops: by the configuration, or as an instance that runs reads what the first one writes."""
    second = settings.topic(names.CUSTOMERACCOUNTENTRY)
    return settings.engine.mode == "two-hop" or any(topic == second for each in told.values() for topic, _ in each)


def _loss(
    resume_points: Sequence[ResumePoint],
    whole: int | None,
    old: str,
    target: str,
    *,
    healthy: bool,
    late: int,
    all_seen: bool = True,
) -> Loss:
    again = sum(point.again for point in resume_points)
    # Two groups that read the same partition lose the same records, of which the one that runs may tell more.
    each: dict[Partition, int | None] = {}
    for point in resume_points:
        told = [count for count in (each.get(point.partition), point.stranded) if count is not None]
        each[point.partition] = max(told, default=None)
    known = [count for count in each.values() if count is not None]
    lost = sum(known) if len(known) == len(each) else None
    dated = [point.since for point in resume_points if point.since is not None and point.again]
    undated = [point.partition for point in resume_points if point.since is None and point.again]
    words = []
    entries = f"{again:,} {'entry is' if again == 1 else 'entries are'}"
    if not again:
        words.append("No entry is processed again.")
    elif dated:
        words.append(f"Groups go back to {_clock(min(dated))}; at most {entries} processed again there.")
    else:
        words.append(f"At most {entries} processed again.")
    if again:
        words.append("The same entries give alerts of the same ids.")
    if undated:
        words.append(
            f"For {len(undated)} partition{'s' * (len(undated) > 1)} it is not known what was processed; there groups "
            f"go on where they last were on {target}, or from the beginning; the number has all that follows there."
        )
    if not healthy:
        words.append("The flow was not seen running, so the oldest trace of it counts.")
    if whole is None:
        words.append(
            f"{target} holds no copy from {old}."
            if all_seen
            else f"Alerts on {target} could not all be read in time, so it is not known which of {old} had crossed."
        )
    if lost is None:
        words.append(f"Not mirrored: ? entries of {old}; how many is not known.")
    else:
        words.append(f"Not mirrored: {lost:,} known, plus up to {late} s.")
    words.append(
        "Lost only where the source cannot send again. A bridge that runs sends its last 60 s again; what of that was "
        "processed is processed again, too, beside the numbers above."
    )
    words.append(f"Rows of tables that did not cross are not counted; they stay on {old}, as the entries do.")
    return Loss(lost, again, tuple(words))


def _clock(ms: int) -> str:
    return f"{datetime.fromtimestamp(ms / 1000, UTC):%Y-%m-%d %H:%M:%S} UTC"
