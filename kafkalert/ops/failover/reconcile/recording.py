"""What a return did, kept in the control log for `failover history`.

It is written as an ABORT of an attempt that nobody began. Such an event decides nothing and is copied by nobody, in
every version of kafkalert (`bus/control/state.py`); its detail says what was carried.
"""

import uuid
from collections.abc import Mapping

from kafkalert.bus.control.event import Event
from kafkalert.config.sections import Settings
from kafkalert.engine.clock import Clock
from kafkalert.errors import KafkalertError
from kafkalert.ops.failover.status.watch import Watch
from kafkalert.ops.failover.switch.cancel import WRITE_SECONDS
from kafkalert.ops.failover.switch.order import operator

DETAIL = "reconciled"
"""The key of an event's detail below which a list says what was carried which way."""


def record(
    settings: Settings,
    watch: Watch,
    carried: Mapping[tuple[str, str], int],
    clock: Clock,
    *,
    source: str,
    complete: bool,
) -> tuple[str, ...]:
    """Say in the log of both clusters what was `carried` from which to which; what kept it from both, in sentences.

    Nothing is said where nothing was carried, and before the first switch: there is none to which it belongs.
    `source`: the cluster that returns.
    """
    view = watch.control.view()
    ways = [{"from": way[0], "to": way[1], "records": count} for way, count in carried.items() if count]
    if view.epoch == 0 or not ways:
        return ()
    detail = {DETAIL: ways, "complete": complete}
    by, now = operator(settings), clock.wall_ms()
    attempt = f"reconcile-{uuid.uuid4()}"
    event = Event(view.epoch, attempt, "ABORT", "planned", source, view.active, by, now, "reconcile", detail)
    refused = []
    for name in (view.active, source):
        try:
            if watch.control.write(name, event, WRITE_SECONDS):
                continue
            why = f"{name} does not answer."
        except KafkalertError as error:
            why = str(error)
        refused.append(why)
    if len(refused) < 2:  # noqa: PLR2004 - one log is enough to read it
        return ()
    return (f"`failover history` will not show this. {refused[0]}",)
