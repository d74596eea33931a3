"""`tail`: the records of topics as they are, decoded and masked, in the order of time."""

from kafkalert.ops.tail.record import Record
from kafkalert.ops.tail.report import Report
from kafkalert.ops.tail.request import Request
from kafkalert.ops.tail.tailing import Tail

__all__ = ["Record", "Report", "Request", "Tail"]
