"""The alerts that the screen shows: decoded when somebody looks at them, masked."""

from kafkalert.ops.tail.describe import address, words
from kafkalert.ops.tail.record import Record
from kafkalert.tui.source import Source
from kafkalert.views.pictures.alerts import AlertSeen, AlertsSeen


def alerts_seen(source: Source, wanted: str, rows: int, frozen: int | None) -> AlertsSeen:
    """Return the last `rows` alerts that hold `wanted`; before the ones that came since there were `frozen`."""
    window = source.alerts
    total, kept = window.total, window.kept
    newer = None if frozen is None else total - frozen

    def passes(record: Record) -> bool:
        return wanted in f"{record.channel} {address(record)} {words(record)}"

    found = window.newest(rows, before=min(newer or 0, kept), passes=passes if wanted else None)
    return AlertsSeen([_seen(record) for record in found], total, kept, newer, max(0, total - kept), window.problem)


def _seen(record: Record) -> AlertSeen:
    return AlertSeen(
        record.timestamp,
        record.channel or "",
        address(record),
        words(record),
        str(record.headers.get("ka-id", "")),
    )
