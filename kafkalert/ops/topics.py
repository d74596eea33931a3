"""The pipeline's topics: what should be there, and what that means for what is. Decisions only; no broker."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

from kafkalert.config import names
from kafkalert.config.durations import format_duration
from kafkalert.config.pipeline import PipelineTopic
from kafkalert.config.sections import Settings
from kafkalert.config.stages import topics
from kafkalert.errors import RefusedError
from kafkalert.model.grade import Grade
from kafkalert.ops.wording import counted

STATUS_RETENTION = timedelta(hours=1)
"""Heartbeats are for now; an hour of them is for whoever comes a little late."""
STATUS_SEGMENT = timedelta(minutes=10)
"""Only whole segments are deleted, so those of heartbeats are short."""

_QUORUM = 3
_IN_SYNC = "min.insync.replicas"
_FOR_EVER = "-1"
_BYTES = "retention.bytes"


class State(StrEnum):
    """How a topic is."""

    FINE = "in order"
    MISSING = "missing"
    DIFFERS = "differs"

    @property
    def grade(self) -> Grade:
        """What it means."""
        return Grade.GOOD if self is State.FINE else Grade.BAD


class Action(StrEnum):
    """What `topics apply` does about a difference."""

    CREATE = "create"
    CONFIGURE = "configure"
    RAISE = "add partitions"
    REFUSE = "refused"
    BY_HAND = "by hand"


_DONE = (Action.CREATE, Action.CONFIGURE, Action.RAISE)
"""What `topics apply` does."""
_LEFT = (Action.REFUSE, Action.BY_HAND)
"""What it does not."""


@dataclass(frozen=True, slots=True)
class Topic:
    """A topic as it should be, or as it is. `config` holds the settings that the pipeline cares about."""

    name: str
    partitions: int
    replication: int
    config: dict[str, str]
    keyed: bool = True
    """Records of a key keep their order, or replace each other: more partitions would part them."""


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing that is not as it should be. `now` is None where the topic is missing."""

    what: str
    now: str | None
    wanted: str
    action: Action

    def __str__(self) -> str:
        limit = _LIMITS.get((self.what, self.action), "")
        if self.what == "partitions":
            return f"{counted(int(self.now or 0), 'partition')}, {self.wanted} wanted{limit}"
        return f"{self.what} is {_read(self.what, self.now)}, {_read(self.what, self.wanted)} wanted{limit}"


_LIMITS = {
    ("partitions", Action.REFUSE): "; apply adds none, as the order of keys would break",
    ("partitions", Action.BY_HAND): "; apply cannot remove any",
    ("replication", Action.BY_HAND): "; apply cannot change that",
}


@dataclass(frozen=True, slots=True)
class Comparison:
    """One topic of one cluster; a row of `topics plan`."""

    cluster: str
    topic: str
    state: State
    detail: str
    differences: tuple[Difference, ...]


def wanted(settings: Settings) -> tuple[Topic, ...]:
    """Every topic of the pipeline, and of installed stages, as the configuration wants it.

    customeraccountentry is among them where engine.mode is two-hop; in one-hop mode nothing reads it, and it may be
    there or not.
    """
    optional = () if settings.engine.mode == "two-hop" else (names.CUSTOMERACCOUNTENTRY,)
    return tuple(_wanted(settings, topic) for topic in topics() if topic.name not in optional)


def _wanted(settings: Settings, topic: PipelineTopic) -> Topic:
    section = settings.topics
    config = {
        "cleanup.policy": "compact" if topic.compacted else "delete",
        "message.timestamp.type": "CreateTime",
        _IN_SYNC: str(min_insync(section.replication)),
    }
    if topic.compacted:
        config["delete.retention.ms"] = _ms(section.delete_retention)
    elif topic.name == names.CONTROL:
        config["retention.ms"] = _FOR_EVER
    elif topic.name == names.STATUS:
        config |= {"retention.ms": _ms(STATUS_RETENTION), "segment.ms": _ms(STATUS_SEGMENT)}
    else:
        config["retention.ms"] = _ms(section.retention)
    if not topic.compacted:
        config[_BYTES] = _FOR_EVER  # a broker's default would delete what is younger than promised
    partitions = 1 if topic.internal else section.partitions
    return Topic(settings.topic(topic.name), partitions, section.replication, config, topic.keyed)


def min_insync(replication: int) -> int:
    """How many replicas have to have a record: a majority, but never so many that one broker's loss stops writing."""
    return replication // 2 + 1 if replication >= _QUORUM else 1


def compare(cluster: str, should: Topic, found: Topic | None) -> Comparison:
    """Return what is to be said and done about one topic; `found` is None where the cluster does not have it."""
    differences = tuple(_creation(should) if found is None else _differences(should, found))
    state = State.MISSING if found is None else State.DIFFERS if differences else State.FINE
    detail = describe(should) if found is None else "; ".join(map(str, differences))
    return Comparison(cluster, should.name, state, detail, differences)


