"""Where things run, as a command has found it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from kafkalert.model.grade import Grade
from kafkalert.ops.failover.status.instances import Presence
from kafkalert.ops.mirror.status import FlowStatus


class Verdict(StrEnum):
    """All in all: what was looked at is as it should be, is not, or a cluster does not answer."""

    OK = "ok"
    NOT_OK = "not ok"
    UNREACHABLE = "unreachable"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that an operator should know, in a sentence."""

    grade: Grade
    text: str


@dataclass(frozen=True, slots=True)
class Health:
    """How a cluster's brokers and partitions are, as its metadata tells.

    `brokers`: how many the cluster has that are up. `partitions`: of the pipeline's topics, as far as they may be seen;
    `offline`: how many of these no broker leads, so that they take and give nothing; `under_replicated`: how many have
    fewer replicas in sync than they should. `other_offline`, `other_under_replicated`: the same of all other topics.
    """

    brokers: int
    partitions: int
    offline: int = 0
    under_replicated: int = 0
    other_offline: int = 0
    other_under_replicated: int = 0


@dataclass(frozen=True, slots=True)
class ClusterSeen:
    """One cluster: whether it answers, and whether its control log could be read.

    `detail`: why not. `hint`: what mends it, where something else than silence is in the way of this command.
    `health`: None where that is not known. `disk_bytes`: what its logs take; None, as the client library cannot ask.
    """

    name: str
    answers: bool
    control: bool
    detail: str = ""
    hint: str = ""
    health: Health | None = None
    disk_bytes: int | None = None


@dataclass(frozen=True, slots=True)
class Instance:
    """One instance of a stage, by its newest heartbeat.

    `since_beat`: seconds since one arrived here, None if none. `known`: whether state and lag are of now; they are not
    where the instance is silent or its cluster does not answer. `unheard`: the clusters that answer, but on which it is
    not heard. `skipped_by_switch`: records passed over because a switch says that they were processed before it.
    `entries_per_second`, `alerts_per_second`: over its last second; `p50_ms`, `p99_ms`: from a booking's record time to
    its alerts, None where there were none. `entries`: since its start. `dead_letters`, `skipped_settings`: since its
    start, by reason; `new_dead_letters`: those of the last two minutes at most, as far as its heartbeats tell.
    `restarts`: how often its supervisor started it again.
    """

    stage: str
    instance: str
    host: str
    presence: Presence
    state: str
    cluster: str
    epoch: int
    lag: int
    since_beat: float | None
    known: bool = True
    unheard: tuple[str, ...] = ()
    skipped_by_switch: int = 0
    entries_per_second: float = 0.0
    alerts_per_second: float = 0.0
    p50_ms: int | None = None
    p99_ms: int | None = None
    entries: int = 0
    dead_letters: Mapping[str, int] = field(default_factory=dict)
    skipped_settings: Mapping[str, int] = field(default_factory=dict)
    restarts: int = 0
    new_dead_letters: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class OpenTransaction:
    """A transaction of another program that keeps records back: where it begins.

    `tool`: how Kafka's own tool names who has it open, and ends it.
    """

    topic: str
    partition: int
    offset: int
    tool: str


@dataclass(frozen=True, slots=True)
class GroupLag:
    """A consumer group on the active cluster: its members, and records that it has not committed, to the log's end.

    `members`: None where nobody has counted them.
    `gone`: how many are not there any more, and not counted in `lag`. `waiting`: how many of `lag` lie behind a
    transaction of another program that is open, so that nobody can read them. `transactions`: the first of these
    in each partition.
    """

    group: str
    members: int | None
    lag: int
    gone: int = 0
    waiting: int = 0
    transactions: tuple[OpenTransaction, ...] = ()


@dataclass(frozen=True, slots=True)
class PendingSwitch:
    """A planned switch that was begun and not ended."""

    epoch: int
    id: str
    source: str
    target: str
    by: str
    at: datetime | None
    reason: str


@dataclass(frozen=True, slots=True)
class Survey:
    """Where things run. `mode`, `since`, `by` and `reason` are of the switch that made it so, empty if there was none.

    `groups`: those on the active cluster, None where they are not known.
    `given_up`: the passive cluster, if it was left by force, so that records may be stranded there; empty if not.
    `findings`: what is wrong and what could not be found out, the worst first; `notes`: their sentences.
    `passed_over`: records of the control logs and the status topics that cannot be meant.
    """

    version: int
    context: str
    active: str
    epoch: int
    mode: str
    since: datetime | None
    by: str
    reason: str
    pending: PendingSwitch | None
    clusters: tuple[ClusterSeen, ...]
    instances: tuple[Instance, ...]
    flows: tuple[FlowStatus, ...]
    groups: tuple[GroupLag, ...] | None
    notes: tuple[str, ...]
    given_up: str = ""
    verdict: Verdict = Verdict.OK
    findings: tuple[Finding, ...] = ()
    passed_over: int = 0

    def cluster(self, name: str) -> ClusterSeen:
        """One cluster of the context."""
        return next(cluster for cluster in self.clusters if cluster.name == name)
