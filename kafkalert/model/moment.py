"""Times as Kafka counts them."""

from datetime import UTC, datetime


def moment(ms: int) -> datetime | None:
    """Return the time so many ms after 1970; None where a calendar knows no such time, as anybody may claim any."""
    try:
        return datetime.fromtimestamp(ms / 1000, UTC) if ms >= 0 else None
    except (OverflowError, ValueError, OSError):
        return None
