"""Heartbeats of stages that do not exist: anybody may write one. They are named, and tell nothing of the pipeline."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Final

from kafkalert.config.stages import installed
from kafkalert.model.grade import Grade
from kafkalert.ops.failover.status.findings import judged
from kafkalert.ops.failover.status.instances import GONE_SECONDS
from kafkalert.ops.failover.status.picture import Finding, Instance, Survey
from kafkalert.ops.wording import counted, harmless

_NAMED: Final = 3


def is_stranger(instance: Instance) -> bool:
    """Whether its stage is none of kafkalert's."""
    return instance.stage not in installed()


def judged_with_strangers(found: Survey, unknown: Sequence[str] = ()) -> Survey:
    """As `judged` by the pipeline's own instances; the others stay in the picture, and are named at the end."""
    own = tuple(instance for instance in found.instances if not is_stranger(instance))
    told = judged(replace(found, instances=own), unknown)
    findings = (*told.findings, *strangers(found))
    notes = tuple(finding.text for finding in findings)
    return replace(told, instances=found.instances, findings=findings, notes=notes)


def strangers(found: Survey) -> Iterator[Finding]:
    """Tell of heartbeats that come from no stage, if any do. By them nothing is bad, and no status changes."""
    named = [
        f"{harmless(instance.stage)} {harmless(instance.instance)}"
        for instance in found.instances
        if is_stranger(instance)
    ]
    if not named:
        return
    more = f" and {counted(len(named) - _NAMED, 'other')}" if len(named) > _NAMED else ""
    what, its, it = ("is no stage", "its", "it") if len(named) == 1 else ("are no stages", "their", "them")
    yield Finding(
        Grade.WAITING,
        f"{', '.join(named[:_NAMED])}{more} {what} of kafkalert. {its.capitalize()} package is not installed on this "
        f"machine, or another program writes {its} heartbeats; a planned switch waits for {it} at most "
        f"{GONE_SECONDS:g} s.",
    )
