"""A note for the incident channel: what is so, and what changed, without anything about a person."""

from kafkalert.ops.overview.snapshot import Snapshot
from kafkalert.views.pictures.look import clock, last, number

_CHANGES = 8


def note(snapshot: Snapshot) -> str:
    """Return it, in lines; times are UTC."""
    survey, judgement = snapshot.survey, snapshot.judgement
    lines = [f"{snapshot.at:%Y-%m-%d} {clock(snapshot.at)} UTC  {snapshot.context.name}: {judgement.level.value}"]
    lines.append(judgement.sentence)
    if survey is not None:
        lines.append(f"Stages run on {survey.active}, epoch {survey.epoch}.")
        bookings, alerts = last(snapshot.window.bookings), last(snapshot.window.alerts)
        waiting = last(snapshot.window.waiting)
        lines.append(f"{number(bookings)} bookings/s, {number(alerts)} alerts/s, {number(waiting)} wait.")
    if snapshot.changes:
        lines.append("Lately:")
        lines += [f"  {clock(change.at)} {change.text}" for change in snapshot.changes[:_CHANGES]]
    return "\n".join(lines)
