"""What is asked before stages are moved, and the command that moves them."""

from kafkalert.ops.failover.status.findings import planned_works
from kafkalert.ops.failover.status.picture import Survey
from kafkalert.ops.overview.snapshot import Snapshot
from kafkalert.tui.dialogs import Question
from kafkalert.views.pictures.failover import forced_price, planned_price, target_of


def refusal(snapshot: Snapshot, *, forced: bool) -> str:
    """Why stages cannot be moved from here now; empty if they can."""
    survey = snapshot.survey
    if snapshot.context.read_only:
        return "read-only: nothing is changed from here."
    if survey is None:
        return "Where stages run is not known yet."
    target = target_of(survey)
    if not target:
        return "This context has one cluster; there is nowhere to move to."
    if not forced and survey.pending is not None:
        return f"{survey.pending.by} is at it already. c calls it off."
    if forced and planned_works(survey):
        return f"{survey.active} answers: f moves without loss. F is for a cluster that is dead."
    return ""


def cancel_refusal(snapshot: Snapshot) -> str:
    """Why no switch can be called off from here now; empty if one can."""
    if snapshot.context.read_only:
        return "read-only: nothing is changed from here."
    if snapshot.survey is None:
        return "Whether a switch is under way is not known."
    return "" if snapshot.survey.pending is not None else "No switch is under way."


def cancel_question(snapshot: Snapshot) -> tuple[Question, list[str]]:
    """Return what is asked before somebody's switch is called off, and the command; see `cancel_refusal` first."""
    context, pending = snapshot.context, _known(snapshot).pending
    who = "" if pending is None else f"{pending.by} moves stages from {pending.source} to {pending.target}."
    sure = ["--confirm", context.name] if context.production else ["--yes"]
    typed = context.name if context.production else ""
    lines = [who, "Stages go on where they were."]
    command = ["failover", "cancel"]
    return Question("Call this switch off?", lines, ["kafkalert", *command], typed), [*command, *sure]


def switch_question(snapshot: Snapshot, *, forced: bool) -> tuple[Question, list[str]]:
    """Return what is asked, and the command without its reason; see `refusal` first."""
    survey = _known(snapshot)
    target = target_of(survey)
    context = snapshot.context
    command = ["failover", "--to", target, *(["--force", "--accept-loss"] if forced else [])]
    sure = ["--confirm", context.name] if context.production else ["--yes"]
    lines = [forced_price(survey, target)] if forced else [planned_price(survey)]
    if forced:
        lines.append(f"If {survey.active} is merely cut off from here, instances there go on until reached or stopped.")
    typed = context.name if context.production else target if forced else ""
    title = f"Force all stages to {target}?" if forced else f"Move all stages to {target}?"
    return Question(title, lines, ["kafkalert", *command, '--reason "..."'], typed), [*command, *sure]


def dry_run_command(snapshot: Snapshot) -> list[str]:
    """Return the command that makes all checks of a planned switch; empty where there is no other cluster."""
    target = "" if snapshot.survey is None else target_of(snapshot.survey)
    return ["failover", "--to", target, "--dry-run"] if target else []


def _known(snapshot: Snapshot) -> Survey:
    if snapshot.survey is None:
        raise AssertionError(snapshot)  # `refusal` was asked first
    return snapshot.survey
