"""What a flow has carried for sure: of each partition of its source all up to what its connector has confirmed."""

from kafkalert.bus.connect.client import Connect, Offsets
from kafkalert.bus.connect.flow import Flow
from kafkalert.config.sections import Settings
from kafkalert.errors import KafkalertError


def carried(settings: Settings, flow: Flow, seconds: float) -> Offsets:
    """Return what the connector of `flow` has confirmed, by partition; of one that its worker does not have, nothing.

    The worker asks the target for it, which may hang: within `seconds`, or KafkalertError is raised.
    """
    return Connect(settings.clusters[flow.target], seconds=seconds).offsets(flow.connector) or {}


def carried_if_told(settings: Settings, flow: Flow, seconds: float) -> Offsets:
    """As `carried`, but nothing where the worker does not tell."""
    try:
        return carried(settings, flow, seconds)
    except KafkalertError:
        return {}


def resumes(confirmed: int | None, end: int) -> int:
    """From which offset on records may not have crossed. A commit beyond the end was of an earlier topic's."""
    return 0 if confirmed is None or confirmed >= end else confirmed + 1
