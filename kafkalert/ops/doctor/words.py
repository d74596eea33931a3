"""Lengths of time as sentences of checks have them."""

from typing import Final

_UNITS: Final = ((172_800, 86_400, "days"), (7200, 3600, "hours"), (120, 60, "minutes"))


def age(seconds: float) -> str:
    """Return a length of time in its largest unit of which there are two or more: "90 s", "3 hours"."""
    for least, size, unit in _UNITS:
        if seconds >= least:
            return f"{round(seconds / size)} {unit}"
    return f"{seconds:.1f} s" if seconds < 10 else f"{seconds:.0f} s"  # noqa: PLR2004 - tenths of few seconds only
