"""One character for what an instance does: the shape says it as well as the colour."""

from typing import Final

from kafkalert.ops.failover.status.instances import Presence
from kafkalert.ops.failover.status.picture import Instance

MEANINGS: Final = (
    ("●", "green", "runs"),
    ("◐", "magenta", "stands still for a switch"),
    ("○", "yellow", "starts"),
    ("◌", "red", "is held"),
    ("✕", "bold red", "is silent or stuck"),
    ("·", "dim", "has stopped"),
)
"""Each character, its colour, and what it means."""
_RUNS, _STILL, _STARTS, _HELD, _SILENT, _STOPPED = MEANINGS


def dot(one: Instance) -> tuple[str, str, str]:
    """Return the character of an instance, its style, and what it means."""
    if one.presence is Presence.STOPPED:
        return _STOPPED
    if one.presence is not Presence.ALIVE:
        return _SILENT
    if one.state.startswith("held"):
        return _HELD
    if one.state == "running":
        return _RUNS
    return _STILL if one.state == "prepared" else _STARTS
