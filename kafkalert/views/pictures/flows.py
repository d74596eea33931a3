"""What may be said of a flow of the mirror."""

from kafkalert.ops.mirror.status import FlowStatus
from kafkalert.ops.overview.snapshot import Snapshot


def is_seen(flow: FlowStatus, snapshot: Snapshot) -> bool:
    """Whether both its ends answer; else it may run or not, whatever its worker says."""
    survey = snapshot.survey
    answering = {cluster.name for cluster in survey.clusters if cluster.answers} if survey is not None else set()
    return {flow.source, flow.target} <= answering
