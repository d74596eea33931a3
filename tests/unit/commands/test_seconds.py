"""Durations on the command line: numbers are seconds, and what kafkalert.toml takes is taken."""

import pytest
import typer

from kafkalert.commands.seconds import seconds


@pytest.mark.parametrize(
    ("text", "found"), [("30", 30), ("2.5", 2.5), ("30s", 30), ("500ms", 0.5), ("1h30m", 5400), (7.5, 7.5)]
)
def test_both_ways_to_write_it(text: str | float, found: float) -> None:
    """A default, which is a number already, passes too."""
    assert seconds(0)(text) == found


@pytest.mark.parametrize("text", ["", "soon", "30 s", "nan", "inf", "-1", "700s", "0"])
def test_what_is_none_or_out_of_range_is_wrong_usage(text: str) -> None:
    with pytest.raises(typer.BadParameter):
        seconds(1, 600)(text)
