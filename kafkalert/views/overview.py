"""A context at a glance: the verdict, then clusters, flows, stages and their instances, and dead letters."""

from collections.abc import Iterator

from rich.console import Group, RenderableType
from rich.text import Text

from kafkalert.config.stages import readers
from kafkalert.model.grade import Grade
from kafkalert.ops.failover.status.instances import Presence
from kafkalert.ops.failover.status.picture import ClusterSeen
from kafkalert.ops.overview.status import FlowSeen, InstanceStatus, Status
from kafkalert.views.colours import UNKNOWN, cell, graded, style
from kafkalert.views.failover_survey import Shown
from kafkalert.views.judgement import headline
from kafkalert.views.screen import Screen
from kafkalert.views.table import fitted

NOTHING = Text("-", "dim")
"""What does not apply, or of which there is none."""
_RATES = ("/s", "alerts/s", "p50 ms", "p99 ms")


def show(found: Status) -> None:
    """Write it to stdout, once."""
    screen = Screen()
    screen.say(headline(found.level, found.sentence), *where(found))
    for table in tables(found):
        screen.show(fitted(screen, table.names, table.rows, right=table.right, spare=table.spare))
    screen.say(*others(found))


def picture(found: Status, screen: Screen) -> RenderableType:
    """Return the same as a picture that is drawn again and again; a low terminal cuts off its end."""
    shown = (fitted(screen, one.names, one.rows, right=one.right, spare=one.spare) for one in tables(found))
    return Group(headline(found.level, found.sentence), *others(found), *where(found), *shown)


def line(found: Status) -> str:
    """Return it in one line: the time, and the verdict."""
    return f"{found.at:%H:%M:%S} UTC  {found.level}  {found.sentence}"


def where(found: Status) -> Iterator[Text]:
    """Where stages run, and when that was so."""
    if found.active is not None:
        told = f"{found.context}: stages run on {found.active}, epoch {found.epoch}"
        yield Text(f"{told}; {found.at:%Y-%m-%d %H:%M:%S} UTC")


def others(found: Status) -> Iterator[Text]:
    """Yield what else is wrong, beside what the verdict says."""
    for one in found.findings:
        if one.text != found.sentence:
            yield Text(f"! {one.text}", style(one.grade))


def tables(found: Status) -> Iterator[Shown]:
    """Yield the tables that have rows; what is not known is `?`, also where it once was."""
    every = (_clusters(found), _flows(found), _instances(found), _groups(found), _dead_letters(found))
    yield from (table for table in every if table.rows)


def _clusters(found: Status) -> Shown:
    names = ("cluster", "answers", "control log", "brokers", "offline", "under-replicated", "other topics", "disk", "")
    rows = [_cluster(one, found) for one in found.clusters or ()]
    return Shown(names, rows, names[3:8], ("disk", "other topics", "control log"))


def _cluster(one: ClusterSeen, found: Status) -> list[Text]:
    health = one.health
    counts = [UNKNOWN] * 4
    if health is not None:
        own = health.partitions > 0  # of topics that may not be seen, or are not there, nothing is known
        counts = [
            cell(health.brokers),
            _wrong(health.offline, Grade.BAD) if own else UNKNOWN,
            _wrong(health.under_replicated, Grade.DOUBTFUL) if own else UNKNOWN,
            cell(health.other_offline + health.other_under_replicated),
        ]
    return [
        cell(one.name),
        graded("yes" if one.answers else "no", Grade.GOOD if one.answers else Grade.BAD),
        graded("read", Grade.GOOD) if one.control else graded("not read", Grade.BAD),
        *counts,
        UNKNOWN if one.disk_bytes is None else cell(one.disk_bytes),
        cell("active" * (one.name == found.active)),
    ]


def _wrong(count: int, grade: Grade) -> Text:
    return graded(count, grade if count else Grade.GOOD)


def _flows(found: Status) -> Shown:
    rows = [_flow(one) for one in found.flows or ()]
    return Shown(("mirror", "state", "lag", "s behind", "why"), rows, ("lag", "s behind"), ("s behind", "why"))


def _flow(one: FlowSeen) -> list[Text]:
    least = "" if one.lag_complete or not one.lag_records else "at least "
    return [
        cell(f"{one.source} -> {one.target}"),
        UNKNOWN if one.state is None else graded(one.state, one.state.grade),
        UNKNOWN if one.lag_records is None else cell(f"{least}{one.lag_records:,}"),
        UNKNOWN if one.lag_seconds is None else cell(one.lag_seconds),
        cell(one.reason),
    ]


def _instances(found: Status) -> Shown:
    names = ("stage", "instance", "is", "state", "on", "epoch", "waits", *_RATES, "dead", "restarts")
    rows = [_instance(one, found.active) for one in found.instances or ()]
    rows += [
        [cell(stage), graded("none", Grade.WAITING), *[NOTHING] * (len(names) - 2)] for stage in found.absent or ()
    ]
    right = ("epoch", "waits", *_RATES, "dead", "restarts")
    return Shown(names, rows, right, ("epoch", "restarts", "dead", "on", "p99 ms", "p50 ms", "is"))


def _instance(one: InstanceStatus, active: str | None) -> list[Text]:
    is_reader = one.stage in readers()
    is_over = one.presence is Presence.STOPPED
    dead = None if one.dead_letters is None else sum(one.dead_letters.values())

    def told(value: float | None, shown: str, *, applies: bool = True) -> Text:
        if is_over or (one.known and not applies):
            return NOTHING
        if value is None:
            return UNKNOWN
        return cell(format(value, shown))

    return [
        graded(one.stage, Grade.WAITING) if one.stranger else cell(one.stage),
        cell(one.instance),
        graded(one.presence, one.presence.grade),
        UNKNOWN if one.state is None else graded(one.state, one.grade),
        graded(one.cluster, Grade.GOOD if one.cluster == active else Grade.BAD),
        cell(one.epoch),
        told(one.waiting, ",d", applies=is_reader),
        told(one.entries_per_second, ",.0f"),
        told(one.alerts_per_second, ",.0f", applies=is_reader),
        told(one.p50_ms, ",d", applies=one.p50_ms is not None),
        told(one.p99_ms, ",d", applies=one.p99_ms is not None),
        told(dead, ",d"),
        told(one.restarts, "d"),
    ]


def _groups(found: Status) -> Shown:
    names = ("group", "members", "not committed", "behind a transaction", "gone")
    if found.groups is None:
        return Shown(names, [[UNKNOWN] * len(names)] if found.active is not None else [], names[1:])
    rows = [
        [cell(one.group), cell(one.members), cell(f"{one.lag:,}"), cell(f"{one.waiting:,}"), cell(f"{one.gone:,}")]
        for one in found.groups
    ]
    return Shown(names, rows, names[1:], ("gone", "behind a transaction"))


def _dead_letters(found: Status) -> Shown:
    rows = [
        [cell(one.stage), cell(one.reason), cell(f"{one.count:,}"), _wrong(one.lately, Grade.DOUBTFUL)]
        for one in found.dead_letters or ()
    ]
    return Shown(("dead letters of", "reason", "count", "lately"), rows, ("count", "lately"))