def describe(topic: Topic) -> str:
    """Return a topic in words: "4 partitions, replication 3, kept for 7d"."""
    if topic.config["cleanup.policy"] == "compact":
        kept = f"compacted, tombstones kept for {_duration(topic.config['delete.retention.ms'])}"
    else:
        kept = f"kept {_duration(topic.config['retention.ms'], before='for ')}"
    return f"{counted(topic.partitions, 'partition')}, replication {topic.replication}, {kept}"


def _creation(should: Topic) -> Iterable[Difference]:
    yield Difference("partitions", None, str(should.partitions), Action.CREATE)
    yield Difference("replication", None, str(should.replication), Action.CREATE)
    for setting, value in should.config.items():
        yield Difference(setting, None, value, Action.CREATE)


def _differences(should: Topic, found: Topic) -> Iterable[Difference]:
    if found.partitions != should.partitions:
        fewer = found.partitions < should.partitions
        more = Action.REFUSE if should.keyed else Action.RAISE
        action = more if fewer else Action.BY_HAND
        yield Difference("partitions", str(found.partitions), str(should.partitions), action)
    if found.replication != should.replication:
        yield Difference("replication", str(found.replication), str(should.replication), Action.BY_HAND)
    # More replicas in sync than a topic has would stop every writer.
    in_sync = str(min(min_insync(should.replication), min_insync(found.replication)))
    for setting, value in (should.config | {_IN_SYNC: in_sync}).items():
        now = found.config.get(setting, "unknown")
        if now != value:
            yield Difference(setting, now, value, Action.CONFIGURE)


def having(comparisons: Sequence[Comparison], *actions: Action) -> list[tuple[Comparison, list[Difference]]]:
    """Return the comparisons in which one of `actions` comes up, with those differences."""
    chosen = [
        (comparison, [each for each in comparison.differences if each.action in actions]) for comparison in comparisons
    ]
    return [(comparison, differences) for comparison, differences in chosen if differences]


def changes(comparisons: Sequence[Comparison]) -> list[str]:
    """Return what `topics apply` would do, one line a topic, in the words of an order."""
    lines = []
    for comparison, differences in having(comparisons, *_DONE):
        if comparison.state is State.MISSING:
            lines.append(f"create {comparison.topic} on {comparison.cluster}: {comparison.detail}")
        else:
            what = ", ".join(
                f"{each.what} from {_read(each.what, each.now)} to {_read(each.what, each.wanted)}"
                for each in differences
            )
            lines.append(f"change {comparison.topic} on {comparison.cluster}: {what}")
    return lines


def summary(comparisons: Sequence[Comparison]) -> str:
    """Return what `topics plan` says in the end: how many differ, and how many of these apply corrects."""
    differing = [comparison for comparison in comparisons if comparison.differences]
    topics = counted(len(comparisons), "topic")
    if not differing:
        return f"{topics}, all in order."
    left = [comparison for comparison in differing if any(each.action in _LEFT for each in comparison.differences)]
    corrected = len(having(differing, *_DONE))
    cannot = f" and cannot correct {len(left)}" if left else ""
    return f"{topics}: {len(differing)} not in order. `kafkalert topics apply` corrects {corrected}{cannot}."


def check_refusals(comparisons: Sequence[Comparison]) -> None:
    """Raise RefusedError if partitions of a keyed topic would have to be added."""
    refused = having(comparisons, Action.REFUSE)
    if not refused:
        return
    comparison, (difference, *_) = refused[0]
    also = f", and so for {counted(len(refused) - 1, 'more topic')}" if len(refused) > 1 else ""
    there = counted(int(difference.now or 0), "partition")
    raise RefusedError(
        f"{comparison.topic} on {comparison.cluster} has {there} and should have {difference.wanted}{also}. "
        "Partitions of a keyed topic are not added: its keys would move, and their order and compaction break.",
        hint=f"Set partitions = {difference.now} under [topics], or give the topic a new name under [topics.names].",
    )


def _ms(duration: timedelta) -> str:
    return str(duration // timedelta(milliseconds=1))


def _read(setting: str, value: str | None) -> str:
    """Return a setting's value as people read it: a duration besides its milliseconds."""
    if value is None:
        return "missing"
    if setting == _BYTES:
        return "unlimited" if value == _FOR_EVER else f"{value} bytes"
    return f"{value} ({_duration(value)})" if setting.endswith(".ms") and value.isdigit() else value


def _duration(milliseconds: str, before: str = "") -> str:
    if milliseconds == _FOR_EVER:
        return "for ever"
    return before + format_duration(timedelta(milliseconds=int(milliseconds)))
