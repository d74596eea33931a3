"""One dead letter for people: a line for each thing that is known of it."""

import json
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from kafkalert.model.personal import Personal
from kafkalert.ops.deadletters.looking import Shown
from kafkalert.ops.masks import Tree, reveal
from kafkalert.ops.wording import counted, harmless

_LONGEST = 4_000
"""Characters of a value that are shown; -o json has it whole."""
_PASSES = {True: "yes", False: "no", None: "?"}


def lines(letter: Shown, *, unmask: bool) -> list[str]:
    """Return what is known of a letter, its key and value masked unless `unmask`."""
    told = [(name, text) for name, text in _told(letter, unmask=unmask) if text]
    width = max(len(name) for name, _ in told)
    return [f"{name:<{width}}  {text}" for name, text in told]


def _told(letter: Shown, *, unmask: bool) -> Iterator[tuple[str, str]]:
    yield "letter", f"{letter.place} on {letter.cluster}"
    yield "put away", f"{_time(letter.time)}, by {letter.stage}"
    yield "reason", letter.reason
    yield "detail", harmless(letter.detail, _LONGEST)
    at = f"{letter.topic}[{_known(letter.from_partition)}] at {_known(letter.from_offset)}"
    yield "came from", f"{at} on {letter.from_cluster}"
    yield "written", _time(letter.record_time)
    yield "replayed", f"{counted(letter.replays, 'time')} before, and it failed again" if letter.replays else ""
    if letter.state != "open":
        yield "done", f"{letter.state} by {harmless(letter.by or '?')}, {_time(letter.done)}"
        yield "because", harmless(letter.why or "", _LONGEST)
    why = f": {harmless(letter.why_not, _LONGEST)}" if letter.why_not else ""
    yield "would pass now", f"{_PASSES[letter.passes]}{why}"
    yield "schema", f"{letter.schema or '?'}; {letter.topic} has {letter.expected or 'none of its own'}"
    yield "key", _part(letter.key, letter.key_bytes, unmask=unmask)
    yield "value", _part(letter.value, letter.value_bytes, unmask=unmask)
    for name, value in letter.headers.items():
        yield harmless(name), harmless(reveal(value) if unmask else value, _LONGEST)


def _part(tree: Tree, size: int | None, *, unmask: bool) -> str:
    """Return a key or value: its size, and what it says, where that is known."""
    if size is None:
        return "none"
    if isinstance(tree, Personal) and not unmask:
        return f"{counted(size, 'byte')} that are no known record"
    shown: Any = reveal(tree) if unmask else tree
    text = json.dumps(shown, default=str, ensure_ascii=False) if isinstance(shown, dict | list) else str(shown or "")
    return f"{counted(size, 'byte')}  {harmless(text, _LONGEST)}".rstrip()


def _time(moment: datetime | None) -> str:
    return "?" if moment is None else f"{moment:%Y-%m-%d %H:%M:%S} UTC"


def _known(number: int | None) -> str:
    return "?" if number is None else str(number)
