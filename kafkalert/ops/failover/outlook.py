"""What a forced switch would do: where each group goes on, what is done again, and what may be lost."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

from kafkalert.bus import place
from kafkalert.bus.connect import Connect
from kafkalert.bus.control.state import View, given_up
from kafkalert.bus.flow import connector_name
from kafkalert.bus.mark_reader import Places
from kafkalert.config import names
from kafkalert.config.sections import Settings
from kafkalert.engine.clock import Clock
from kafkalert.errors import KafkalertError
from kafkalert.ops.failover.claims import claims
from kafkalert.ops.failover.evidence import beats_since, newest_copies, topics_of
from kafkalert.ops.failover.going import Going, Logs, goings_of
from kafkalert.ops.failover.groups import Groups
from kafkalert.ops.failover.horizon import Partition, ends_told, quiet_until, whole_until
from kafkalert.ops.failover.picture import Survey
from kafkalert.ops.failover.result import Loss
from kafkalert.ops.mirror.condition import Condition

HISTORY_SECONDS: Final = 600.0
"""How much of the heartbeats before the flow's last copy is looked at. A group that was further behind goes on where it
last was on the target, or from the beginning."""
_WORKER_SECONDS: Final = 2.0
_OUTPUTS: Final = frozenset(
    {
        names.OUTBOUNDEMAILMESSAGE,
        names.OUTBOUNDSMSMESSAGE,
        names.OUTBOUNDCUSTOMERPUSHMESSAGE,
        names.CUSTOMERACCOUNTENTRY,
    }
)
"""What alerting writes."""


@dataclass(frozen=True, slots=True)
class Outlook:
    """Where groups go on, and what that means in records and in words.

    `whole` is the moment (ms) until which the flow from the old cluster is known to have carried everything; None if
    there is no trace of that. `stays`: groups go on where they are, and `kept` is what COMMIT still has to say of them.
    `stops_flow`: the flow from the old cluster must not go on when that returns.
    """

    goings: tuple[Going, ...]
    whole: int | None
    loss: Loss
    stays: bool = False
    stops_flow: bool = True
    kept: Mapping[str, Any] = field(default_factory=dict)

    def offsets(self) -> dict[str, dict[Partition, int]]:
        """By group, where each partition goes on."""
        found: dict[str, dict[Partition, int]] = {}
        for one in self.goings:
            found.setdefault(one.group, {})[one.partition] = one.offset
        return found

    def detail(self) -> dict[str, Any]:
        """As COMMIT carries it."""
        groups: dict[str, dict[str, Any]] = {}
        for one in self.goings:
            groups.setdefault(one.group, {})[place.written(one.partition)] = {"offset": one.offset, "skip": []}
        lost = {"records": self.loss.lost, "again": self.loss.repeated, "wholeUntil": self.whole}
        stays = {"stays": True} if self.stays else {}
        return {
            "groups": groups,
            "ends": {},
            **self.kept,
            **stays,
            "lost": {**lost, "words": " ".join(self.loss.words)},
        }


def staying(view: View, other: str) -> Outlook:
    """What it means that stages stay on the active cluster, and do not wait for `other` any more."""
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
    return Outlook((), None, Loss(0, None, words), stays=True, stops_flow=lost, kept=kept)


def outlook(settings: Settings, found: Survey, target: str, clock: Clock, overlap: float) -> Outlook:
    """Work it out from the target alone; the old cluster is not asked.

    Raises UnreachableError where the target does not answer, KafkalertError where it does not let us read.
    """
    old, cluster = found.active, settings.clusters[target]
    there = topics_of(cluster)
    # Outputs carry the time at which a stage made them; what others write has whatever time they gave it.
    outputs = [settings.topic(name) for name in names.TOPICS if name in _OUTPUTS]
    copies = newest_copies(cluster, old, [topic for topic in outputs if topic in there], clock)
    healthy = any(one.source == old and one.state is Condition.RUNNING for one in found.flows)
    whole = whole_until(copies, healthy=healthy)
    until = clock.wall_ms() if whole is None else whole
    beats, all_read = beats_since(settings, cluster, until - round(HISTORY_SECONDS * 1000), clock)
    if healthy and all_read:
        whole = max(filter(None, (whole, quiet_until(beats, old))), default=None)
    told = ends_told(beats, old)
    claimed = claims(beats, old)
    asked = _asked(settings, told, there)
    groups, places = Groups(settings, cluster), Places(cluster)
    known = groups.committed(sorted(asked))
    partitions = {one for each in asked.values() for one in each}
    logs = Logs(cluster, old, places.starts(partitions), places.ends(partitions), clock)
    carried = _carried(settings, old, target)
    goings = []
    for group, reached in asked.items():
        made = claimed.get(group.removeprefix(settings.group("")), {})
        goings += goings_of(
            group, reached, made, known.get(group, {}), logs, carried, whole, overlap, all_read=all_read
        )
    return Outlook(tuple(goings), whole, _loss(goings, whole, old, target, healthy=healthy))


def _asked(
    settings: Settings, told: Mapping[str, Mapping[Partition, int]], there: Mapping[str, int]
) -> dict[str, dict[Partition, int | None]]:
    """By group, each partition that it may read on the target, with its end on the old cluster where that is told."""
    asked: dict[str, dict[Partition, int | None]] = {}
    for stage in names.READS:
        partitions: dict[Partition, int | None] = {}
        read = [settings.topic(name) for name in _read_by(settings, stage)]
        for topic in dict.fromkeys([*read, *(topic for topic, _ in told.get(stage, {}))]):
            for number in range(there.get(topic, 0)):
                partitions[topic, number] = told.get(stage, {}).get((topic, number))
        if partitions:
            asked[settings.group(stage)] = partitions
    return asked


def _read_by(settings: Settings, stage: str) -> Collection[str]:
    topics = names.READS[stage]
    return topics if settings.engine.mode == "two-hop" else topics[:1]


def _carried(settings: Settings, old: str, target: str) -> Mapping[Partition, int]:
    """What the flow confirmed, by partition; empty where its worker does not tell."""
    name = connector_name(old, target, settings.context.prefix)
    try:
        return Connect(settings.clusters[target], seconds=_WORKER_SECONDS).offsets(name) or {}
    except KafkalertError:
        return {}


def _loss(goings: Sequence[Going], whole: int | None, old: str, target: str, *, healthy: bool) -> Loss:
    again = sum(one.again for one in goings)
    # Two groups that read the same partition lose the same records.
    each = {one.partition: one.stranded for one in goings}
    known = [count for count in each.values() if count is not None]
    lost = sum(known) if len(known) == len(each) else None
    dated = [one.since for one in goings if one.since is not None and one.again]
    undated = [one.partition for one in goings if one.since is None and one.again]
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
        words.append(f"{target} holds no copy from {old}.")
    if lost is None:
        words.append(f"Not mirrored: ? entries of {old}; how many is not known.")
    else:
        words.append(f"Not mirrored: {lost:,} known, plus up to 1 s.")
    words.append(
        "Lost only where the source cannot send again. A bridge that runs sends its last 60 s again; what of that was "
        "processed is processed again, too, beside the numbers above."
    )
    words.append(f"Rows of tables that did not cross are not counted; they stay on {old}, as the entries do.")
    return Loss(lost, again, tuple(words))


def _clock(ms: int) -> str:
    return f"{datetime.fromtimestamp(ms / 1000, UTC):%Y-%m-%d %H:%M:%S} UTC"
