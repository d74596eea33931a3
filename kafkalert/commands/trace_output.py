"""How `trace` writes a path: a tree for people, one object for programs."""

from collections.abc import Iterator
from typing import Any

from kafkalert.commands.output import Format, emit, emit_object, to_plain
from kafkalert.ops.masks import reveal
from kafkalert.ops.tail.describe import address, words
from kafkalert.ops.trace.path import VERSION, Hop, Path, Place
from kafkalert.views.terminal import say, write_all
from kafkalert.views.values import printable

_KINDS = {"booking": "booking", "customer-entry": "for", "alert": "alert", "dead-letter": "dead letter"}
_MEASURED = (
    "ms: since the record above it, by the clocks of who wrote them. A copy keeps the time of its original, so how "
    "long it took to cross is not measured."
)
_COLUMNS = ("kind", "id", "after", "ms", "channel", "to", "customer", "what", "places")


def write_path(path: Path, output: Format, *, unmask: bool) -> None:
    """Write `path` to stdout in this format; what is not whole goes to stderr for people."""
    shown = plain_path(path, unmask=unmask)
    if emit_object(shown, output):
        return
    if output is Format.TSV:
        rows = [{**hop, "places": [spot(one) for one in each.places]} for hop, each in _both(shown, path)]
        emit(rows, output, columns=_COLUMNS)
    else:
        write_all(path_lines(path, unmask=unmask))
    for note in path.notes:
        say(note)


def plain_path(path: Path, *, unmask: bool) -> dict[str, Any]:
    """Return what -o json and -o yaml show of a path; these names and their order stay."""
    tree = {
        "version": VERSION,
        "entry": path.entry,
        "clusters": path.clusters,
        "silent": path.silent,
        "hops": [plain_hop(hop, unmask=unmask) for hop in path.hops],
        "notes": path.notes,
    }
    plainly: dict[str, Any] = to_plain(reveal(tree) if unmask else tree)
    return plainly


def plain_hop(hop: Hop, *, unmask: bool) -> dict[str, Any]:
    """Return a hop as -o json shows it; what is personal in it is masked unless `unmask`, or masks itself."""
    return {
        "kind": hop.kind,
        "id": hop.id,
        "after": hop.after,
        "ms": hop.ms,
        "channel": hop.channel,
        "to": _to(hop, unmask=unmask),
        "customer": hop.customer,
        "what": _what(hop, unmask=unmask),
        "places": [to_plain(one) for one in hop.places],
    }


def path_lines(path: Path, *, unmask: bool) -> Iterator[str]:
    """Yield the lines of the tree: each hop below the one that it came from."""
    entry = reveal(path.entry) if unmask else path.entry
    yield f"Entry {printable(entry) or '?'}, looked for on {' and '.join(path.clusters)}"
    for number, hop in enumerate(path.hops):
        if hop.after is None:
            yield ""
            yield from _branch(path, number, hop, "", "", unmask=unmask)
    yield ""
    yield _MEASURED


def _branch(path: Path, number: int, hop: Hop, lead: str, indent: str, *, unmask: bool) -> Iterator[str]:
    """Yield a hop's lines, and those of what came from it; `indent` goes before all lines but the first."""
    children = [(at, one) for at, one in enumerate(path.hops) if one.after == number]
    below = f"{indent}{'│ ' if children else '  '}"
    to = _to(hop, unmask=unmask)
    named = " ".join(filter(None, (_KINDS[hop.kind], hop.channel, f"to {to}" if to and hop.kind == "alert" else to)))
    took = "" if hop.ms is None else f"   {hop.ms:,} ms"
    yield f"{lead}{named}{took}"
    yield f"{below}  {_what(hop, unmask=unmask)}"
    own = reveal(hop.id) if unmask else hop.id
    if own is not None:
        yield f"{below}  ka-id {printable(own)}"
    for one in hop.places:
        yield f"{below}  {_place(one)}"
    yield from (f"{below}  {one}: not there" for one in _absent(path, hop))
    for place, (at, child) in enumerate(children):
        last = place == len(children) - 1
        yield from _branch(
            path, at, child, f"{indent}{'└ ' if last else '├ '}", f"{indent}{'  ' if last else '│ '}", unmask=unmask
        )


def _absent(path: Path, hop: Hop) -> list[str]:
    there = {one.cluster for one in hop.places}
    return [one for one in path.clusters if one not in there]


def _place(one: Place) -> str:
    how = "written" if one.native else "copy"
    return f"{one.cluster}: {how} {spot(one)}  {time_text(one)}"


def spot(one: Place) -> str:
    """Return a record's place as it is written."""
    return f"{printable(one.topic)}[{one.partition}]@{one.offset}"


def time_text(one: Place) -> str:
    """Return a record's time for people."""
    return "no time" if one.timestamp is None else one.timestamp.strftime("%Y-%m-%d %H:%M:%S.%f")[:-3]


def _to(hop: Hop, *, unmask: bool) -> str | None:
    """Return whom a hop is for: an address, or the customer of the second hop."""
    if hop.kind == "customer-entry":
        return hop.customer
    return address(hop.record, unmask=unmask) if hop.record is not None and hop.kind == "alert" else None


def _what(hop: Hop, *, unmask: bool) -> str:
    return "It cannot be decoded." if hop.record is None else words(hop.record, unmask=unmask)


def _both(shown: dict[str, Any], path: Path) -> Iterator[tuple[dict[str, Any], Hop]]:
    return zip(shown["hops"], path.hops, strict=True)
