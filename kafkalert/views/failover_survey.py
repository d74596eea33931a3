"""Where things run, as people read it: the verdict first, a headline, and a table each of what there is."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime

from rich.text import Text

from kafkalert.model.grade import Grade
from kafkalert.ops.failover.status.findings import instance_grade
from kafkalert.ops.failover.status.history import Switch
from kafkalert.ops.failover.status.picture import Instance, Survey
from kafkalert.ops.failover.status.strangers import is_stranger
from kafkalert.ops.mirror.condition import Condition
from kafkalert.ops.mirror.status import FlowStatus
from kafkalert.ops.overview.verdict import verdict
from kafkalert.ops.wording import counted, harmless
from kafkalert.views import judgement
from kafkalert.views.colours import UNKNOWN, cell, graded, style
from kafkalert.views.screen import Screen
from kafkalert.views.table import fitted


@dataclass(frozen=True, slots=True)
class Shown:
    """One table: columns, rows, which columns are numbers, and which a narrow terminal does without."""

    names: Sequence[str]
    rows: Sequence[Sequence[Text]]
    right: Sequence[str] = ()
    spare: Sequence[str] = ()


def show(found: Survey, *, on_stderr: bool = False) -> None:
    """Write the whole picture, to stdout unless it only precedes a question."""
    screen = Screen(stderr=on_stderr)
    told = verdict(found)
    screen.say(judgement.headline(told.level, told.sentence), *headline(found))
    for table in tables(found):
        if table.rows:
            screen.show(fitted(screen, table.names, table.rows, right=table.right, spare=table.spare))
    screen.say(
        *(
            Text(f"! {finding.text}", style(finding.grade))
            for finding in found.findings
            if finding.text != told.sentence
        )
    )


def tables(found: Survey) -> Iterator[Shown]:
    """Clusters, instances, groups and mirror; what is not known is `?`, also where it once was."""
    yield Shown(
        ("cluster", "answers", "control log", ""),
        [
            [
                cell(cluster.name),
                graded("yes" if cluster.answers else "no", Grade.GOOD if cluster.answers else Grade.BAD),
                graded("read", Grade.GOOD) if cluster.control else graded("not read", Grade.BAD),
                cell("active" * (cluster.name == found.active)),
            ]
            for cluster in found.clusters
        ],
    )
    skipped = ("skipped",) if any(instance.skipped_by_switch for instance in found.instances) else ()
    yield Shown(
        ("stage", "instance", "is", "state", "on", "epoch", "lag", *skipped),
        [
            [*_instance(instance, found.active), *(cell(instance.skipped_by_switch) for _ in skipped)]
            for instance in found.instances
        ],
        ("epoch", "lag", *skipped),
        ("epoch",),
    )
    groups = [
        [cell(group.group), UNKNOWN if group.members is None else cell(group.members), cell(group.lag)]
        for group in found.groups or ()
    ]
    yield Shown(
        ("group", "members", f"lag on {found.active}"),
        [[UNKNOWN] * 3] if found.groups is None else groups,
        ("members", f"lag on {found.active}"),
    )
    yield Shown(
        ("mirror", "state", "lag", "s behind", "why"),
        [_flow(flow, found) for flow in found.flows] or _unknown_flows(found),
        ("lag", "s behind"),
        ("s behind", "why"),
    )


def _instance(instance: Instance, active: str) -> list[Text]:
    grade = instance_grade(instance)
    return [
        graded(instance.stage, Grade.WAITING) if is_stranger(instance) else cell(instance.stage),
        cell(instance.instance),
        graded(instance.presence, instance.presence.grade),
        graded(instance.state, grade) if instance.known or grade is Grade.WAITING else UNKNOWN,
        graded(instance.cluster, Grade.GOOD if instance.cluster == active else Grade.BAD),
        cell(instance.epoch),
        # One that is held fetches nothing, and hears of no end: its lag is that of before.
        cell(instance.lag) if instance.known and not instance.state.startswith("held") else UNKNOWN,
    ]


def _flow(flow: FlowStatus, found: Survey) -> list[Text]:
    """Return the state of a flow; where its ends do not answer it may run or not, whatever its worker says."""
    answering = {each.name for each in found.clusters if each.answers}
    blind = flow.state is Condition.RUNNING and not {flow.source, flow.target} <= answering
    least = "" if flow.lag_complete or not flow.lag_records else "at least "
    return [
        cell(f"{flow.source} -> {flow.target}"),
        UNKNOWN if blind else graded(flow.state, flow.state.grade),
        UNKNOWN if flow.lag_records is None else cell(f"{least}{flow.lag_records}"),
        UNKNOWN if flow.lag_seconds is None else cell(flow.lag_seconds),
        cell(flow.reason or flow.lag_reason),
    ]


def _unknown_flows(found: Survey) -> list[list[Text]]:
    names = [cluster.name for cluster in found.clusters]
    ways = [(source, target) for source in names for target in names if source != target]
    return [[cell(f"{source} -> {target}"), *[UNKNOWN] * 3, cell("")] for source, target in ways]


def headline(found: Survey) -> Iterator[Text]:
    """Which cluster is active, since when and by whom; what is pending."""
    active = next(cluster for cluster in found.clusters if cluster.name == found.active)
    name = Text(found.active, f"bold {style(Grade.GOOD if active.answers else Grade.BAD)}")
    if found.mode:
        who = f" by {found.by}" if found.by else ""
        why = f" ({found.reason})" if found.reason else ""
        yield Text.assemble("active: ", name, f", epoch {found.epoch}, {found.mode} {ago(found.since)}{who}{why}")
    else:
        yield Text.assemble("active: ", name, " (never switched)")
    if pending := found.pending:
        yield Text(
            f"A switch from {pending.source} to {pending.target} is under way: {pending.by}, {ago(pending.at)}.",
            style(Grade.WAITING),
        )


def ago(moment: datetime | None) -> str:
    """Return a moment with how long ago it was: "at 2026-01-31 08:00:12 UTC, 3 min ago"."""
    if moment is None:
        return "at an unknown time"
    seconds = max(0, round((datetime.now(UTC) - moment).total_seconds()))
    for size, name in ((86_400, "d"), (3600, "h"), (60, "min")):
        if seconds >= size:
            return f"at {moment:%Y-%m-%d %H:%M:%S} UTC, {seconds // size} {name} ago"
    return f"at {moment:%Y-%m-%d %H:%M:%S} UTC, {seconds} s ago"


def past_row(switch: Switch) -> dict[str, object]:
    """Return a switch of the past as a row: of a forced one it is known how many entries at most had not crossed.

    And how many records of all kinds were carried since then.
    """
    lost: object = "" if switch.outcome == "pending" else "?" if switch.lost is None else switch.lost
    bound = switch.mode == "forced" and bool(switch.lost)
    lost = f"at most {lost}" if bound else lost
    if not switch.reconciled:
        return {**asdict(switch), "lost": lost}
    since = sum(each.records for each in switch.reconciled)
    told = (
        f"{counted(each.records, 'record')} carried from {harmless(each.source)} to {harmless(each.target)}"
        f"{f' at {each.at:%Y-%m-%d %H:%M:%S} UTC' if each.at else ''} by {each.by}"
        f"{'' if each.complete else ', then it failed or was interrupted'}"
        for each in switch.reconciled
    )
    note = "; ".join(filter(None, (switch.note, *told)))
    return {**asdict(switch), "lost": f"{lost}; {counted(since, 'record')} reconciled", "note": note}
