"""Durations on the command line: `30` and `2.5` are seconds, `30s`, `500ms` and `1h30m` are as in kafkalert.toml."""

from collections.abc import Callable

import typer

from kafkalert.config.durations import parse_duration


def seconds(least: float, most: float = float("inf")) -> Callable[[str | float], float]:
    """Return a parser of durations from `least` to `most` seconds, which raises typer.BadParameter."""

    def parse(text: str | float) -> float:
        found = _seconds(str(text))
        if not least <= found <= most:
            bounds = f"at least {least:g} s" if most == float("inf") else f"from {least:g} s to {most:g} s"
            raise typer.BadParameter(f"{text} is out of range: {bounds}.")
        return found

    parse.__name__ = "seconds"
    return parse


def _seconds(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        pass
    try:
        return parse_duration(text).total_seconds()
    except ValueError:
        raise typer.BadParameter(f'"{text}" is no duration; write 30, 30s, 500ms or 1h30m.') from None
