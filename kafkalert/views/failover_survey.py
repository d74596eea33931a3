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
    screen.say(*(Text(f"! {one.text}", style(one.grade)) for one in found.findings if one.text != told.sentence))


def tables(found: Survey) -> Iterator[Shown]:
    """Clusters, instances, groups and mirror; what is not known is `?`, also where it once was."""
    yield Shown(
        ("cluster", "answers", "control log", ""),
        [
            [
                cell(one.name),
                graded("yes" if one.answers else "no", Grade.GOOD if one.answers else Grade.BAD),
                graded("read", Grade.GOOD) if one.control else graded("not read", Grade.BAD),
                cell("active" * (one.name == found.active)),
            ]
            for one in found.clusters
        ],
    )
    skipped = ("skipped",) if any(one.skipped_by_switch for one in found.instances) else ()
    yield Shown(
        ("stage", "instance", "is", "state", "on", "epoch", "lag", *skipped),
        [[*_instance(one, found.active), *(cell(one.skipped_by_switch) for _ in skipped)] for one in found.instances],
        ("epoch", "lag", *skipped),
        ("epoch",),
    )
    groups = [[cell(one.group), cell(one.members), cell(one.lag)] for one in found.groups or ()]
    yield Shown(
        ("group", "members", f"lag on {found.active}"),
        [[UNKNOWN] * 3] if found.groups is None else groups,
        ("members", f"lag on {found.active}"),
    )
    yield Shown(
        ("mirror", "state", "lag", "s behind", "why"),
        [_flow(one, found) for one in found.flows] or _unknown_flows(found),
        ("lag", "s behind"),
        ("s behind", "why"),
    )


def _instance(one: Instance, active: str) -> list[Text]:
    grade = instance_grade(one)
    return [
        graded(one.stage, Grade.WAITING) if is_stranger(one) else cell(one.stage),
        cell(one.instance),
        graded(one.presence, one.presence.grade),
        graded(one.state, grade) if one.known or grade is Grade.WAITING else UNKNOWN,
        graded(one.cluster, Grade.GOOD if one.cluster == active else Grade.BAD),
        cell(one.epoch),
        # One that is held fetches nothing, and hears of no end: its lag is that of before.
        cell(one.lag) if one.known and not one.state.startswith("held") else UNKNOWN,
    ]


def _flow(one: FlowStatus, found: Survey) -> list[Text]:
    """Return the state of a flow; where its ends do not answer it may run or not, whatever its worker says."""
    answering = {each.name for each in found.clusters if each.answers}
    blind = one.state is Condition.RUNNING and not {one.source, one.target} <= answering
    least = "" if one.lag_complete or not one.lag_records else "at least "
    return [
        cell(f"{one.source} -> {one.target}"),
        UNKNOWN if blind else graded(one.state, one.state.grade),
        UNKNOWN if one.lag_records is None else cell(f"{least}{one.lag_records}"),
        UNKNOWN if one.lag_seconds is None else cell(one.lag_seconds),
        cell(one.reason or one.lag_reason),
    ]


def _unknown_flows(found: Survey) -> list[list[Text]]:
    names = [one.name for one in found.clusters]
    ways = [(source, target) for source in names for target in names if source != target]
    return [[cell(f"{source} -> {target}"), *[UNKNOWN] * 3, cell("")] for source, target in ways]


def headline(found: Survey) -> Iterator[Text]:
    """Which cluster is active, since when and by whom; what is pending."""
    active = next(one for one in found.clusters if one.name == found.active)
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


def past_row(one: Switch) -> dict[str, object]:
    """Return a switch of the past as a row: of a forced one it is known how many entries at most had not crossed.

    And how many records of all kinds were carried since then.
    """
    lost: object = "" if one.outcome == "pending" else "?" if one.lost is None else one.lost
    bound = one.mode == "forced" and bool(one.lost)
    lost = f"at most {lost}" if bound else lost
    if not one.reconciled:
        return {**asdict(one), "lost": lost}
    since = sum(each.records for each in one.reconciled)
    told = (
        f"{counted(each.records, 'record')} carried from {harmless(each.source)} to {harmless(each.target)}"
        f"{f' at {each.at:%Y-%m-%d %H:%M:%S} UTC' if each.at else ''} by {each.by}"
        f"{'' if each.complete else ', then it failed or was interrupted'}"
        for each in one.reconciled
    )
    note = "; ".join(filter(None, (one.note, *told)))
    return {**asdict(one), "lost": f"{lost}; {counted(since, 'record')} reconciled", "note": note}
